// WebP by libwebp: lossy and lossless, with alpha; of an animation the first image.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/samples.h"

namespace popaug::codec {
namespace {

struct Delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

[[noreturn]] void broken(const Encoded& file, const std::string& how) {
  throw Error(file.origin + ": the WebP data is broken or cut short (" + how + ")");
}

// Iterators of libwebp must be released.
struct Frame {
  WebPIterator at{};
  Frame() = default;
  ~Frame() { WebPDemuxReleaseIterator(&at); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
};

int orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk{};
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    std::string_view block(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
    constexpr std::string_view kPrefix("Exif\0\0", 6);  // of JPEG; some programs keep it
    if (block.starts_with(kPrefix)) block.remove_prefix(kPrefix.size());
    orientation = exif_orientation(block);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

const char* reason(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "an invalid code";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature that libwebp does not know";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the end is missing";
    default:
      return "it cannot be decoded";
  }
}

}  // namespace

Image decode_webp(const Encoded& file, DecodeInfo& info, int& orientation) {
  const WebPData data = {reinterpret_cast<const uint8_t*>(file.bytes.data()), file.bytes.size()};
  const std::unique_ptr<WebPDemuxer, Delete> demuxer(WebPDemux(&data));
  if (demuxer == nullptr) broken(file, "its chunks are not whole");
  const uint32_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const uint32_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size(width, height, file.origin, file.limits);
  Frame frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame.at) == 0) broken(file, "it contains no image");
  const WebPIterator& at = frame.at;
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) broken(file, "another version of libwebp");
  if (WebPGetFeatures(at.fragment.bytes, at.fragment.size, &config.input) != VP8_STATUS_OK ||
      config.input.width != at.width || config.input.height != at.height || at.x_offset < 0 ||
      at.y_offset < 0 || at.width > int(width) - at.x_offset ||
      at.height > int(height) - at.y_offset) {
    broken(file, "its headers do not agree");
  }
  constexpr int kLossy = 1;
  if (config.input.format == kLossy) {
    // A block of 16x16 pixels takes more than one bit, whatever is in it (RFC 6386, 11.2).
    check_ratio(uint64_t(at.width) * uint64_t(at.height), 16 * 16 * 8, file.bytes.size(), width,
                height, file.origin);
  }
  Image image(static_cast<int>(width), static_cast<int>(height));
  if (at.width != image.width() || at.height != image.height()) {
    // What the image leaves of the canvas is transparent.
    std::fill_n(image.data(), image.size_bytes(), uint8_t{0});
  }
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = image.pixel(at.x_offset, at.y_offset);
  config.output.u.RGBA.stride = 4 * image.width();
  const size_t rows = static_cast<size_t>(at.height);
  config.output.u.RGBA.size = size_t{4} * image.width() * (rows - 1) + size_t{4} * at.width;
  const VP8StatusCode code = WebPDecode(at.fragment.bytes, at.fragment.size, &config);
  if (code != VP8_STATUS_OK) broken(file, reason(code));
  composite(image, file.rules, info);
  if (WebPDemuxGetI(demuxer.get(), WEBP_FF_FRAME_COUNT) > 1) {
    info.notes.emplace_back(kFirstOfSeveral);
  }
  orientation = orientation_of(demuxer.get());
  return image;
}

}  // namespace popaug::codec
