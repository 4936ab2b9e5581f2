// TIFF by libtiff: the first image of the file, in strips or tiles, its samples side by side or in
// planes, of 1, 2, 4, 8 or 16 bits. libtiff undoes the compression; what the samples mean is
// decided here, as Pillow does (TIFF 6.0, sections 3 to 8, 15, 16, 18 and 20).
#include <algorithm>
#include <cstring>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/samples.h"
#include "popaug/image/internal/tiff_file.h"

namespace popaug::codec {
namespace {

// What one compressed byte can at most become; 0: no bound is known. Formats that are missing here
// are not read: they are rare, and every decoder is a risk.
struct Compression {
  uint16_t number;
  uint64_t ratio;
};
constexpr std::array<Compression, 11> kCompressions = {{{COMPRESSION_NONE, 1},
                                                        {COMPRESSION_CCITTRLE, 0},
                                                        {COMPRESSION_CCITTFAX3, 0},
                                                        {COMPRESSION_CCITTFAX4, 0},
                                                        {COMPRESSION_LZW, 4096 * 8 / 12 + 1},
                                                        {COMPRESSION_JPEG, 0},
                                                        {COMPRESSION_ADOBE_DEFLATE, 1032},
                                                        {COMPRESSION_DEFLATE, 1032},
                                                        {COMPRESSION_PACKBITS, 64},
                                                        {COMPRESSION_LZMA, 0},
                                                        {COMPRESSION_ZSTD, 0}}};

enum class Meaning { kGrey, kGreyInverted, kRgb, kPalette, kCmyk, kYcbcr };

class Reader {
 public:
  explicit Reader(const Encoded& file)
      : file_(file),
        most_bytes_(std::max<uint64_t>(file.limits.pixels * 8, 1 << 20)),
        source_(file.bytes, most_bytes_) {
    if (tiff() == nullptr) broken("its directory is missing");
  }

