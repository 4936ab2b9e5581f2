#include "popaug/base/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace popaug {
namespace {

// The code point of a valid sequence of `length` bytes.
uint32_t code_point(std::string_view text, size_t length) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  if (length == 1) return byte(0);
  uint32_t value = byte(0) & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) value = value << 6 | (byte(i) & 0x3F);
  return value;
}

// Whether a terminal or a reader would be misled: DEL and C1 controls, marks that change the
// direction of text (Unicode TR 36, section 2.9), line and paragraph separators, annotations.
bool misleads(uint32_t point) {
  return (point >= 0x7F && point <= 0x9F) || point == 0x061C || point == 0x200E ||
         point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x206F) || (point >= 0xFFF9 && point <= 0xFFFB);
}

bool is_plain(std::string_view text) { return printable_line(text, text.size()) == text; }

}  // namespace

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 && first < 0xF5 ? 4
                        : first >= 0xE0               ? 3
                        : first >= 0xC2               ? 2
                                                      : 0;
  if (length == 0 || first >= 0xF5 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  char code[8];
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const uint8_t first = static_cast<uint8_t>(text[0]);
    const bool control = first < 0x20 && first != '\n' && first != '\t';
    if (length == 0 || control) {
      std::snprintf(code, sizeof code, "\\x%02x", first);
      out += code;
    } else if (const uint32_t point = code_point(text, length); misleads(point)) {
      std::snprintf(code, sizeof code, "\\u%04x", point);
      out += code;
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string printable_line(std::string_view text, size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    size_t end = limit;
    // Not in the middle of a character.
    for (int back = 0; back < 3 && end > 0; ++back) {
      if ((static_cast<uint8_t>(text[end]) & 0xC0) != 0x80) break;
      --end;
    }
    text = text.substr(0, end);
  }
  std::string line;
  for (const char c : printable(text)) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else {
      line += c;
    }
  }
  return cut ? line + "..." : line;
}

std::string shell_quote(std::string_view text) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kSafe) == text.npos) return std::string(text);
  const bool plain = is_plain(text);
  std::string word = plain ? "'" : "$'";
  char octal[5];
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (plain) {
      word += c == '\'' ? "'\\''" : std::string(1, c);
    } else if (c == '\'' || c == '\\') {
      word += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      std::snprintf(octal, sizeof octal, "\\%03o", byte);
      word += octal;
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string shell_path(const std::filesystem::path& path) {
  const std::string& text = path.native();
  return shell_quote(text.starts_with('-') ? "./" + text : text);
}

}  // namespace popaug
