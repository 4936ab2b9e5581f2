// What the verbs write: text for people, and data for files and other programs. No verb writes to
// standard output or standard error in another way.
#ifndef POPAUG_CLI_OUTPUT_H_
#define POPAUG_CLI_OUTPUT_H_

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "popaug/base/base.h"

namespace popaug::cli {

// Writes text for people to standard output, with everything escaped that a terminal would obey
// (printable() of popaug/base). All of these throw Error if the output cannot be written.
void print_text(std::string_view text);

template <typename... Arguments>
void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  print_text(fmt::format(format, std::forward<Arguments>(arguments)...));
}

// Writes text that contains colour codes of our own; names in it must be escaped by the caller.
void print_coloured(std::string_view text);

// Writes data to the file, or to standard output where `path` is empty or "-". A file or a pipe
// gets the exact bytes; a terminal gets printable text.
void write_output(const std::string& path, std::string_view bytes);
void print_json(const Json& value);

// The same for bytes that are not text, such as a PNG. Throws UsageError for a terminal.
void write_binary_output(const std::string& path, std::string_view bytes);

// Whether the flag means standard output.
bool is_standard_output(std::string_view path);
// Throws UsageError if `path` is "-": `flag` takes a folder or a file that is read back.
void refuse_standard_output(std::string_view flag, const std::string& path);

// A line on standard error: "note: ...", printable, with flags for the settings that it names.
void print_note(std::string_view kind, std::string_view text);

// Sends what is buffered. Throws Error if any of the verb's output could not be written.
void finish_output();

}  // namespace popaug::cli

#endif  // POPAUG_CLI_OUTPUT_H_
