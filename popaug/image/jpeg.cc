// JPEG by libjpeg-turbo.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
// jpeglib.h needs FILE and size_t before it.
#include <jerror.h>
#include <jpeglib.h>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/jpeg_part.h"
#include "popaug/image/internal/jpeg_warnings.h"
#include "popaug/image/internal/samples.h"

namespace popaug {
namespace codec {
namespace {

// Progressive files may repeat scans without end (a few bytes each, over the whole image).
constexpr int kMaxScans = 500;

// The library reports by callbacks that must not return; they jump back to guarded().
struct Trouble {
  jpeg_error_mgr manager;  // first: the library hands out its address
  std::jmp_buf jump;
  char sentence[JMSG_LENGTH_MAX];
  // The first warning of each kind that leaves the pixels as they are; nullptr: none.
  const JpegWarning* met[8] = {};
};

Trouble& trouble_of(j_common_ptr common) { return *reinterpret_cast<Trouble*>(common->err); }

[[noreturn]] void on_error(j_common_ptr common) {
  Trouble& trouble = trouble_of(common);
  common->err->format_message(common, trouble.sentence);
  std::longjmp(trouble.jump, 1);
}

// Traces are ignored. Of warnings, those that doubt pixels must not pass as an image; others are
// kept for the notes.
void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  const JpegWarning& warning = jpeg_warning(common->err->msg_code);
  if (warning.doubt == JpegDoubt::kPixels) on_error(common);
  if (warning.doubt == JpegDoubt::kNone) return;
  for (const JpegWarning*& met : trouble_of(common).met) {
    if (met == nullptr || met == &warning) {
      met = &warning;
      return;
    }
  }
}

// Whether all that the image is made of had been read, once every row is decoded: one scan of all
// components, or every bit of every coefficient. (Arithmetic coding does not say.)
bool read_whole(const jpeg_decompress_struct& state) {
  if (state.arith_code) return false;
  if (!state.progressive_mode) return state.comps_in_scan == state.num_components;
  for (int c = 0; c < state.num_components; ++c) {
    const int* const bits = state.coef_bits[c];
    if (std::any_of(bits, bits + DCTSIZE2, [](int low) { return low != 0; })) return false;
  }
  return true;
}

void on_progress(j_common_ptr common) {
  if (!common->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(common)->input_scan_number > kMaxScans) {
    Trouble& trouble = trouble_of(common);
    std::snprintf(trouble.sentence, sizeof trouble.sentence, "it has more than %d scans",
                  kMaxScans);
    std::longjmp(trouble.jump, 1);
  }
}

void set_handlers(Trouble& trouble) {
  jpeg_std_error(&trouble.manager);
  trouble.manager.error_exit = on_error;
  trouble.manager.emit_message = on_message;
}

// Runs calls of the library; its errors become Error with `prefix`. `calls` must own nothing that
// needs a destructor, for an error jumps out of it.
template <typename F>
void guarded(Trouble& trouble, const std::string& prefix, F&& calls) {
  if (setjmp(trouble.jump) != 0) throw Error(prefix + " (" + trouble.sentence + ")");
  calls();
}

class Reader {
 public:
  explicit Reader(const std::string& origin)
      : prefix_(origin + ": the JPEG data is broken or cut short") {
    set_handlers(trouble_);
    state_.err = &trouble_.manager;
    run([&] { jpeg_create_decompress(&state_); });
    progress_.progress_monitor = on_progress;
    state_.progress = &progress_;
  }
  ~Reader() { jpeg_destroy_decompress(&state_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  template <typename F>
  void run(F&& calls) {
    guarded(trouble_, prefix_, calls);
  }
  void read_header(std::string_view bytes) {
    run([&] {
      jpeg_mem_src(&state_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      jpeg_save_markers(&state_, JPEG_APP0 + 1, 0xFFFF);
      jpeg_read_header(&state_, TRUE);
    });
  }
  // Decodes the rows that are left and reads the rest of the file. Throws Error if parts of the
  // image are missing at its end.
  void read_rows(Image& image) {
    run([&] {
      while (state_.output_scanline < state_.output_height) {
        uint8_t* next = image.pixel(0, static_cast<int>(state_.output_scanline));
        jpeg_read_scanlines(&state_, &next, 1);
      }
    });
    const bool whole = read_whole(state_);  // jpeg_finish_decompress forgets it
    run([&] { jpeg_finish_decompress(&state_); });
    for (const JpegWarning* met : trouble_.met) {
      if (met == nullptr || met->doubt != JpegDoubt::kAtTheEnd || whole) continue;
      throw Error(prefix_ + " (parts of the image are missing at the end of the file)");
    }
  }
  // Throws Error if a warning said that the file ends, however much of the image was read.
  void refuse_early_end() const {
    for (const JpegWarning* met : trouble_.met) {
      if (met == nullptr || met->doubt != JpegDoubt::kAtTheEnd) continue;
      throw Error(prefix_ + " (parts of the image are missing at the end of the file)");
    }
  }
  jpeg_decompress_struct& state() { return state_; }
  void add_notes(DecodeInfo& info) const {
    for (const JpegWarning* met : trouble_.met) {
      if (met != nullptr) info.add_irregular(met->note);
    }
  }

 private:
  std::string prefix_;
  Trouble trouble_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct state_{};
};

class Writer {
 public:
  Writer() {
    set_handlers(trouble_);
    state_.err = &trouble_.manager;
    run([&] { jpeg_create_compress(&state_); });
  }
  ~Writer() {
    jpeg_destroy_compress(&state_);
    std::free(buffer_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  std::string write(const Image& image, int quality) {
    run([&] {
      jpeg_mem_dest(&state_, &buffer_, &size_);
      state_.image_width = static_cast<JDIMENSION>(image.width());
      state_.image_height = static_cast<JDIMENSION>(image.height());
      state_.input_components = 4;
      state_.in_color_space = JCS_EXT_RGBX;
      jpeg_set_defaults(&state_);
      jpeg_set_quality(&state_, quality, TRUE);
      jpeg_start_compress(&state_, TRUE);
      while (state_.next_scanline < state_.image_height) {
        auto* row = const_cast<uint8_t*>(image.pixel(0, static_cast<int>(state_.next_scanline)));
        jpeg_write_scanlines(&state_, &row, 1);
      }
      jpeg_finish_compress(&state_);
    });
    return std::string(reinterpret_cast<const char*>(buffer_), size_);
  }

 private:
  template <typename F>
  void run(F&& calls) {
    guarded(trouble_, "cannot write the image as JPEG", calls);
  }
  Trouble trouble_{};
  jpeg_compress_struct state_{};
  uint8_t* buffer_ = nullptr;
  unsigned long size_ = 0;  // the type that jpeg_mem_dest takes
};

// The largest of 8, 4, 2, 1 by which the stored image may shrink and still hold `at_least`.
unsigned shrinkage(const jpeg_decompress_struct& state, const AtLeast& at_least, bool turned) {
  if (at_least.width <= 0 || at_least.height <= 0) return 1;
  const auto width = static_cast<unsigned>(turned ? at_least.height : at_least.width);
  const auto height = static_cast<unsigned>(turned ? at_least.width : at_least.height);
  for (const unsigned by : {8u, 4u, 2u}) {
    if (state.image_width >= width * by && state.image_height >= height * by) return by;
  }
  return 1;
}

void find_exif(const jpeg_decompress_struct& state, std::string& exif) {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  for (auto* marker = state.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kPrefix)) {
      exif = data.substr(kPrefix.size());
      return;
    }
  }
}

// Decodes columns `left` .. `left + width - 1` of rows `top` on into `image`. Blocks around them
// are decoded too: the pixels at the edge of a block of colour depend on its neighbours, which the
// library replaces by copies where it does not decode them.
void read_part(Reader& reader, const ImagePart& part, Image& image) {
  constexpr unsigned kAround = 2 * DCTSIZE;  // the largest block of colour
  jpeg_decompress_struct& state = reader.state();
  const auto left = static_cast<unsigned>(part.left), top = static_cast<unsigned>(part.top);
  JDIMENSION first = left - std::min(left, kAround);
  JDIMENSION columns = std::min(left + part.width + kAround, state.image_width) - first;
  std::vector<uint8_t> row;
  reader.run([&] {
    jpeg_start_decompress(&state);
    jpeg_crop_scanline(&state, &first, &columns);  // moves `first` to the edge of a block
  });
  row.resize(size_t{4} * columns);
  const uint8_t* const begin = row.data() + size_t{4} * (left - first);
  // Rows before the part are skipped, but for those that its first rows depend on.
  const JDIMENSION skipped = top - std::min(top, kAround);
  uint8_t* next = row.data();
  reader.run([&] {
    if (skipped > 0) jpeg_skip_scanlines(&state, skipped);
    while (state.output_scanline <= top) jpeg_read_scanlines(&state, &next, 1);
  });
  image = Image(part.width, part.height);  // a row has been decoded, as in decode_jpeg()
  for (int y = 0; y < part.height; ++y) {
    if (y > 0) reader.run([&] { jpeg_read_scanlines(&state, &next, 1); });
    std::memcpy(image.pixel(0, y), begin, size_t{4} * part.width);
  }
}

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.starts_with("\xFF\xD8\xFF"); }

Image decode_jpeg(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                  const DecodeLimits& limits, std::string& exif, const AtLeast& at_least) {
  Reader reader(origin);
  reader.read_header(bytes);
  jpeg_decompress_struct& state = reader.state();
  check_size(state.image_width, state.image_height, origin, limits);
  find_exif(state, exif);
  const bool cmyk = state.num_components == 4;
  state.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGBA;
  info.grey = state.jpeg_color_space == JCS_GRAYSCALE;
  state.scale_num = 1;
  state.scale_denom = shrinkage(state, at_least, exif_orientation(exif) >= 5);
  reader.run([&] { jpeg_calc_output_dimensions(&state); });
  const int width = static_cast<int>(state.output_width);
  const int height = static_cast<int>(state.output_height);

  // The first row is decoded before the image is allocated: a hundred bytes that announce
  // millions of pixels end here.
  std::vector<uint8_t> first(size_t{4} * width);
  uint8_t* row = first.data();
  reader.run([&] {
    jpeg_start_decompress(&state);
    jpeg_read_scanlines(&state, &row, 1);
  });
  Image image(width, height);
  std::copy(first.begin(), first.end(), image.data());
  reader.read_rows(image);
  if (cmyk) {
    // JPEG files hold CMYK inverted, as Adobe's programs write it and every viewer reads it.
    for (int y = 0; y < height; ++y) cmyk_to_rgba(image.pixel(0, y), width);
    info.notes.emplace_back("converted from CMYK to RGB");
  }
  reader.add_notes(info);
  return image;
}

std::optional<Image> decode_jpeg_part(std::string_view bytes, const std::string& origin,
                                      DecodeInfo& info, const DecodeLimits& limits,
                                      const ChoosePart& choose) {
  Reader reader(origin);
  reader.read_header(bytes);
  jpeg_decompress_struct& state = reader.state();
  check_size(state.image_width, state.image_height, origin, limits);
  std::string exif;
  find_exif(state, exif);
  const bool sequential =
      !state.progressive_mode && !state.arith_code && state.comps_in_scan == state.num_components;
  if (!sequential || state.num_components == 4 || exif_orientation(exif) != 1) return {};
  state.out_color_space = JCS_EXT_RGBA;
  info.grey = state.jpeg_color_space == JCS_GRAYSCALE;
  const ImagePart part =
      choose(static_cast<int>(state.image_width), static_cast<int>(state.image_height));
  Image image;
  read_part(reader, part, image);
  reader.refuse_early_end();
  reader.add_notes(info);
  return image;
}

}  // namespace codec

std::string encode_jpeg(const Image& image, int quality) {
  POPAUG_ASSERT(image.width() > 0 && image.height() > 0 && quality >= 1 && quality <= 100);
  return codec::Writer().write(image, quality);
}

}  // namespace popaug
