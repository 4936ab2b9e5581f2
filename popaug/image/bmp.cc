// BMP: Windows bitmaps of every version, and those of OS/2. A file header of 14 bytes, an info
// header whose size tells its version, masks or a palette, then rows of pixels from the bottom up,
// each padded to 4 bytes. Rows of 4 and 8 bits may be run-length encoded.
// Source: Microsoft, "Bitmap Storage" and [MS-WMF] 2.2.2; the choices that they leave open are
// Pillow's.
#include <algorithm>
#include <bit>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/format.h"
#include "popaug/image/internal/little_endian.h"
#include "popaug/image/internal/samples.h"

namespace popaug::codec {
namespace {

constexpr size_t kFileHeader = 14;
enum Compression : uint32_t { kPlain = 0, kRle8 = 1, kRle4 = 2, kMasks = 3 };

struct Header {
  int width = 0, height = 0;
  bool top_down = false;
  uint32_t bits = 0, compression = kPlain, colours = 0;
  std::array<uint32_t, 4> masks = {};  // red, green, blue, alpha
  size_t size = 0;                     // of the info header
  size_t palette = 0, entry = 4;       // where the palette begins; bytes of one of its colours
  size_t pixels = 0;                   // where they begin
};

[[noreturn]] void broken(const Encoded& file, const std::string& how) {
  throw Error(file.origin + ": the BMP data is broken or cut short (" + how + ")");
}

[[noreturn]] void unread(const Encoded& file, const std::string& what) {
  throw Error(file.origin + ": is a BMP image " + what +
              ", which popaug does not read; save it as PNG");
}

void read_masks(const Encoded& file, Header& header) {
  // In a header of 40 bytes the masks of the colours follow it; later versions contain them.
  const bool inside = header.size >= 52;
  const size_t count = header.size >= 56 ? 4 : 3, at = kFileHeader + 40;
  if (file.bytes.size() < at + 4 * count) broken(file, "its masks are missing");
  for (size_t i = 0; i < count; ++i) {
    header.masks[i] = little_endian(file.bytes, at + 4 * i, 4);
  }
  if (!inside) header.palette += 12;
  for (const uint32_t mask : header.masks) {
    const uint32_t low = mask >> (mask == 0 ? 0 : std::countr_zero(mask));
    if ((low & (low + 1)) != 0) broken(file, "a mask of its colours has gaps");
  }
  const auto [red, green, blue, alpha] = header.masks;
  if ((red & green) != 0 || (red & blue) != 0 || (green & blue) != 0 ||
      (alpha & (red | green | blue)) != 0) {
    broken(file, "the masks of its colours overlap");
  }
}

void set_default_masks(Header& header) {
  if (header.bits == 16) {
    header.masks = {0x7C00, 0x03E0, 0x001F, 0};
  } else if (header.bits >= 24) {
    header.masks = {0xFF0000, 0x00FF00, 0x0000FF, 0};
  }
}

void check_depth(const Encoded& file, const Header& header) {
  const std::string bits = std::to_string(header.bits) + " bits a pixel";
  constexpr std::array<uint32_t, 6> kDepths = {1, 4, 8, 16, 24, 32};
  if (std::find(kDepths.begin(), kDepths.end(), header.bits) == kDepths.end()) {
    unread(file, "of " + bits);
  }
  if (header.compression > kMasks) {
    unread(file, "of compression " + std::to_string(header.compression));
  }
  const bool fits = header.compression == kPlain ||
                    (header.compression == kRle8 && header.bits == 8) ||
                    (header.compression == kRle4 && header.bits == 4) ||
                    (header.compression == kMasks && header.bits >= 16);
  if (!fits) {
    broken(file, "compression " + std::to_string(header.compression) + " of " + bits);
  }
  if (header.top_down && (header.compression == kRle8 || header.compression == kRle4)) {
    broken(file, "run-length encoded from the top");
  }
}

Header read_header(const Encoded& file) {
  const std::string_view bytes = file.bytes;
  if (bytes.size() < kFileHeader + 12) broken(file, "its header is missing");
  Header header;
  header.size = little_endian(bytes, kFileHeader, 4);
  header.pixels = little_endian(bytes, 10, 4);
  header.palette = kFileHeader + header.size;
  if (!is_bmp(bytes) || header.palette > bytes.size()) broken(file, "its header is missing");
  int64_t height = 0;
  uint64_t width = 0;
  if (header.size == 12) {
    width = little_endian(bytes, 18, 2);
    height = little_endian(bytes, 20, 2);
    header.bits = little_endian(bytes, 24, 2);
    header.entry = 3;
  } else {
    width = little_endian(bytes, 18, 4);
    height = static_cast<int32_t>(little_endian(bytes, 22, 4));
    header.bits = little_endian(bytes, 28, 2);
    header.compression = little_endian(bytes, 30, 4);
    header.colours = little_endian(bytes, 46, 4);
  }
  header.top_down = height < 0;
  height = std::abs(height);
  check_size(width, static_cast<uint64_t>(height), file.origin, file.limits);
  header.width = static_cast<int>(width);
  header.height = static_cast<int>(height);
  check_depth(file, header);
  set_default_masks(header);
  if (header.compression == kMasks) read_masks(file, header);
  return header;
}

using Palette = std::vector<std::array<uint8_t, 3>>;

// Also moves header.pixels where the file gives no place, or that of the palette.
Palette read_palette(const Encoded& file, Header& header) {
  Palette palette;
  if (header.bits <= 8) {
    const size_t most = size_t{1} << header.bits;
    size_t count = header.colours == 0 ? most : header.colours;
    if (header.pixels == 0 || header.pixels == header.palette) {
      header.pixels = header.palette + header.entry * count;
    }
    count = std::min(count, most);
    if (header.pixels > header.palette) {
      count = std::min(count, (header.pixels - header.palette) / header.entry);
    }
    if (file.bytes.size() < header.palette + header.entry * count) {
      broken(file, "its palette is missing");
    }
    for (size_t i = 0; i < count; ++i) {
      const size_t at = header.palette + header.entry * i;
      palette.push_back(
          {byte_at(file.bytes, at + 2), byte_at(file.bytes, at + 1), byte_at(file.bytes, at)});
    }
  }
  if (header.pixels == 0) header.pixels = header.palette;
  return palette;
}

// Undoes the run-length encoding of [MS-WMF] 3.1.6: an index a pixel, the bottom row first. What
// is skipped keeps index 0.
class RunLengths {
 public:
  RunLengths(const Encoded& file, const Header& header)
      : file_(file), header_(header), at_(header.pixels) {
    indices_.resize(size_t{1} * header.width * header.height);
  }

