// PNG by libspng.
#include <spng.h>

#include <cstdlib>
#include <memory>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/png_chunks.h"
#include "popaug/image/internal/samples.h"

namespace popaug {
namespace codec {
namespace {

struct Free {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, Free>;

// Text and profiles beside the pixels, which are not used: enough for any photograph.
constexpr size_t kMaxChunk = size_t{16} << 20;
constexpr size_t kMaxChunks = size_t{64} << 20;
// Deflate cannot shrink more than this (zlib technical details: 1032:1).
constexpr uint64_t kMaxRatio = 1032;

void check(int code, const std::string& origin) {
  if (code == 0) return;
  throw Error(origin + ": the PNG data is broken or cut short (" + spng_strerror(code) + ")");
}

uint64_t packed_bytes(const spng_ihdr& header) {
  constexpr int kSamples[] = {1, 0, 3, 1, 2, 0, 4};  // by colour type
  const uint64_t row =
      (uint64_t{header.width} * kSamples[header.color_type] * header.bit_depth + 7) / 8;
  return (row + 1) * header.height;
}

bool grey_palette(spng_ctx* context) {
  spng_plte palette;
  if (spng_get_plte(context, &palette) != 0) return false;
  for (uint32_t i = 0; i < palette.n_entries; ++i) {
    const auto& entry = palette.entries[i];
    if (entry.red != entry.green || entry.red != entry.blue) return false;
  }
  return true;
}

Image from_sixteen(const std::vector<uint16_t>& samples, int width, int height,
                   const DecodeRules& rules, DecodeInfo& info) {
  Image image(width, height);
  SixteenBits bits(rules);
  for (size_t i = 0; i < samples.size(); ++i) {
    image.data()[i] = i % 4 == 3 ? SixteenBits::alpha(samples[i]) : bits.colour(samples[i]);
  }
  bits.record(info);
  return image;
}

}  // namespace

bool is_png(std::string_view bytes) {
  return bytes.starts_with(std::string_view("\x89PNG\r\n\x1A\n", 8));
}

Image decode_png(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                 const DecodeLimits& limits, const DecodeRules& rules, std::string& exif) {
  const Context owner(spng_ctx_new(0));
  spng_ctx* const context = owner.get();
  if (context == nullptr) throw std::bad_alloc();
  spng_set_chunk_limits(context, kMaxChunk, kMaxChunks);
  const std::string chunks = pixel_chunks(bytes, origin, info);
  check(spng_set_png_buffer(context, chunks.data(), chunks.size()), origin);
  spng_ihdr header;
  check(spng_get_ihdr(context, &header), origin);
  check_size(header.width, header.height, origin, limits);
  if (packed_bytes(header) / kMaxRatio > chunks.size()) {
    throw Error(origin + ": declares " + std::to_string(header.width) + "x" +
                std::to_string(header.height) + " pixels, more than its " +
                std::to_string(chunks.size()) + " bytes can hold");
  }
  const int width = static_cast<int>(header.width), height = static_cast<int>(header.height);
  Image image;
  if (header.bit_depth == 16) {
    std::vector<uint16_t> samples(size_t{4} * width * height);
    check(spng_decode_image(context, samples.data(), 2 * samples.size(), SPNG_FMT_RGBA16,
                            SPNG_DECODE_TRNS),
          origin);
    image = from_sixteen(samples, width, height, rules, info);
  } else {
    image = Image(width, height);
    check(spng_decode_image(context, image.data(), image.size_bytes(), SPNG_FMT_RGBA8,
                            SPNG_DECODE_TRNS),
          origin);
  }
  check(spng_decode_chunks(context), origin);  // to the end: a cut file is refused
  info.grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
              header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
              (header.color_type == SPNG_COLOR_TYPE_INDEXED && grey_palette(context));
  composite(image, rules, info);
  spng_exif block{};
  if (spng_get_exif(context, &block) == 0) exif.assign(block.data, block.length);
  return image;
}

}  // namespace codec

namespace {

bool opaque(const Image& image) {
  for (size_t i = 3; i < image.size_bytes(); i += 4) {
    if (image.data()[i] != 255) return false;
  }
  return true;
}

}  // namespace

std::string encode_png(const Image& image, bool always_alpha) {
  POPAUG_ASSERT(image.width() > 0 && image.height() > 0);
  const codec::Context owner(spng_ctx_new(SPNG_CTX_ENCODER));
  spng_ctx* const context = owner.get();
  if (context == nullptr) throw std::bad_alloc();
  const bool rgb = !always_alpha && opaque(image);
  spng_ihdr header{};
  header.width = static_cast<uint32_t>(image.width());
  header.height = static_cast<uint32_t>(image.height());
  header.bit_depth = 8;
  header.color_type = rgb ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  std::vector<uint8_t> samples;
  if (rgb) {
    samples.reserve(image.size_bytes() / 4 * 3);
    for (size_t i = 0; i < image.size_bytes(); i += 4) {
      samples.insert(samples.end(), image.data() + i, image.data() + i + 3);
    }
  } else {
    samples.assign(image.data(), image.data() + image.size_bytes());
  }
  const auto must = [](int code) {
    if (code != 0)
      throw Error(std::string("cannot write the image as PNG: ") + spng_strerror(code));
  };
  must(spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1));
  must(spng_set_ihdr(context, &header));
  must(spng_encode_image(context, samples.data(), samples.size(), SPNG_FMT_PNG,
                         SPNG_ENCODE_FINALIZE));
  int code = 0;
  size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> buffer(spng_get_png_buffer(context, &size, &code),
                                                      std::free);
  must(code);
  return std::string(static_cast<const char*>(buffer.get()), size);
}

}  // namespace popaug
