// What decoding does whatever the codec: recognition, limits, orientation.
#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/format.h"
#include "popaug/image/internal/jpeg_part.h"

namespace popaug {
namespace codec {

void check_size(uint64_t width, uint64_t height, const std::string& origin,
                const DecodeLimits& limits) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width == 0 || height == 0) {
    throw Error(origin + ": declares an image of " + size + " pixels");
  }
  const uint64_t side = static_cast<uint64_t>(limits.side);
  if (width > side || height > side || width * height > limits.pixels) {
    throw Error(origin + ": declares an image of " + size + " pixels; the limits are " +
                std::to_string(side) + " a side and " + std::to_string(limits.pixels) +
                " in all. Reduce the image first");
  }
}

void check_ratio(uint64_t unpacked, uint64_t ratio, uint64_t file_bytes, uint64_t width,
                 uint64_t height, const std::string& origin) {
  if (unpacked / ratio <= file_bytes) return;
  throw Error(origin + ": declares " + std::to_string(width) + "x" + std::to_string(height) +
              " pixels, more than its " + std::to_string(file_bytes) + " bytes can hold");
}

namespace {

// Integers of a TIFF block in its byte order; 0 past the end.
struct Tiff {
  std::string_view bytes;
  bool little;

  uint32_t at(size_t offset, int size) const {
    if (offset > bytes.size() || bytes.size() - offset < static_cast<size_t>(size)) return 0;
    uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const uint32_t byte = static_cast<uint8_t>(bytes[offset + i]);
      value |= byte << 8 * (little ? i : size - 1 - i);
    }
    return value;
  }
};

}  // namespace

int tiff_short(std::string_view tiff, uint32_t tag) {
  if (tiff.size() < 8 || (tiff.substr(0, 2) != "II" && tiff.substr(0, 2) != "MM")) return -1;
  const Tiff block{tiff, tiff[0] == 'I'};
  if (block.at(2, 2) != 42) return -1;
  const size_t directory = block.at(4, 4);
  const uint32_t entries = block.at(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (entry + 12 > tiff.size()) return -1;
    if (block.at(entry, 2) != tag) continue;
    constexpr uint32_t kShort = 3;
    return block.at(entry + 2, 2) == kShort ? static_cast<int>(block.at(entry + 8, 2)) : -1;
  }
  return -1;
}

int exif_orientation(std::string_view tiff) {
  const int value = tiff_short(tiff, 0x0112);
  return value >= 1 && value <= 8 ? value : 1;
}

// EXIF 2.3, section 4.6.4: 2 mirrored, 3 half turn, 4 flipped, 5 transposed, 6 to be turned
// clockwise, 7 transposed across the other diagonal, 8 to be turned anticlockwise.
Image oriented(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swapped = orientation >= 5;
  const int width = image.width(), height = image.height();
  Image out(swapped ? height : width, swapped ? width : height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int right = width - 1 - x, bottom = height - 1 - y;
      int u = x, v = y;
      switch (orientation) {
        case 2:
          u = right;
          break;
        case 3:
          u = right;
          v = bottom;
          break;
        case 4:
          v = bottom;
          break;
        case 5:
          u = y;
          v = x;
          break;
        case 6:
          u = bottom;
          v = x;
          break;
        case 7:
          u = bottom;
          v = right;
          break;
        case 8:
          u = y;
          v = right;
          break;
      }
      std::copy_n(image.pixel(x, y), 4, out.pixel(u, v));
    }
  }
  return out;
}

namespace {

struct Request {
  std::string_view bytes;
  std::string origin;
  fs::path path;  // empty: the bytes are of no file
  AtLeast at_least;
};

Image decode_stored(const Request& request, DecodeInfo& info, const DecodeLimits& limits,
                    const DecodeRules& rules, int& orientation) {
  const std::string_view format = image_format(request.bytes);
  if (format == "JPEG" || format == "PNG") {
    std::string exif;
    Image image =
        format == "PNG"
            ? decode_png(request.bytes, request.origin, info, limits, rules, exif)
            : decode_jpeg(request.bytes, request.origin, info, limits, exif, request.at_least);
    orientation = exif_orientation(exif);
    return image;
  }
  const Encoded file = {request.bytes, request.origin, limits, rules};
  if (format == "WebP") return decode_webp(file, info, orientation);
  if (format == "BMP") return decode_bmp(file, info);
  if (format == "GIF") return decode_gif(file, info);
  if (format == "TIFF") return decode_tiff(file, info, orientation);
  if (format == "PNM") return decode_pnm(file, info);
  throw Error(unread_format(request.bytes, request.origin, request.path));
}

Image decode(const Request& request, DecodeInfo* info, const DecodeLimits& limits,
             const DecodeRules& rules) {
  DecodeInfo ignored;
  DecodeInfo& met = info != nullptr ? *info : ignored;
  met = DecodeInfo();
  if (request.bytes.empty()) {
    throw Error(request.origin + ": the file is empty; expected an image");
  }
  int orientation = 1;
  Image image = decode_stored(request, met, limits, rules, orientation);
  if (orientation <= 1 || orientation > 8) return image;
  met.notes.emplace_back("turned upright by EXIF orientation");
  return oriented(std::move(image), orientation);
}

// A compressed image that is larger than its pixels is not a photograph.
std::string read_image_file(const fs::path& path, const DecodeLimits& limits) {
  return read_file(path, std::max<uint64_t>(limits.pixels * 8, 1 << 20));
}

}  // namespace
}  // namespace codec

Image decode_image(std::string_view bytes, const std::string& origin, DecodeInfo* info,
                   const DecodeLimits& limits, const DecodeRules& rules) {
  return codec::decode({bytes, origin, {}, {}}, info, limits, rules);
}

Image load_image(const fs::path& path, DecodeInfo* info, const DecodeLimits& limits,
                 const DecodeRules& rules) {
  const std::string bytes = codec::read_image_file(path, limits);
  return codec::decode({bytes, show_path(path), path, {}}, info, limits, rules);
}

Image load_image_scaled(const fs::path& path, int width, int height, DecodeInfo* info,
                        const DecodeLimits& limits, const DecodeRules& rules) {
  const std::string bytes = codec::read_image_file(path, limits);
  return codec::decode({bytes, show_path(path), path, {width, height}}, info, limits, rules);
}

Image cut(const Image& image, const ImagePart& part) {
  POPAUG_ASSERT(part.left >= 0 && part.top >= 0 && part.width >= 1 && part.height >= 1);
  POPAUG_ASSERT(part.width <= image.width() - part.left);
  POPAUG_ASSERT(part.height <= image.height() - part.top);
  Image out(part.width, part.height);
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(image.pixel(part.left, part.top + y), size_t{4} * part.width, out.pixel(0, y));
  }
  return out;
}

Image load_image_part(const fs::path& path, const ChoosePart& choose, DecodeInfo* info,
                      const DecodeLimits& limits, const DecodeRules& rules) {
  const std::string bytes = codec::read_image_file(path, limits);
  const std::string origin = show_path(path);
  if (codec::is_jpeg(bytes)) {
    DecodeInfo met;
    std::optional<Image> part = codec::decode_jpeg_part(bytes, origin, met, limits, choose);
    if (part.has_value()) {
      if (info != nullptr) *info = met;
      return *std::move(part);
    }
  }
  const Image whole = codec::decode({bytes, origin, path, {}}, info, limits, rules);
  return cut(whole, choose(whole.width(), whole.height()));
}

}  // namespace popaug
