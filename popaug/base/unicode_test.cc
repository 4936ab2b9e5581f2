#include "popaug/base/unicode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/base/text.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

std::string utf8(uint32_t code) {
  std::string utf16;
  const auto unit = [&](uint32_t value) {
    utf16 += static_cast<char>(value & 0xFF);
    utf16 += static_cast<char>(value >> 8);
  };
  unit(0xFEFF);
  if (code >= 0x10000) {
    unit(0xD800 + ((code - 0x10000) >> 10));
    unit(0xDC00 + ((code - 0x10000) & 0x3FF));
  } else {
    unit(code);
  }
  return decode_text(utf16, "x");
}

// FNV-1a of lines: the expected values were computed with Python's unicodedata 14.0.
class LineHash {
 public:
  void add(const std::string& line) {
    for (const char c : line + "\n") {
      value_ = (value_ ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

TEST(Unicode, EveryCodePointIsNormalizedAndLoweredAsPythonDoes) {
  LineHash normal, small;
  for (uint32_t code = 0; code < 0x30000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    normal.add(normalize_nfc(utf8(code)));
    small.add(lower_case(utf8(code)));
  }
  EXPECT_EQ(normal.value(), 0xb1620d957d2a2e9u);
  EXPECT_EQ(small.value(), 0x28430330276ecd6cu);
}

TEST(Unicode, MarksAreSortedAndBlockedAsPythonDoes) {
  LineHash hash;
  for (const std::string base : {"a", "E", "α", "ᄀ", "A\xCC\x8A"}) {
    for (uint32_t x = 0x300; x < 0x36F; ++x) {
      for (uint32_t y = 0x300; y < 0x36F; y += 3) {
        hash.add(normalize_nfc(base + utf8(x) + utf8(y) + utf8(0x327)));
      }
    }
  }
  EXPECT_EQ(hash.value(), 0x374f6f3f42975118u);
}

TEST(Unicode, WhatIsNotUtf8Stays) {
  EXPECT_EQ(normalize_nfc("cafe\xCC\x81"), "café");
  EXPECT_EQ(normalize_nfc("\xFF e\xCC\x81 \xC3"), "\xFF é \xC3");
  EXPECT_EQ(lower_case("\xFFÉTÉ\xC3"), "\xFFété\xC3");
  EXPECT_EQ(normalize_nfc(""), "");
}

TEST(Unicode, TextFilesBecomeUtf8) {
  EXPECT_EQ(decode_text("\xEF\xBB\xBF"
                        "cat",
                        "x"),
            "cat");
  const std::string little(
      "\xFF\xFE"
      "c\0a\0\xE9\0",
      8),
      big("\xFE\xFF\0c\0a\0\xE9", 8);
  EXPECT_EQ(decode_text(little, "x"), "caé");
  EXPECT_EQ(decode_text(big, "x"), "caé");
  EXPECT_EQ(decode_text(std::string("c\0a\0t\0", 6), "x"), "cat");
  EXPECT_EQ(decode_text(std::string("\0c\0a\0t", 6), "x"), "cat");
  EXPECT_EQ(decode_text("\xE9t\xE9", "x"), "\xE9t\xE9");
  EXPECT_EQ(decode_text("", "x"), "");
  EXPECT_THAT(message_of([&] { decode_text(little + "c", "a.csv"); }),
              HasSubstr("a.csv: the UTF-16"));
  EXPECT_THAT(message_of([] { decode_text(std::string("\xFF\xFE\0\xD8", 4), "x"); }),
              HasSubstr("half of a surrogate pair"));
}

TEST(Shell, PlainWordsStayAndOthersAreQuoted) {
  EXPECT_EQ(shell_quote("run/a-b_c.1"), "run/a-b_c.1");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("my photos"), "'my photos'");
  EXPECT_EQ(shell_quote("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(shell_quote("a\nb'\\"), "$'a\\012b\\'\\\\'");
  EXPECT_EQ(shell_quote("\xFF"
                        "1"),
            "$'\\3771'");
  EXPECT_EQ(shell_quote("été"), "'été'");
  EXPECT_EQ(shell_path("-rf"), "./-rf");
  EXPECT_EQ(shell_path("- f"), "'./- f'");
}

// Every word comes back from a shell as it was.
TEST(Shell, AShellReadsTheWordBack) {
  const std::vector<std::string> words = {"my photos",
                                          "it's",
                                          "a\"b",
                                          "$(touch x)",
                                          "`x`",
                                          "a\\b",
                                          "a\nb",
                                          "\t",
                                          "!x",
                                          "*",
                                          "~",
                                          "#a",
                                          "{a,b}",
                                          "\xFF\xFE",
                                          "été",
                                          "a;b",
                                          "&",
                                          "|",
                                          "<>",
                                          "-n",
                                          "\x01"
                                          "7",
                                          "a'b\nc"};
  for (const std::string& word : words) {
    const std::string command = "bash -c \"$POPAUG_TEST_COMMAND\"";
    ASSERT_EQ(setenv("POPAUG_TEST_COMMAND", ("printf %s. " + shell_quote(word)).c_str(), 1), 0);
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string got;
    for (int c; (c = fgetc(pipe)) != EOF;) got += static_cast<char>(c);
    EXPECT_EQ(pclose(pipe), 0);
    EXPECT_EQ(got, word + ".");
  }
}

}  // namespace
}  // namespace popaug
