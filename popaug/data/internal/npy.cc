#include "popaug/data/internal/npy.h"

#include <charconv>
#include <cstring>
#include <map>

#include "popaug/base/base.h"

namespace popaug {
namespace {

const std::map<std::string, size_t, std::less<>>& sizes() {
  static const std::map<std::string, size_t, std::less<>> known = {
      {"|u1", 1}, {"|i1", 1}, {"|b1", 1}, {"<u2", 2}, {"<i2", 2}, {"<u4", 4},
      {"<i4", 4}, {"<u8", 8}, {"<i8", 8}, {"<f4", 4}, {"<f8", 8}};
  return known;
}

// Bytes of one element, or 0 for a type that is not read.
size_t size_of(const std::string& type) {
  if (const auto known = sizes().find(type); known != sizes().end()) return known->second;
  size_t letters = 0;
  const char* const end = type.data() + type.size();
  if (type.size() < 3 || std::from_chars(type.data() + 2, end, letters).ptr != end) return 0;
  constexpr size_t kMost = 1 << 16;
  if (letters == 0 || letters > kMost) return 0;
  return type.starts_with("<U") ? 4 * letters : type.starts_with("|S") ? letters : 0;
}

// The value of a key in the header, a Python dictionary in a fixed manner of writing:
// {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const size_t at = header.find(quoted);
  return at == header.npos ? std::string_view() : trim(header.substr(at + quoted.size()));
}

}  // namespace

double NpyArray::number(size_t i) const {
  const size_t size = size_of(type);
  const char* at = data.data() + i * size;
  const auto as = [&](auto value) {
    std::memcpy(&value, at, sizeof value);
    return static_cast<double>(value);
  };
  switch (type[1]) {
    case 'f':
      return size == 4 ? as(float{}) : as(double{});
    case 'i':
      return size == 1   ? as(int8_t{})
             : size == 2 ? as(int16_t{})
             : size == 4 ? as(int32_t{})
                         : as(int64_t{});
    default:
      return size == 1   ? as(uint8_t{})
             : size == 2 ? as(uint16_t{})
             : size == 4 ? as(uint32_t{})
                         : as(uint64_t{});
  }
}

std::string NpyArray::text_at(size_t i) const {
  const size_t size = size_of(type);
  const std::string_view bytes = data.substr(i * size, size);
  if (type[1] == 'S') return std::string(bytes.substr(0, bytes.find_last_not_of('\0') + 1));
  // UTF-32 without the zeros at its end; as UTF-16 it is known how to be read.
  std::string utf16("\xFF\xFE");
  const auto unit = [&](uint32_t value) {
    utf16 += static_cast<char>(value & 0xFF);
    utf16 += static_cast<char>(value >> 8 & 0xFF);
  };
  for (size_t at = 0; at < size; at += 4) {
    uint32_t code;
    std::memcpy(&code, bytes.data() + at, sizeof code);
    if (code == 0) break;
    constexpr uint32_t kLast = 0x10FFFF, kReplacement = 0xFFFD;
    const bool letter = code <= kLast && (code < 0xD800 || code >= 0xE000);
    if (!letter) code = kReplacement;
    if (code >= 0x10000) {
      unit(0xD800 + ((code - 0x10000) >> 10));
      unit(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      unit(code);
    }
  }
  return decode_text(std::move(utf16), "a text of an array");
}

std::string NpyArray::text() const {
  std::vector<std::string> sides;
  for (const uint64_t side : shape) sides.push_back(std::to_string(side));
  return type + " of " + join(sides, "x") + (by_columns ? " by columns" : "");
}

NpyArray parse_npy(std::string_view bytes, const std::string& where) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (bytes.size() < 12 || !bytes.starts_with(kMagic)) throw Error(where + " is not a NumPy array");
  const uint8_t major = static_cast<uint8_t>(bytes[6]);
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, major == 1 ? 2 : 4);
  const size_t begin = major == 1 ? 10 : 12;
  if (major < 1 || major > 3 || length > bytes.size() - begin) {
    throw Error(where + ": its NumPy header is broken or of an unknown version");
  }
  const std::string_view header = bytes.substr(begin, length);
  NpyArray array;
  array.data = bytes.substr(begin + length);
  const std::string_view type = value_of(header, "descr");
  const std::string_view order = value_of(header, "fortran_order");
  std::string_view shape = value_of(header, "shape");
  array.type = type.starts_with('\'') ? type.substr(1, type.find('\'', 1) - 1) : "";
  array.by_columns = order.starts_with("True");
  const size_t size = size_of(array.type);
  if (size == 0 || (!array.by_columns && !order.starts_with("False")) || !shape.starts_with('(') ||
      shape.find(')') == shape.npos) {
    throw Error(where + " is not an array of numbers that popaug reads (its header is " +
                quote(trim(header)) + ")");
  }
  uint64_t bytes_needed = size;
  for (const std::string& side : split(shape.substr(1, shape.find(')') - 1), ',')) {
    const std::string_view digits = trim(side);
    if (digits.empty()) continue;  // after the last comma
    uint64_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool good = code == std::errc() && end == digits.data() + digits.size();
    if (!good || (value != 0 && bytes_needed > (uint64_t{1} << 62) / value)) {
      throw Error(where + ": the shape in its NumPy header is broken");
    }
    array.shape.push_back(value);
    bytes_needed *= value;
  }
  if (array.shape.empty() || bytes_needed != array.data.size()) {
    throw Error(where + " has " + std::to_string(array.data.size()) + " bytes, but declares " +
                std::to_string(bytes_needed));
  }
  return array;
}

}  // namespace popaug
