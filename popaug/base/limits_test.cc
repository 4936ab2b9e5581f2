// What a hostile JSON or TOML text may ask of its reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/base/base.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Json, BuildsWhatTheLibraryBuilds) {
  for (const char* text :
       {R"({"b":[1,-2,3.5,1e300,true,false,null,"x\u00e9\n",{"a":{}}],"a":[]})", "[]", "3", "\"s\"",
        R"([[[{"k":[{"k":1}]}]]])", "18446744073709551615", "-9223372036854775808", "{}"}) {
    EXPECT_EQ(json_line(parse_json(text, "x")), Json::parse(text).dump()) << text;
  }
  EXPECT_THAT(message_of([] { parse_json("[1e999]", "x"); }),
              HasSubstr("x: line 1, column 6: number overflow"));
  EXPECT_THAT(message_of([] { parse_json("", "x"); }), HasSubstr("x: "));
  EXPECT_THAT(message_of([] { parse_json("[\"\xff\"]", "x"); }), HasSubstr("UTF-8"));
  EXPECT_FALSE(try_json("{\"a\":"));
  EXPECT_EQ(*try_json("[1]"), Json::array({1}));
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) { return repeated("[", depth) + repeated("]", depth); };
  EXPECT_NO_THROW(parse_json(nested(64), "x"));
  EXPECT_THAT(message_of([&] { parse_json(nested(65), "x"); }), HasSubstr("nested more than 64"));
  EXPECT_THAT(message_of([] { parse_json(repeated("{\"a\":", 1'000'000), "x"); }),
              HasSubstr("nested more than 64"));
  EXPECT_THAT(message_of([] { parse_json("[[1]]", "x", {.depth = 1}); }),
              HasSubstr("nested more than 1 deep"));
}

TEST(Json, TheNumberOfValuesIsBounded) {
  const JsonLimits few = {.values = 4};
  EXPECT_NO_THROW(parse_json("[1,2,3]", "x", few));
  EXPECT_THAT(message_of([&] { parse_json("[1,2,3,4]", "x", few); }), HasSubstr("4 values"));
  EXPECT_THAT(message_of([&] { parse_json("[[],[],[],[]]", "x", few); }), HasSubstr("4 values"));
}

TEST(Json, AKeyIsListedOnce) {
  EXPECT_THAT(message_of([] { parse_json(R"({"o":{"a":1,"b":2,"a":3}})", "x"); }),
              HasSubstr("\"a\" is listed twice"));
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1},"b":{"a":1}})", "x"));
}

// An object of 300,000 keys takes a quadratic reader many minutes, which is more than the time
// limit of a test.
TEST(Json, ManyKeysTakeLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += "\"key" + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_EQ(parse_json(text, "x").size(), 300'000u);
}

TEST(Toml, DepthIsBoundedBeforeTheLibraryReads) {
  const std::string deep = "a" + repeated(".a", 200'000);
  for (const std::string& text :
       {deep + "=1", "[" + deep + "]", "[[" + deep + "]]", "x = {" + deep + "=1}",
        "x = [{" + deep + "=1}]", "a" + repeated(" . \"a.b\"", 100'000) + "=1",
        "x = \"\"\"\n'\"\"\"\n" + deep + "=1", "x = [\"\"\"a\"\"\"\", {" + deep + "=1}]",
        "x = '''a'''''\n" + deep + "=1", "# \"\n" + deep + "=1", "x = 'a\\'\n" + deep + "=1",
        "x = \"a\\\"\"\n" + deep + "=1", "x = " + repeated("[", 100'000),
        "x = " + repeated("{a=", 100'000)}) {
    EXPECT_THAT(message_of([&] { parse_toml(text, "c.toml"); }), HasSubstr("nested more than 64"))
        << text.substr(0, 40);
  }
}

// Tables inside tables of array items, each part within its own limit.
TEST(Toml, DepthAddsUpOverHeadersAndKeys) {
  const std::string forty = "a" + repeated(".a", 39);
  EXPECT_THAT(message_of([&] { parse_toml("[" + forty + "]\n" + forty + "=1", "c.toml"); }),
              HasSubstr("nested more than 64"));
  EXPECT_NO_THROW(parse_toml("[" + forty + "]\nb.c=1", "c.toml"));
}

TEST(Toml, WhatOnlyLooksDeepIsRead) {
  EXPECT_NO_THROW(
      parse_toml("a = \"" + repeated("a.[", 1000) + "\" # " + repeated("[.", 1000), "c"));
  EXPECT_NO_THROW(parse_toml("x = [" + repeated("1.5, ", 1000) + "]", "c"));
  EXPECT_NO_THROW(parse_toml("x = '''" + repeated("[.\n", 1000) + "'''\n", "c"));
  EXPECT_NO_THROW(parse_toml("'[[.' = 1\n\"{\\\"{\" = 2\n", "c"));
}

TEST(Toml, TheLengthIsBoundedAndManyKeysTakeLinearTime) {
  EXPECT_THAT(message_of([&] { parse_toml(std::string(2 << 20, ' '), "c.toml"); }),
              HasSubstr("more than the 1048576"));
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "k" + std::to_string(i) + "=0\n";
  EXPECT_EQ(parse_toml(text, "c").size(), 60'000u);
}

}  // namespace
}  // namespace popaug
