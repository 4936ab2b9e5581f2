#include "popaug/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace popaug {
namespace {

using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

std::string error_of(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "w.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Safetensors, RoundTrip) {
  RawTensors tensors;
  tensors.metadata = {{"format", "pt"}, {"text", "a \"b\"\n"}};
  const std::string two(8, 'x'), scalar(8, '\1');
  tensors.tensors.push_back({"a.weight", "F32", {2, 1}, two});
  tensors.tensors.push_back({"empty", "F32", {0, 3}, ""});
  tensors.tensors.push_back({"n", "I64", {}, scalar});
  const std::string bytes = make_safetensors(tensors);
  const RawTensors read = parse_safetensors(bytes, "x");
  EXPECT_EQ(read.metadata, tensors.metadata);
  ASSERT_EQ(read.tensors.size(), 3u);
  EXPECT_EQ(read.find("a.weight")->bytes, two);
  EXPECT_EQ(read.find("a.weight")->shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(read.find("n")->elements(), 1);
  EXPECT_EQ(read.find("none"), nullptr);
  EXPECT_EQ(make_safetensors(read), bytes);
  EXPECT_EQ((8 + read.find("a.weight")->bytes.data() - bytes.data()) % 8, 0);
}

TEST(Safetensors, EveryCutIsRefused) {
  RawTensors tensors;
  const std::string values(24, 'v');
  tensors.tensors.push_back({"w", "F32", {6}, values});
  const std::string bytes = make_safetensors(tensors);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(error_of(bytes.substr(0, length)), HasSubstr("w.safetensors")) << length;
  }
}

TEST(Safetensors, WhatTheFormatForbids) {
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_EQ(error_of(file_of(R"({"a":)" + entry + "}", "12345678")), "");
  EXPECT_THAT(error_of(file_of(R"({"a":)" + entry + "}", "123456789")),
              HasSubstr("9 bytes of data"));
  EXPECT_THAT(error_of(file_of(R"({"a":)" + entry + R"(,"a":)" + entry + "}", "12345678")),
              HasSubstr("header"));
  EXPECT_THAT(error_of(file_of(R"({"a":)" + entry + R"(,"b":)" + entry + "}", "12345678")),
              HasSubstr("begins at byte 0"));
  EXPECT_THAT(
      error_of(file_of(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", "12345678")),
      HasSubstr("\"F31\" is not a known type"));
  EXPECT_THAT(
      error_of(file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "12345678")),
      HasSubstr("the shape does not need 8 bytes"));
  EXPECT_THAT(
      error_of(file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "12345678")),
      HasSubstr("whole numbers"));
  EXPECT_THAT(error_of(file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],)"
                               R"("data_offsets":[0,0]}})",
                               "")),
              HasSubstr("shape"));
  EXPECT_THAT(
      error_of(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "12345678")),
      HasSubstr("bytes 8 to 0"));
  EXPECT_THAT(error_of(file_of(R"({"__metadata__":{"a":1}})", "")), HasSubstr("not a text"));
  EXPECT_THAT(error_of(file_of("[1]", "")), HasSubstr("not a whole safetensors file"));
}

}  // namespace
}  // namespace popaug
