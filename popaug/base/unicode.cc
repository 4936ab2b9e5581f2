// Normalisation form C by Unicode Standard Annex 15: decompose fully, sort combining marks by their
// class, compose from the left. Hangul syllables are composed by arithmetic (Unicode,
// section 3.12).
#include "popaug/base/unicode.h"

#include <algorithm>
#include <map>
#include <vector>

#include "popaug/base/error.h"
#include "popaug/base/text.h"
#include "popaug/base/unicode_table.h"

namespace popaug {
namespace {

using namespace unicode;

// A byte that is not part of valid UTF-8 travels as a number above all code points.
constexpr uint32_t kRawByte = 0x200000;

std::u32string code_points(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    uint32_t code = byte(0);
    if (length == 0) {
      code += kRawByte;
    } else if (length > 1) {
      code &= 0x7Fu >> length;
      for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3F);
    }
    out += static_cast<char32_t>(code);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code >= kRawByte) {
    put(code - kRawByte);
  } else if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::string utf8(const std::u32string& codes) {
  std::string out;
  for (const char32_t code : codes) append_utf8(out, code);
  return out;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

constexpr uint32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr uint32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28;
constexpr uint32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

void decompose(uint32_t code, std::u32string& out) {
  if (code - kSyllables < kSyllableCount) {
    const uint32_t index = code - kSyllables;
    out += static_cast<char32_t>(kLeads + index / (kVowelCount * kTailCount));
    out += static_cast<char32_t>(kVowels + index % (kVowelCount * kTailCount) / kTailCount);
    if (index % kTailCount != 0) out += static_cast<char32_t>(kTails + index % kTailCount);
    return;
  }
  const Decomposition* const end = kDecompositions + kDecompositionCount;
  const Decomposition* const at =
      std::lower_bound(kDecompositions, end, code,
                       [](const Decomposition& row, uint32_t value) { return row.code < value; });
  if (at == end || at->code != code) {
    out += static_cast<char32_t>(code);
    return;
  }
  decompose(at->first, out);  // at most a few steps deep
  if (at->second != 0) decompose(at->second, out);
}

int combining_class(uint32_t code) {
  const CombiningRun* const end = kCombiningRuns + kCombiningRunCount;
  const CombiningRun* const at =
      std::lower_bound(kCombiningRuns, end, code,
                       [](const CombiningRun& run, uint32_t value) { return run.last < value; });
  return at != end && code >= at->first ? at->combining_class : 0;
}

// What the two make together, or 0.
uint32_t composed(uint32_t first, uint32_t second) {
  if (first - kLeads < kLeadCount && second - kVowels < kVowelCount) {
    return kSyllables + ((first - kLeads) * kVowelCount + (second - kVowels)) * kTailCount;
  }
  if (first - kSyllables < kSyllableCount && (first - kSyllables) % kTailCount == 0 &&
      second > kTails && second < kTails + kTailCount) {
    return first + (second - kTails);
  }
  static const std::map<std::pair<uint32_t, uint32_t>, uint32_t> pairs = [] {
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> all;
    for (size_t i = 0; i < kDecompositionCount; ++i) {
      const Decomposition& row = kDecompositions[i];
      if (row.composes) all[{row.first, row.second}] = row.code;
    }
    return all;
  }();
  const auto at = pairs.find({first, second});
  return at == pairs.end() ? 0 : at->second;
}

// Sorts each run of combining marks by class, without changing the order within a class.
void reorder(std::u32string& codes) {
  for (size_t begin = 0; begin < codes.size(); ++begin) {
    size_t end = begin;
    while (end < codes.size() && combining_class(codes[end]) != 0) ++end;
    const auto at = codes.begin();
    std::stable_sort(
        at + static_cast<ptrdiff_t>(begin), at + static_cast<ptrdiff_t>(end),
        [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

std::u32string compose(const std::u32string& codes) {
  std::u32string out;
  size_t starter = std::u32string::npos;
  for (const char32_t code : codes) {
    const int own = combining_class(code);
    if (starter != std::u32string::npos) {
      // A mark is blocked by one of its own or a higher class between it and the starter.
      const bool adjacent = out.size() == starter + 1;
      const bool blocked = !adjacent && combining_class(out.back()) >= own;
      const uint32_t joined = blocked ? 0 : composed(out[starter], code);
      if (joined != 0) {
        out[starter] = static_cast<char32_t>(joined);
        continue;
      }
    }
    if (own == 0) starter = out.size();
    out += code;
  }
  return out;
}

std::string from_utf16(std::string_view bytes, bool big_endian, const std::string& origin) {
  const auto unit = [&](size_t i) {
    const auto byte = [&](size_t k) { return uint32_t{static_cast<uint8_t>(bytes[2 * i + k])}; };
    return big_endian ? byte(0) << 8 | byte(1) : byte(1) << 8 | byte(0);
  };
  if (bytes.size() % 2 != 0) throw Error(origin + ": the UTF-16 text is cut short");
  std::string out;
  for (size_t i = 0; i < bytes.size() / 2; ++i) {
    uint32_t code = unit(i);
    if (code >= 0xD800 && code < 0xE000) {
      const bool pair = code < 0xDC00 && i + 1 < bytes.size() / 2 && unit(i + 1) >= 0xDC00 &&
                        unit(i + 1) < 0xE000;
      if (!pair) throw Error(origin + ": the UTF-16 text is broken (half of a surrogate pair)");
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(++i) - 0xDC00);
    }
    append_utf8(out, code);
  }
  return out;
}

}  // namespace

std::string normalize_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::u32string codes;
  for (const char32_t code : code_points(text)) decompose(code, codes);
  reorder(codes);
  return utf8(compose(codes));
}

std::string lower_case(std::string_view text) {
  std::u32string codes = code_points(text);
  for (char32_t& code : codes) {
    const LowerRun* const end = kLowerRuns + kLowerRunCount;
    const LowerRun* const at =
        std::lower_bound(kLowerRuns, end, static_cast<uint32_t>(code),
                         [](const LowerRun& run, uint32_t value) { return run.last < value; });
    if (at == end || code < at->first || (code - at->first) % at->step != 0) continue;
    code = static_cast<char32_t>(static_cast<int32_t>(code) + at->distance);
  }
  return utf8(codes);
}

std::string decode_text(std::string bytes, const std::string& origin) {
  const std::string_view text = bytes;
  if (text.starts_with("\xEF\xBB\xBF")) return bytes.substr(3);
  if (text.starts_with("\xFF\xFE")) return from_utf16(text.substr(2), false, origin);
  if (text.starts_with("\xFE\xFF")) return from_utf16(text.substr(2), true, origin);
  if (text.size() >= 4 && text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0) {
    return from_utf16(text, false, origin);
  }
  if (text.size() >= 4 && text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0) {
    return from_utf16(text, true, origin);
  }
  return bytes;
}

std::string read_text_file(const fs::path& path, uint64_t limit) {
  return decode_text(read_file(path, limit), show_path(path));
}

}  // namespace popaug
