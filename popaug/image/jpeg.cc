// JPEG by libjpeg-turbo.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
// jpeglib.h needs FILE and size_t before it.
#include <jerror.h>
#include <jpeglib.h>

#include "popaug/image/codec.h"

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
  bool stray_bytes = false;
};

Trouble& trouble_of(j_common_ptr common) { return *reinterpret_cast<Trouble*>(common->err); }

[[noreturn]] void on_error(j_common_ptr common) {
  Trouble& trouble = trouble_of(common);
  common->err->format_message(common, trouble.sentence);
  std::longjmp(trouble.jump, 1);
}

// A warning means that pixels were guessed: truncated or damaged data, which must not pass as an
// image. Two warnings leave every pixel as its author wrote it.
void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  const int code = common->err->msg_code;
  if (code == JWRN_EXTRANEOUS_DATA) {
    trouble_of(common).stray_bytes = true;
  } else if (code != JWRN_ADOBE_XFORM) {
    on_error(common);
  }
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
  jpeg_decompress_struct& state() { return state_; }
  bool stray_bytes() const { return trouble_.stray_bytes; }

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

// Inks to light as Pillow converts them. JPEG files hold CMYK inverted, as Adobe's programs write
// it and every viewer reads it: 255 is no ink.
void cmyk_to_rgba(uint8_t* row, int width) {
  for (int x = 0; x < width; ++x) {
    uint8_t* p = row + 4 * x;
    const int paper = p[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - p[c]) * paper + 128;
      const int ink = ((product >> 8) + product) >> 8;
      p[c] = static_cast<uint8_t>(std::max(0, paper - ink));
    }
    p[3] = 255;
  }
}

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
  reader.run([&] {
    while (state.output_scanline < state.output_height) {
      uint8_t* next = image.pixel(0, static_cast<int>(state.output_scanline));
      jpeg_read_scanlines(&state, &next, 1);
    }
    jpeg_finish_decompress(&state);
  });
  if (cmyk) {
    for (int y = 0; y < height; ++y) cmyk_to_rgba(image.pixel(0, y), width);
    info.notes.push_back("converted from CMYK to RGB");
  }
  if (reader.stray_bytes()) info.notes.push_back("holds stray bytes, which were passed over");
  return image;
}

}  // namespace codec

std::string encode_jpeg(const Image& image, int quality) {
  POPAUG_ASSERT(image.width() > 0 && image.height() > 0 && quality >= 1 && quality <= 100);
  return codec::Writer().write(image, quality);
}

}  // namespace popaug
