#include "popaug/search/internal/bits_base64.h"

#include "popaug/base/base.h"

namespace popaug {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::string bits_to_base64(const std::vector<uint8_t>& bits) {
  std::string text;
  for (size_t i = 0; i < bits.size(); i += 6) {
    int digit = 0;
    for (size_t k = 0; k < 6; ++k) digit = digit << 1 | (i + k < bits.size() && bits[i + k] != 0);
    text += kDigits[digit];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::vector<uint8_t> bits_from_base64(std::string_view text, size_t count,
                                      const std::string& origin) {
  const size_t digits = (count + 5) / 6;
  if (text.size() != (digits + 3) / 4 * 4 ||
      text.substr(digits).find_first_not_of('=') != text.npos) {
    throw Error(origin + ": correct: expected " + std::to_string(count) + " bits as base64");
  }
  std::vector<uint8_t> bits(count);
  for (size_t i = 0; i < digits; ++i) {
    const int value = digit_value(text[i]);
    if (value < 0)
      throw Error(origin + ": correct: " + quote(text.substr(i, 1)) + " is not base64");
    for (size_t k = 0; k < 6 && 6 * i + k < count; ++k) bits[6 * i + k] = value >> (5 - k) & 1;
  }
  return bits;
}

}  // namespace popaug
