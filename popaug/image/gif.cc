// GIF by giflib: the first image of the file, laid on the canvas as Pillow does.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/samples.h"

namespace popaug::codec {
namespace {

// LZW codes have at most 12 bits, and each stands for at most 4096 pixels.
constexpr uint64_t kMaxRatio = 4096 * 8 / 12 + 1;

struct Source {
  std::string_view rest;
};

int read_bytes(GifFileType* gif, GifByteType* out, int count) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const size_t take = std::min(source.rest.size(), static_cast<size_t>(std::max(0, count)));
  std::memcpy(out, source.rest.data(), take);
  source.rest.remove_prefix(take);
  return static_cast<int>(take);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

class Reader {
 public:
  explicit Reader(const Encoded& file) : file_(file), source_{file.bytes} {
    int code = 0;
    gif_.reset(DGifOpen(&source_, read_bytes, &code));
    if (gif_ == nullptr) broken(code);
  }

  // Reads up to the pixels of the first image: its place, its palette, its transparent index.
  void read_header() {
    for (;;) {
      GifRecordType kind = UNDEFINED_RECORD_TYPE;
      check(DGifGetRecordType(gif_.get(), &kind));
      if (kind == IMAGE_DESC_RECORD_TYPE) break;
      if (kind == TERMINATE_RECORD_TYPE) {
        throw Error(file_.origin + ": the GIF file contains no image");
      }
      read_extension();
    }
    check(DGifGetImageDesc(gif_.get()));
    const GifImageDesc& frame = gif_->Image;
    width_ = std::max<uint64_t>(canvas_side(gif_->SWidth), right());
    height_ = std::max<uint64_t>(canvas_side(gif_->SHeight), bottom());
    check_size(width_, height_, file_.origin, file_.limits);
    check_size(canvas_side(frame.Width), canvas_side(frame.Height), file_.origin, file_.limits);
    check_ratio(canvas_side(frame.Width) * canvas_side(frame.Height), kMaxRatio, file_.bytes.size(),
                width_, height_, file_.origin);
    choose_palette(frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap);
  }

  Image read_pixels() {
    const GifImageDesc& frame = gif_->Image;
    Image image(static_cast<int>(width_), static_cast<int>(height_));
    // What the image leaves of the canvas is transparent, or else of the first colour.
    const bool whole = frame.Left == 0 && frame.Top == 0 && canvas_side(frame.Width) == width_ &&
                       canvas_side(frame.Height) == height_;
    if (!whole) {
      const int outside = transparent_ >= 0 ? transparent_ : 0;
      for (size_t i = 0; i < image.size_bytes(); i += 4) paint(outside, image.data() + i);
    }
    std::vector<GifPixelType> row(static_cast<size_t>(frame.Width));
    // Interlaced: every 8th row, those between, those between these, and the rest.
    struct Pass {
      int first, step;
    };
    constexpr std::array<Pass, 4> kInterlaced = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
    constexpr std::array<Pass, 1> kInOrder = {{{0, 1}}};
    const std::span<const Pass> passes =
        frame.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kInOrder);
    for (const Pass& pass : passes) {
      for (int y = pass.first; y < frame.Height; y += pass.step) {
        check(DGifGetLine(gif_.get(), row.data(), frame.Width));
        uint8_t* out = image.pixel(frame.Left, frame.Top + y);
        for (const int index : row) {
          paint(index, out);
          out += 4;
        }
      }
    }
    return image;
  }

  bool grey() const { return grey_; }
  // True if another image follows. A file that is cut after the first image does not tell.
  bool more() {
    GifRecordType kind = UNDEFINED_RECORD_TYPE;
    while (DGifGetRecordType(gif_.get(), &kind) == GIF_OK) {
      if (kind == IMAGE_DESC_RECORD_TYPE) return true;
      if (kind != EXTENSION_RECORD_TYPE) return false;
      int code = 0;
      GifByteType* block = nullptr;
      if (DGifGetExtension(gif_.get(), &code, &block) != GIF_OK) return false;
      while (block != nullptr) {
        if (DGifGetExtensionNext(gif_.get(), &block) != GIF_OK) return false;
      }
    }
    return false;
  }

 private:
  [[noreturn]] void broken(int code) const {
    const char* why = GifErrorString(code);
    throw Error(file_.origin + ": the GIF data is broken or cut short (" +
                (why != nullptr ? why : "it cannot be decoded") + ")");
  }
  void check(int result) const {
    if (result != GIF_OK) broken(gif_->Error);
  }
  // giflib keeps the 16-bit numbers of the file as they are.
  static uint64_t canvas_side(GifWord side) { return static_cast<uint64_t>(std::max(0, side)); }
  uint64_t right() const { return canvas_side(gif_->Image.Left) + canvas_side(gif_->Image.Width); }
  uint64_t bottom() const { return canvas_side(gif_->Image.Top) + canvas_side(gif_->Image.Height); }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(gif_.get(), &code, &block));
    while (block != nullptr) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
        transparent_ = control.TransparentColor;
      }
      check(DGifGetExtensionNext(gif_.get(), &block));
    }
  }

  // Without a palette, an index is a grey value.
  void choose_palette(const ColorMapObject* map) {
    if (map == nullptr) {
      for (int i = 0; i < 256; ++i) palette_.push_back({uint8_t(i), uint8_t(i), uint8_t(i)});
      return;
    }
    for (int i = 0; i < map->ColorCount; ++i) {
      const GifColorType& colour = map->Colors[i];
      palette_.push_back({colour.Red, colour.Green, colour.Blue});
      grey_ = grey_ && colour.Red == colour.Green && colour.Red == colour.Blue;
    }
  }

  void paint(int index, uint8_t* out) const {
    if (index != transparent_ && static_cast<size_t>(index) >= palette_.size()) {
      throw Error(file_.origin + ": the GIF data is broken or cut short (a pixel has colour " +
                  std::to_string(index) + " of a palette of " + std::to_string(palette_.size()) +
                  ")");
    }
    if (static_cast<size_t>(index) < palette_.size()) {
      const auto& colour = palette_[static_cast<size_t>(index)];
      std::copy(colour.begin(), colour.end(), out);
    }
    out[3] = index == transparent_ ? 0 : 255;
  }

  const Encoded& file_;
  Source source_;
  std::unique_ptr<GifFileType, Close> gif_;
  uint64_t width_ = 0, height_ = 0;
  std::vector<std::array<uint8_t, 3>> palette_;
  int transparent_ = -1;  // an index; -1: none
  bool grey_ = true;
};

}  // namespace

Image decode_gif(const Encoded& file, DecodeInfo& info) {
  Reader reader(file);
  reader.read_header();
  Image image = reader.read_pixels();
  info.grey = reader.grey();
  composite(image, file.rules, info);
  if (reader.more()) info.notes.emplace_back(kFirstOfSeveral);
  return image;
}

}  // namespace popaug::codec
