// String helpers: split, trim, join, quote, "did you mean".
#ifndef POPAUG_BASE_TEXT_H_
#define POPAUG_BASE_TEXT_H_

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/escape.h"

namespace popaug {

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string join(std::span<const std::string> items, std::string_view separator);

// The text in double quotes. Quotes, backslashes and all that printable_line() escapes are escaped,
// so that a message stays one readable line, whatever the name of a user's file is.
std::string quote(std::string_view text);
// A path for a message: unchanged where it is plain, else as quote(). For a command that a user may
// paste, use shell_path() (escape.h).
std::string show_path(const std::filesystem::path& path);

// The known name nearest to `name` by edit distance, or "" if none is near.
std::string nearest(std::string_view name, std::span<const std::string> known);
// A sentence for an unknown name: `unknown op "Rotat" (nearest: "Rotate")`, or with the list of
// known names where none is near.
std::string unknown_name(std::string_view what, std::string_view name,
                         std::span<const std::string> known);

// The shortest decimal text that reads back as exactly `value` ("0.1", "3", "1e-05").
std::string number_text(double value);
// "1:05", "2:03:04": hours, minutes, seconds of a duration.
std::string duration_text(double seconds);
// The value of an environment variable; "" if it is not set.
std::string environment_variable(const char* name);
// "512 B", "3.4 MiB".
std::string bytes_text(double bytes);

}  // namespace popaug

#endif  // POPAUG_BASE_TEXT_H_