  std::vector<uint8_t> decode() {
    while (y_ < header_.height && !last_pixel_ends_file()) {
      const int count = next(), value = next();
      if (count > 0) {
        run(count, value);
      } else if (value == 0) {
        x_ = 0;
        ++y_;
      } else if (value == 1) {
        break;
      } else if (value == 2) {
        x_ += next();
        y_ += next();
      } else {
        absolute(value);
      }
    }
    return std::move(indices_);
  }

 private:
  bool nibbles() const { return header_.compression == kRle4; }
  // The mark of the end may be missing after the last pixel of the last row.
  bool last_pixel_ends_file() const {
    return at_ >= file_.bytes.size() && y_ == header_.height - 1 && x_ >= header_.width;
  }
  uint8_t next() {
    if (at_ >= file_.bytes.size()) broken(file_, "rows are missing");
    return byte_at(file_.bytes, at_++);
  }
  void put(int value) {
    if (x_ < header_.width) {
      indices_[size_t{1} * y_ * header_.width + x_] = static_cast<uint8_t>(value);
    }
    ++x_;
  }
  void run(int count, int value) {
    for (int i = 0; i < count; ++i) {
      put(!nibbles() ? value : i % 2 == 0 ? value >> 4 : value & 15);
    }
  }
  // Single pixels, padded to two bytes.
  void absolute(int count) {
    const int stored = nibbles() ? (count + 1) / 2 : count;
    for (int i = 0, left = count; i < stored; ++i) {
      const int value = next();
      if (!nibbles()) {
        put(value);
        continue;
      }
      put(value >> 4);
      if (left > 1) put(value & 15);
      left -= 2;
    }
    if (stored % 2 != 0) next();
  }

