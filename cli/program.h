// The program as a function: main.cc calls it, and the Python package, whose recipes of other
// libraries need an interpreter in the process (entry.cc).
#ifndef POPAUG_CLI_PROGRAM_H_
#define POPAUG_CLI_PROGRAM_H_

namespace popaug::cli {

// Reads the command line, argv[0] being the name of the program, and runs its verb; returns the
// exit code. Throws Error. Once in a process: flags are kept in static memory.
int run_program(int argc, char** argv);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_PROGRAM_H_
