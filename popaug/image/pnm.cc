// PNM: the formats PBM, PGM and PPM of Netpbm, plain (P1 .. P3) and raw (P4 .. P6). A header of
// words, then the samples: 1 or 3 a pixel, of 0 .. maxval; those of PBM are bits, 1 is black.
// Source: the Netpbm pages pbm(5), pgm(5) and ppm(5). Samples are scaled as Pillow scales them.
#include <algorithm>
#include <cmath>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/format.h"
#include "popaug/image/internal/little_endian.h"
#include "popaug/image/internal/samples.h"

namespace popaug::codec {
namespace {

[[noreturn]] void broken(const Encoded& file, const std::string& how) {
  throw Error(file.origin + ": the PNM data is broken or cut short (" + how + ")");
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads the words of a header and of plain samples; a comment lasts from # to the end of its line.
class Words {
 public:
  Words(const Encoded& file, size_t at) : file_(file), at_(at) {}

  uint32_t number(const char* what) {
    skip_space();
    if (at_ >= size()) broken(file_, std::string("its ") + what + " is missing");
    uint64_t value = 0;
    size_t digits = 0;
    constexpr size_t kMostDigits = 10;
    for (; at_ < size() && is_digit(file_.bytes[at_]); ++at_) {
      if (++digits > kMostDigits) break;
      value = 10 * value + static_cast<uint64_t>(file_.bytes[at_] - '0');
    }
    const bool ends = at_ >= size() || is_space(file_.bytes[at_]) || file_.bytes[at_] == '#';
    if (digits == 0 || !ends || value > UINT32_MAX) {
      broken(file_, std::string("its ") + what + " is not a number");
    }
    return static_cast<uint32_t>(value);
  }
  // A sample of a plain PBM, which needs no space around it.
  uint32_t bit() {
    skip_space();
    if (at_ >= size()) broken(file_, "its sample is missing");
    const char c = file_.bytes[at_++];
    if (c != '0' && c != '1') broken(file_, "its sample is neither 0 nor 1");
    return static_cast<uint32_t>(c - '0');
  }
  // Where raw samples begin: after one space, or after a comment and the end of its line.
  size_t raw() {
    if (at_ < size() && file_.bytes[at_] == '#') skip_comment();
    if (at_ >= size() || !is_space(file_.bytes[at_])) broken(file_, "its samples are missing");
    return ++at_;
  }
  size_t at() const { return at_; }

 private:
  size_t size() const { return file_.bytes.size(); }
  void skip_comment() {
    while (at_ < size() && file_.bytes[at_] != '\n' && file_.bytes[at_] != '\r') ++at_;
  }
  void skip_space() {
    for (; at_ < size(); ++at_) {
      if (file_.bytes[at_] == '#') skip_comment();
      if (at_ >= size() || !is_space(file_.bytes[at_])) return;
    }
  }

  const Encoded& file_;
  size_t at_;
};

// Every sample 0 .. maxval as 8 bits. Samples of more than 8 bits are scaled to 16 bits and then as
// the rules say; but those of colours at once, if the rules are the usual ones: so does Pillow.
class Scale {
 public:
  Scale(uint32_t maxval, bool colour, const DecodeRules& rules) : bits_(rules) {
    constexpr double kByte = 255, kFull = 65535;
    const bool usual = rules.low == 0 && rules.high == 65535;
    deep_ = maxval > 255;
    direct_ = !deep_ || (colour && usual);
    for (uint32_t value = 0; value <= maxval; ++value) {
      // std::nearbyint rounds halves to even numbers, as Python does.
      const double share = double(value) / double(maxval);
      bytes_.push_back(static_cast<uint8_t>(std::nearbyint(share * kByte)));
      sixteen_.push_back(static_cast<uint16_t>(std::nearbyint(share * kFull)));
    }
  }
  uint8_t operator()(uint32_t value) {
    if (!deep_) return bytes_[value];
    const uint8_t ruled = bits_.colour(sixteen_[value]);
    return direct_ ? bytes_[value] : ruled;
  }
  void record(DecodeInfo& info) const {
    if (deep_) bits_.record(info);
  }

 private:
  bool deep_ = false, direct_ = false;
  SixteenBits bits_;
  std::vector<uint8_t> bytes_;
  std::vector<uint16_t> sixteen_;
};

struct Header {
  int width = 0, height = 0;
  uint32_t maxval = 1;
  bool plain = false, bits = false, colour = false;
};

Header read_header(const Encoded& file, Words& words) {
  Header header;
  const char kind = file.bytes[1];
  header.plain = kind <= '3';
  header.bits = kind == '1' || kind == '4';
  header.colour = kind == '3' || kind == '6';
  const uint32_t width = words.number("width"), height = words.number("height");
  check_size(width, height, file.origin, file.limits);
  header.width = static_cast<int>(width);
  header.height = static_cast<int>(height);
  if (!header.bits) header.maxval = words.number("largest value");
  if (header.maxval == 0 || header.maxval > 65535) {
    broken(file, "its largest value is not in 1 .. 65535");
  }
  return header;
}

// The samples of one image after another.
class Samples {
 public:
  Samples(const Encoded& file, const Header& header, Words& words)
      : file_(file), header_(header), words_(words) {
    channels_ = header.colour ? 3 : 1;
    sample_bytes_ = header.maxval > 255 ? 2 : 1;
    const auto width = static_cast<size_t>(header.width);
    row_bytes_ = header.bits ? (width + 7) / 8 : width * channels_ * sample_bytes_;
    const auto height = static_cast<size_t>(header.height);
    // A plain sample takes a digit, and a space if it is not a bit.
    const size_t plain = header.bits ? width * height : 2 * width * height * channels_ - 1;
    if (!header.plain) raw_ = words.raw();
    const size_t needed = header.plain ? plain : row_bytes_ * height;
    const size_t start = header.plain ? words.at() : raw_;
    if (file.bytes.size() - start < needed) broken(file, "samples are missing");
  }

  // Row `y`; rows are asked for in order.
  void row(int y, std::vector<uint32_t>& out) {
    const std::string_view raw =
        header_.plain ? std::string_view()
                      : file_.bytes.substr(raw_ + row_bytes_ * static_cast<size_t>(y), row_bytes_);
    for (size_t i = 0; i < out.size(); ++i) {
      uint32_t value = 0;
      if (header_.plain) {
        value = header_.bits ? words_.bit() : words_.number("sample");
      } else if (header_.bits) {
        value = byte_at(raw, i / 8) >> (7 - i % 8) & 1u;
      } else {
        value = byte_at(raw, i * sample_bytes_);
        if (sample_bytes_ == 2) value = value << 8 | byte_at(raw, 2 * i + 1);
      }
      if (value > header_.maxval) {
        broken(file_, "a sample is " + std::to_string(value) + ", above its largest value " +
                          std::to_string(header_.maxval));
      }
      out[i] = header_.bits ? 1 - value : value;
    }
  }
  size_t channels() const { return channels_; }
  size_t end() const {
    return header_.plain ? words_.at() : raw_ + row_bytes_ * static_cast<size_t>(header_.height);
  }

 private:
  const Encoded& file_;
  const Header& header_;
  Words& words_;
  size_t channels_ = 1, sample_bytes_ = 1, row_bytes_ = 0, raw_ = 0;
};

}  // namespace

Image decode_pnm(const Encoded& file, DecodeInfo& info) {
  Words words(file, 2);
  const Header header = read_header(file, words);
  Samples samples(file, header, words);
  Image image(header.width, header.height);
  Scale scale(header.maxval, header.colour, file.rules);
  const size_t channels = samples.channels();
  std::vector<uint32_t> row(static_cast<size_t>(header.width) * channels);
  for (int y = 0; y < header.height; ++y) {
    samples.row(y, row);
    uint8_t* out = image.pixel(0, y);
    for (size_t x = 0; x < row.size(); x += channels, out += 4) {
      for (size_t c = 0; c < 3; ++c) out[c] = scale(row[x + (channels == 1 ? 0 : c)]);
    }
  }
  info.grey = !header.colour;
  scale.record(info);
  if (is_pnm(file.bytes.substr(std::min(samples.end(), file.bytes.size())))) {
    info.notes.emplace_back(kFirstOfSeveral);
  }
  return image;
}

}  // namespace popaug::codec
