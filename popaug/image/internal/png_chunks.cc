// libspng has no warnings: it fails on some faults of chunks that have nothing to do with pixels
// (their order, their number, their size), and drops transparency that is damaged without a word.
// Both are decided here, by the table of docs/formats/data.md#doubtful-files, and libspng then
// sees only what it has to be strict about.
#include "popaug/image/internal/png_chunks.h"

#include <zlib.h>

#include <optional>

namespace popaug::codec {
namespace {

constexpr size_t kSignature = 8, kAround = 12;  // length and type before the data, checksum after

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

struct Chunk {
  std::string_view type, whole;  // whole: with length and checksum
  bool checksum_fits = false;
};

// The chunk at `at`, or nothing if the file ends within it.
std::optional<Chunk> chunk_at(std::string_view bytes, size_t at) {
  const size_t left = bytes.size() - at;
  const uint64_t length = left < kAround ? 0 : big_endian(bytes.substr(at));
  if (left < kAround || length > left - kAround) return std::nullopt;
  Chunk chunk;
  chunk.type = bytes.substr(at + 4, 4);
  chunk.whole = bytes.substr(at, kAround + length);
  const std::string_view summed = chunk.whole.substr(4, 4 + length);
  const auto* begin = reinterpret_cast<const Bytef*>(summed.data());
  const auto sum = static_cast<uint32_t>(crc32_z(0, begin, summed.size()));
  chunk.checksum_fits = sum == big_endian(chunk.whole.substr(8 + length));
  return chunk;
}

// The type of a chunk that a decoder may pass over begins with a small letter.
bool may_be_skipped(const Chunk& chunk) { return (chunk.type[0] & 0x20) != 0; }

enum class Use { kPixels, kExif, kNone };

// What a chunk is for, in an image of this colour type (PNG 1.2, section 4).
Use use_of(const Chunk& chunk, int colour_type) {
  constexpr int kIndexed = 3, kAlpha = 4;
  if (chunk.type == "eXIf") return Use::kExif;
  if (chunk.type == "PLTE") return colour_type == kIndexed ? Use::kPixels : Use::kNone;
  if (chunk.type == "tRNS") return (colour_type & kAlpha) == 0 ? Use::kPixels : Use::kNone;
  return may_be_skipped(chunk) ? Use::kNone : Use::kPixels;
}

}  // namespace

std::string pixel_chunks(std::string_view bytes, const std::string& origin, DecodeInfo& info) {
  constexpr size_t kColourType = kSignature + 17;  // in IHDR, after two sides and the depth
  constexpr std::string_view kEnd("\0\0\0\0IEND\xAE\x42\x60\x82", kAround);
  const int colour_type = bytes.size() > kColourType ? bytes[kColourType] : 0;
  std::string kept(bytes.substr(0, kSignature));
  kept.reserve(bytes.size() + kEnd.size());
  bool damaged = false, damaged_exif = false;
  std::optional<Chunk> chunk = chunk_at(bytes, kSignature);
  for (size_t at = kSignature; chunk && chunk->type != "IEND"; chunk = chunk_at(bytes, at)) {
    at += chunk->whole.size();
    const Use use = use_of(*chunk, colour_type);
    if (use == Use::kPixels && chunk->type == "tRNS" && !chunk->checksum_fits) {
      throw Error(origin + ": the PNG data is broken or cut short (its transparency is damaged)");
    }
    damaged = damaged || (use == Use::kNone && !chunk->checksum_fits);
    damaged_exif = damaged_exif || (use == Use::kExif && !chunk->checksum_fits);
    if (use == Use::kPixels || (use == Use::kExif && chunk->checksum_fits)) kept += chunk->whole;
  }
  kept += kEnd;  // libspng says if the pixels end too early
  if (!chunk || !chunk->checksum_fits) {
    info.add_irregular("without a sound end chunk, although every pixel is there");
  }
  if (damaged) info.add_irregular("with a damaged part beside the pixels, which was skipped");
  if (damaged_exif) info.add_irregular("with a damaged EXIF block, which was ignored");
  return kept;
}

}  // namespace popaug::codec
