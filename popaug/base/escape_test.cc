#include "popaug/base/escape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "popaug/base/text.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

TEST(Printable, ControlsAndMarksAreEscapedAndTheRestStays) {
  EXPECT_EQ(printable("plain, naïve, 漢字, 😀\n\tnext"), "plain, naïve, 漢字, 😀\n\tnext");
  EXPECT_EQ(printable("\x1b[2J\x07\r"), "\\x1b[2J\\x07\\x0d");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\x7f"),
            "\\u009b31m\\u007f");
  EXPECT_EQ(printable("a\u202eb\u2066c\u200fd\u061ce\u2028f"),
            "a\\u202eb\\u2066c\\u200fd\\u061ce\\u2028f");
  EXPECT_EQ(printable("\xff\xc0\x80\xed\xa0\x80"), "\\xff\\xc0\\x80\\xed\\xa0\\x80");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

// The oracle: no byte of the output is a control character, and no sequence is a C1 control or a
// bidirectional mark, for every code point of the basic plane.
TEST(Printable, NoCodePointOfTheBasicPlanePassesThatATerminalObeys) {
  for (uint32_t point = 1; point < 0x10000; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    std::string text;
    if (point < 0x80) {
      text = {static_cast<char>(point)};
    } else if (point < 0x800) {
      text = {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 63))};
    } else {
      text = {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 63)),
              static_cast<char>(0x80 | (point & 63))};
    }
    const std::string line = printable_line(text);
    const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
    const bool marks = point == 0x61C || (point >= 0x200E && point <= 0x200F) ||
                       (point >= 0x2028 && point <= 0x202E) ||
                       (point >= 0x2066 && point <= 0x206F) || (point >= 0xFFF9 && point <= 0xFFFB);
    EXPECT_EQ(line == text, !control && !marks) << point;
    for (const char c : line) EXPECT_TRUE(static_cast<uint8_t>(c) >= 0x20) << point;
  }
}

TEST(Printable, JsonKeepsItsValue) {
  const nlohmann::json value = {{"name\u009b", "\u202e\x7f\x1b[31m\n"}};
  const std::string text = printable(value.dump(2));
  EXPECT_EQ(text.find('\xc2'), text.npos);
  EXPECT_EQ(nlohmann::json::parse(text), value);
}

TEST(Printable, ALineIsOneLineAndBounded) {
  EXPECT_EQ(printable_line("a\nb\tc"), "a\\nb\\tc");
  EXPECT_EQ(printable_line("abcdef", 3), "abc...");
  EXPECT_EQ(printable_line("aé", 2), "a...");  // not half of a character
  EXPECT_EQ(printable_line("abc", 3), "abc");
  EXPECT_EQ(printable_line("\x80\x80\x80\x80\x80\x80", 5), "\\x80\\x80...");
}

TEST(Quote, EscapesMarksToo) {
  EXPECT_EQ(quote("a\u202e\"\\\x1b"), "\"a\\u202e\\\"\\\\\\x1b\"");
  EXPECT_EQ(show_path("a\u009b"), "\"a\\u009b\"");
}

// What bash makes of the word.
std::string read_by_shell(const std::string& word) {
  const std::string script = "set -f; printf %s " + word;
  std::string command = "bash -c \"$SCRIPT\"";
  ::setenv("SCRIPT", script.c_str(), 1);
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  std::array<char, 256> block{};
  while (const size_t n = std::fread(block.data(), 1, block.size(), pipe)) {
    text.append(block.data(), n);
  }
  ::pclose(pipe);
  return text;
}

TEST(ShellQuote, AShellReadsBackTheSameText) {
  for (const std::string text :
       {"plain/path-1.0", "my run;touch pwned;", "$(touch pwned)`id`", "it's", "a\"b\\c", "*?[a]~",
        "-rf", "~root", "#comment", "a\nb", "\x1b[2J", "\u202enepo", "naïve dir", "!history",
        "a&b|c<d>e", "\xff\xfe", "'\x01'"}) {
    const std::string word = shell_quote(text);
    EXPECT_EQ(read_by_shell(word), text) << word;
    EXPECT_EQ(printable_line(word), word);
  }
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a/b.c"), "a/b.c");
}

TEST(ShellPath, IsNeverAFlag) {
  EXPECT_EQ(shell_path("--resume"), "./--resume");
  EXPECT_EQ(shell_path("-o x"), "'./-o x'");
  EXPECT_EQ(shell_path("a-b"), "a-b");
  EXPECT_THAT(shell_path("a b"), HasSubstr("'a b'"));
}

}  // namespace
}  // namespace popaug