  const Encoded& file_;
  const Header& header_;
  size_t at_;
  int x_ = 0, y_ = 0;
  std::vector<uint8_t> indices_;
};

uint8_t masked(uint32_t value, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return static_cast<uint8_t>(uint64_t{(value & mask) >> shift} * 255 / (mask >> shift));
}

void colour_row(std::string_view row, const Header& header, uint8_t* out) {
  const size_t bytes = header.bits / 8;
  // Pillow's reading of masks that are all 0: blue, green, red, alpha.
  const bool none = header.masks == std::array<uint32_t, 4>{};
  const std::array<uint32_t, 4> masks =
      none ? std::array<uint32_t, 4>{0xFF0000, 0xFF00, 0xFF, 0xFF000000} : header.masks;
  for (int x = 0; x < header.width; ++x, out += 4) {
    const uint32_t value = little_endian(row, bytes * static_cast<size_t>(x), bytes);
    for (size_t c = 0; c < 3; ++c) out[c] = masked(value, masks[c]);
    out[3] = masks[3] == 0 ? 255 : masked(value, masks[3]);
  }
}

void index_row(std::string_view row, const Header& header, uint8_t* out) {
  const uint32_t bits = header.bits, mask = (1u << bits) - 1;
  for (int x = 0; x < header.width; ++x) {
    const size_t bit = size_t{bits} * static_cast<size_t>(x);
    out[x] = byte_at(row, bit / 8) >> (8 - bits - bit % 8) & mask;
  }
}

void paint(const Encoded& file, const uint8_t* indices, int width, const Palette& palette,
           uint8_t* out) {
  for (int x = 0; x < width; ++x, out += 4) {
    if (indices[x] >= palette.size()) {
      broken(file, "a pixel has colour " + std::to_string(indices[x]) + " of a palette of " +
                       std::to_string(palette.size()));
    }
    const auto& colour = palette[indices[x]];
    std::copy(colour.begin(), colour.end(), out);
  }
}

bool is_grey(const Palette& palette) {
  return !palette.empty() && std::all_of(palette.begin(), palette.end(), [](const auto& colour) {
    return colour[0] == colour[1] && colour[0] == colour[2];
  });
}

}  // namespace

Image decode_bmp(const Encoded& file, DecodeInfo& info) {
  Header header = read_header(file);
  const Palette palette = read_palette(file, header);
  const bool encoded = header.compression == kRle8 || header.compression == kRle4;
  const auto width = static_cast<size_t>(header.width), height = static_cast<size_t>(header.height);
  const size_t row_bytes = (width * header.bits + 7) / 8, stride = (row_bytes + 3) / 4 * 4;
  if (encoded) {
    constexpr uint64_t kMostOfRun = 255;
    check_ratio(width * height, kMostOfRun, file.bytes.size(), width, height, file.origin);
  } else if (header.pixels > file.bytes.size() ||
             file.bytes.size() - header.pixels < stride * (height - 1) + row_bytes) {
    broken(file, "rows are missing");
  }
  std::vector<uint8_t> indices;
  if (encoded) indices = RunLengths(file, header).decode();
  Image image(header.width, header.height);
  info.grey = is_grey(palette);
  std::vector<uint8_t> one_row(width);
  for (int y = 0; y < header.height; ++y) {
    const int stored = header.top_down ? y : header.height - 1 - y;
    uint8_t* const out = image.pixel(0, y);
    if (encoded) {
      paint(file, &indices[width * stored], header.width, palette, out);
      continue;
    }
    const std::string_view row = file.bytes.substr(header.pixels + stride * stored, row_bytes);
    if (header.bits > 8) {
      colour_row(row, header, out);
    } else {
      index_row(row, header, one_row.data());
      paint(file, one_row.data(), header.width, palette, out);
    }
  }
  composite(image, file.rules, info);
  return image;
}

}  // namespace popaug::codec
