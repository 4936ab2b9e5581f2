// What holds for every verb: descriptors that are safe to write to, and an end that says why.
#ifndef POPAUG_CLI_GUARD_H_
#define POPAUG_CLI_GUARD_H_

#include <functional>

namespace popaug::cli {

// Opens /dev/null in the place of every standard descriptor that is closed, so that no file of a
// run gets number 0, 1 or 2 and then receives text. Writing to a standard output that was closed
// fails, so that the lost output is reported.
void secure_standard_descriptors();

// Runs a verb and returns the exit code of the program. Turns every exception into a sentence on
// standard error, and reports output that could not be written. An exception that leaves a thread,
// and a library that calls exit(), end the program with a sentence and exit code 1.
int run_guarded(const std::function<int()>& verb);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_GUARD_H_