  void read_header() {
    uint32_t width = 0, height = 0;
    TIFFGetField(tiff(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff(), TIFFTAG_IMAGELENGTH, &height);
    check_size(width, height, file_.origin, file_.limits);
    width_ = static_cast<int>(width);
    height_ = static_cast<int>(height);
    bits_ = number(TIFFTAG_BITSPERSAMPLE);
    samples_ = number(TIFFTAG_SAMPLESPERPIXEL);
    separate_ = number(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    refuse_previews();
    read_meaning();
    read_alpha();
    check_compression();
  }

  Image read_pixels() {
    source_.begin_pixels();
    if (meaning_ == Meaning::kYcbcr) return read_ycbcr();
    Image image(width_, height_);
    const int planes = separate_ ? colours() + (alpha_ > 0) : 1;
    for (int plane = 0; plane < planes; ++plane) {
      read_plane(plane < colours() ? plane : alpha_, image);
    }
    finish(image);
    return image;
  }

  void fill(DecodeInfo& info) {
    info.grey = meaning_ == Meaning::kGrey || meaning_ == Meaning::kGreyInverted ||
                (meaning_ == Meaning::kPalette && grey_palette_);
    if (bits_ == 16 && meaning_ != Meaning::kCmyk) sixteen_.record(info);
    if (meaning_ == Meaning::kCmyk) info.notes.emplace_back("converted from CMYK to RGB");
    if (TIFFLastDirectory(tiff()) == 0) {
      info.notes.emplace_back(kFirstOfSeveral);
    }
  }
  int orientation() const { return number(TIFFTAG_ORIENTATION); }

 private:
  [[noreturn]] void broken(const std::string& how) const {
    std::string_view why = source_.trouble();
    if (why.starts_with(": ")) why.remove_prefix(2);  // the name of the file is missing there
    throw Error(file_.origin + ": the TIFF data is broken or cut short (" +
                std::string(why.empty() ? how : why) + ")");
  }
  [[noreturn]] void unread(const std::string& what) const {
    throw Error(file_.origin + ": is a TIFF image " + what +
                ", which popaug does not read; save it as PNG");
  }
  TIFF* tiff() const { return source_.handle(); }
  int number(uint32_t tag) const {
    uint16_t value = 0;
    TIFFGetFieldDefaulted(tiff(), tag, &value);
    return value;
  }
  int colours() const {
    return meaning_ == Meaning::kCmyk                                 ? 4
           : meaning_ == Meaning::kRgb || meaning_ == Meaning::kYcbcr ? 3
                                                                      : 1;
  }

  // Raw files of cameras are TIFF files whose first image is a small preview.
  void refuse_previews() const {
    uint32_t kind = 0;
    if (TIFFGetField(tiff(), TIFFTAG_SUBFILETYPE, &kind) == 1 &&
        (kind & FILETYPE_REDUCEDIMAGE) != 0) {
      unread("that begins with a preview, such as the raw file of a camera");
    }
  }

  void read_meaning() {
    uint16_t photometric = 0;
    if (TIFFGetField(tiff(), TIFFTAG_PHOTOMETRIC, &photometric) != 1) {
      broken("it does not say what its samples mean");
    }
    // libtiff takes a palette that is missing for greys.
    if (tiff_short(file_.bytes, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE &&
        photometric != PHOTOMETRIC_PALETTE) {
      broken("its palette is missing");
    }
    switch (photometric) {
      case PHOTOMETRIC_MINISWHITE:
        meaning_ = Meaning::kGreyInverted;
        break;
      case PHOTOMETRIC_MINISBLACK:
        meaning_ = Meaning::kGrey;
        break;
      case PHOTOMETRIC_RGB:
        meaning_ = Meaning::kRgb;
        break;
      case PHOTOMETRIC_PALETTE:
        meaning_ = Meaning::kPalette;
        break;
      case PHOTOMETRIC_SEPARATED:
        meaning_ = Meaning::kCmyk;
        if (number(TIFFTAG_INKSET) != INKSET_CMYK) unread("of inks that are not CMYK");
        break;
      case PHOTOMETRIC_YCBCR:
        read_ycbcr_meaning();
        break;
      case PHOTOMETRIC_CIELAB:
        unread("in the colours L*a*b*");
      default:
        unread("of photometric interpretation " + std::to_string(photometric));
    }
    const int format = number(TIFFTAG_SAMPLEFORMAT);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
      unread("with signed or floating-point samples");
    }
    const bool one_byte = meaning_ != Meaning::kGrey && meaning_ != Meaning::kGreyInverted &&
                          meaning_ != Meaning::kPalette;
    const bool known =
        bits_ == 8 ||
        (bits_ == 16 && meaning_ != Meaning::kPalette && meaning_ != Meaning::kYcbcr) ||
        (!one_byte && (bits_ == 1 || bits_ == 2 || bits_ == 4));
    if (!known) unread("with " + std::to_string(bits_) + " bits a sample");
    if (samples_ < colours()) broken("it has fewer samples a pixel than colours");
    if (meaning_ == Meaning::kPalette) read_palette();
  }

  // libjpeg converts to RGB while it decodes; libtiff's own conversion does the rest.
  void read_ycbcr_meaning() {
    meaning_ = Meaning::kYcbcr;
    if (number(TIFFTAG_COMPRESSION) == COMPRESSION_JPEG && !separate_) {
      TIFFSetField(tiff(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      meaning_ = Meaning::kRgb;
    }
  }

  void read_palette() {
    uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    if (TIFFGetField(tiff(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
      broken("its palette is missing");
    }
    const size_t count = size_t{1} << bits_;
    // Some programs write palettes of 8 bits instead of 16.
    const auto small = [&](const uint16_t* values) {
      return std::all_of(values, values + count, [](uint16_t value) { return value < 256; });
    };
    const int by = small(red) && small(green) && small(blue) ? 1 : 256;
    for (size_t i = 0; i < count; ++i) {
      palette_.push_back({static_cast<uint8_t>(red[i] / by), static_cast<uint8_t>(green[i] / by),
                          static_cast<uint8_t>(blue[i] / by)});
      grey_palette_ = grey_palette_ && red[i] / by == green[i] / by && red[i] / by == blue[i] / by;
    }
  }

  // Which sample is alpha. A fourth sample of RGB that is not explained is alpha for Pillow too.
  void read_alpha() {
    uint16_t count = 0;
    const uint16_t* kinds = nullptr;
    TIFFGetFieldDefaulted(tiff(), TIFFTAG_EXTRASAMPLES, &count, &kinds);
    if (meaning_ == Meaning::kCmyk || meaning_ == Meaning::kYcbcr) return;
    for (int i = 0; i < count && alpha_ == 0 && colours() + i < samples_; ++i) {
      if (kinds[i] == EXTRASAMPLE_UNSPECIFIED) continue;
      alpha_ = colours() + i;
      premultiplied_ = kinds[i] == EXTRASAMPLE_ASSOCALPHA;
    }
    const bool said = tiff_short(file_.bytes, TIFFTAG_EXTRASAMPLES) >= 0;
    if (!said && meaning_ == Meaning::kRgb && samples_ == 4) alpha_ = 3;
  }

  void check_compression() const {
    const auto number_of = static_cast<uint16_t>(number(TIFFTAG_COMPRESSION));
    const auto* found = std::find_if(kCompressions.begin(), kCompressions.end(),
                                     [&](const auto& row) { return row.number == number_of; });
    if (found == kCompressions.end() || TIFFIsCODECConfigured(number_of) != 1) {
      const TIFFCodec* codec = TIFFFindCODEC(number_of);
      unread("with compression " +
             (codec != nullptr ? std::string(codec->name) : std::to_string(number_of)));
    }
    if (found->ratio == 0) return;
    const uint64_t row = (uint64_t(width_) * uint64_t(samples_) * uint64_t(bits_) + 7) / 8;
    if (meaning_ == Meaning::kYcbcr) return;  // subsampled
    check_ratio(row * uint64_t(height_), found->ratio, file_.bytes.size(), uint64_t(width_),
                uint64_t(height_), file_.origin);
  }

  // The component of a pixel that sample `s` becomes; -1: none.
  int component(int s) const { return s < colours() ? s : s == alpha_ && alpha_ > 0 ? 3 : -1; }

  uint8_t scaled(int value, bool alpha) {
    if (meaning_ == Meaning::kPalette && !alpha) return static_cast<uint8_t>(value);
    const int most = (1 << bits_) - 1;
    if (meaning_ == Meaning::kGreyInverted && !alpha) value = most - value;
    if (bits_ < 16) return static_cast<uint8_t>(value * 255 / most);
    const bool full = alpha || meaning_ == Meaning::kCmyk;
    return full ? SixteenBits::alpha(value) : sixteen_.colour(value);
  }

  // A strip or a tile: where its pixels are in the image.
  struct Block {
    uint32_t index;
    int x, y, width, height;
    uint64_t row_bytes;
  };

  // Reads the blocks of all samples, or of sample `plane` where each has its own.
  void read_plane(int plane, Image& image) {
    const bool tiled = TIFFIsTiled(tiff()) != 0;
    uint32_t block_width = static_cast<uint32_t>(width_), block_height = 0;
    if (tiled) {
      TIFFGetField(tiff(), TIFFTAG_TILEWIDTH, &block_width);
      TIFFGetField(tiff(), TIFFTAG_TILELENGTH, &block_height);
    } else {
      TIFFGetFieldDefaulted(tiff(), TIFFTAG_ROWSPERSTRIP, &block_height);
      block_height = std::min(block_height, static_cast<uint32_t>(height_));
    }
    constexpr uint32_t kMostSide = 1 << 20;
    if (block_width == 0 || block_height == 0 || block_width > kMostSide ||
        block_height > kMostSide) {
      broken("its strips or tiles have no valid size");
    }
    const auto plane_sample = static_cast<uint16_t>(separate_ ? plane : 0);
    const uint64_t row_bytes = tiled ? TIFFTileRowSize64(tiff()) : TIFFScanlineSize64(tiff());
    const uint64_t in_block = separate_ ? 1 : static_cast<uint64_t>(samples_);
    const uint64_t needed = (uint64_t{block_width} * in_block * uint64_t(bits_) + 7) / 8;
    if (row_bytes < needed || row_bytes > most_bytes_ / block_height) {
      broken("its strips or tiles have no valid size");
    }
    std::vector<uint8_t> buffer;
    for (int y = 0; y < height_; y += int(block_height)) {
      for (int x = 0; x < width_; x += int(block_width)) {
        Block block = {0,
                       x,
                       y,
                       std::min(int(block_width), width_ - x),
                       std::min(int(block_height), height_ - y),
                       row_bytes};
        block.index = tiled ? TIFFComputeTile(tiff(), uint32_t(x), uint32_t(y), 0, plane_sample)
                            : TIFFComputeStrip(tiff(), uint32_t(y), plane_sample);
        const uint64_t rows = tiled ? block_height : uint64_t(block.height);
        read_block(block, tiled, rows * row_bytes, buffer);
        unpack(block, plane, buffer.data(), image);
      }
    }
  }

  void read_block(const Block& block, bool tiled, uint64_t bytes, std::vector<uint8_t>& buffer) {
    buffer.resize(bytes);
    const auto size = static_cast<tmsize_t>(bytes);
    const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff(), block.index, buffer.data(), size)
                               : TIFFReadEncodedStrip(tiff(), block.index, buffer.data(), size);
    if (got != size || source_.trouble()[0] != '\0') {
      broken(tiled ? "a tile is not whole" : "a strip is not whole");
    }
  }

  int value_at(const uint8_t* row, size_t i) const {
    if (bits_ == 16) {
      uint16_t value = 0;
      std::memcpy(&value, row + 2 * i, 2);
      return value;
    }
    if (bits_ == 8) return row[i];
    const size_t bit = i * size_t(bits_);
    return row[bit / 8] >> (8 - bits_ - int(bit % 8)) & ((1 << bits_) - 1);
  }

  void unpack(const Block& block, int plane, const uint8_t* bytes, Image& image) {
    const int first = separate_ ? plane : 0, last = separate_ ? plane + 1 : samples_;
    const auto count = static_cast<size_t>(last - first);
    for (int y = 0; y < block.height; ++y) {
      const uint8_t* row = bytes + block.row_bytes * uint64_t(y);
      for (int s = first; s < last; ++s) {
        const int c = component(s);
        if (c < 0) continue;
        const bool alpha = alpha_ > 0 && s == alpha_;
        uint8_t* out = image.pixel(block.x, block.y + y) + c;
        for (int x = 0; x < block.width; ++x, out += 4) {
          *out = scaled(value_at(row, size_t(x) * count + size_t(s - first)), alpha);
        }
      }
    }
  }

  // From samples in the places of components to colours.
  void finish(Image& image) const {
    uint8_t* const end = image.data() + image.size_bytes();
    if (meaning_ == Meaning::kCmyk) {
      for (uint8_t* p = image.data(); p != end; ++p) *p = static_cast<uint8_t>(255 - *p);
      for (int y = 0; y < height_; ++y) cmyk_to_rgba(image.pixel(0, y), width_);
      return;
    }
    for (uint8_t* p = image.data(); p != end; p += 4) {
      if (meaning_ == Meaning::kPalette) {
        std::copy_n(palette_[p[0]].begin(), 3, p);
      } else if (meaning_ != Meaning::kRgb) {
        p[1] = p[2] = p[0];
      }
      if (!premultiplied_ || p[3] == 255 || p[3] == 0) continue;
      for (int c = 0; c < 3; ++c) {
        p[c] = static_cast<uint8_t>(std::min(255, p[c] * 255 / p[3]));
      }
    }
  }

  Image read_ycbcr() {
    Image image(width_, height_);
    std::vector<uint32_t> raster(size_t(width_) * size_t(height_));
    // The orientation that the file has: libtiff would turn the pixels to any other.
    if (TIFFReadRGBAImageOriented(tiff(), uint32_t(width_), uint32_t(height_), raster.data(),
                                  orientation(), 1) != 1 ||
        source_.trouble()[0] != '\0') {
      broken("a strip is not whole");
    }
    uint8_t* out = image.data();
    for (const uint32_t pixel : raster) {
      out[0] = static_cast<uint8_t>(TIFFGetR(pixel));
      out[1] = static_cast<uint8_t>(TIFFGetG(pixel));
      out[2] = static_cast<uint8_t>(TIFFGetB(pixel));
      out += 4;
    }
    return image;
  }

  const Encoded& file_;
  uint64_t most_bytes_;
  TiffFile source_;
  int width_ = 0, height_ = 0, bits_ = 0, samples_ = 0;
  bool separate_ = false;  // a plane for each sample
  Meaning meaning_ = Meaning::kGrey;
  int alpha_ = 0;  // which sample; 0: none
  bool premultiplied_ = false;
  std::vector<std::array<uint8_t, 3>> palette_;
  bool grey_palette_ = true;
  SixteenBits sixteen_{file_.rules};
};

}  // namespace

Image decode_tiff(const Encoded& file, DecodeInfo& info, int& orientation) {
  Reader reader(file);
  reader.read_header();
  Image image = reader.read_pixels();
  reader.fill(info);
  orientation = reader.orientation();
  composite(image, file.rules, info);
  return image;
}

}  // namespace popaug::codec
