// Text that is safe to show: escapes what a terminal or a shell would obey.
//
// Class names, file names, schedule names and the words of workers and plugins come from others. A
// terminal obeys control characters in them, and bidirectional marks change the order in which a
// line is read. A shell obeys blanks, quotes, ";" and "$" in a command that a user pastes.
#ifndef POPAUG_BASE_ESCAPE_H_
#define POPAUG_BASE_ESCAPE_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace popaug {

// The length in bytes of the valid UTF-8 sequence at the start of `text`, or 0 if there is none.
size_t utf8_length(std::string_view text);

// The text with every character that could change the terminal replaced by an escape: controls
// (except newline and tab), C1 controls, bidirectional marks, line separators, and bytes that are
// not UTF-8. "\x1b" is a byte below 0x20 or outside of UTF-8, "\u009b" a code point. JSON stays
// JSON of the same value, because a JSON text contains none of the former.
std::string printable(std::string_view text);

// The same for one line: newline and tab are escaped too, and a text of more than `limit` bytes is
// cut and ends in "...".
std::string printable_line(std::string_view text, size_t limit = 1000);

// One word for a POSIX shell: as it is where that is safe, else in single quotes. A word that is
// not printable becomes $'...' with octal escapes (bash, zsh, ksh), so that printing it is safe.
std::string shell_quote(std::string_view text);

// A path as one word; a path that starts with "-" gets "./", so that no verb reads it as a flag.
std::string shell_path(const std::filesystem::path& path);

}  // namespace popaug

#endif  // POPAUG_BASE_ESCAPE_H_
