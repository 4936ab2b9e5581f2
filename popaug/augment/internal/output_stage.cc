#include "popaug/augment/internal/output_stage.h"

#include <algorithm>
#include <cstring>

#include "popaug/augment/internal/bfloat16.h"

namespace popaug {

namespace {

// Turns the cropped and flipped image that `crop` describes. The eight symmetries of a square are a
// transposition or none, then a flip along x or none and one along y or none. With L the last index
// and c the cropped image, a quarter turn against the clock shows c(flip ? y : L - y,
// vflip ? L - x : x) at (x, y): the transposed input under the crop with its axes exchanged.
void turn(simd::Crop& crop, int quarter_turns) {
  const simd::Crop was = crop;
  if (quarter_turns == 2) {
    crop.flip = !was.flip;
    crop.vflip = !was.vflip;
    return;
  }
  crop.dx = was.dy;
  crop.dy = was.dx;
  crop.flip = quarter_turns == 1 ? was.vflip : !was.vflip;
  crop.vflip = quarter_turns == 1 ? !was.flip : was.flip;
}

}  // namespace

simd::Crop place_base(const Kernels& kernels, Workspace& work, const BaseTransforms& base,
                      const BaseDraw& draw) {
  const int width = work.width(), height = work.height();
  simd::Crop crop{.flip = draw.flip, .solid = work.solid(), .vflip = draw.vflip};
  if (base.pad > 0) {
    crop.dx = draw.crop_x - base.pad;
    crop.dy = draw.crop_y - base.pad;
  }
  if (draw.turns % 2 == 1) {
    kernels.pixels.transpose(work.pixels(), width, work.other());
    work.swap();
  }
  if (draw.turns > 0) turn(crop, draw.turns);
  if (base.cutout > 0) {
    const int left = draw.cutout_x - base.cutout / 2, top = draw.cutout_y - base.cutout / 2;
    crop.cut = {std::max(left, 0), std::max(top, 0), std::min(left + base.cutout, width),
                std::min(top + base.cutout, height)};
  }
  return crop;
}

namespace {

// The mean colour of the pixels that are not holes, opaque; a hole where there is none.
uint32_t mean_colour(const uint32_t* pixels, size_t count) {
  uint64_t sum[3] = {}, solid = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t pixel = pixels[i];
    if (pixel >> 24 == 0) continue;
    for (int c = 0; c < 3; ++c) sum[c] += pixel >> 8 * c & 255;
    ++solid;
  }
  if (solid == 0) return 0;
  uint32_t mean = simd::kOpaque;
  for (int c = 0; c < 3; ++c) {
    mean |= static_cast<uint32_t>((2 * sum[c] + solid) / (2 * solid)) << 8 * c;
  }
  return mean;
}

}  // namespace

void apply_erase(Workspace& work, const BaseDraw& draw, EraseFill fill, bool grey) {
  const uint32_t colour = fill == EraseFill::kMean ? mean_colour(work.pixels(), work.size()) : 0;
  Random noise({.seed = draw.noise_seed, .purpose = Purpose::kBaseTransform});
  for (int y = draw.erase.top; y < draw.erase.bottom; ++y) {
    uint32_t* line = work.pixels() + ptrdiff_t{1} * y * work.width();
    if (fill != EraseFill::kNoise) {
      std::fill(line + draw.erase.left, line + draw.erase.right, colour);
      continue;
    }
    for (int x = draw.erase.left; x < draw.erase.right; ++x) {
      const uint32_t word = noise.next32();
      line[x] = simd::kOpaque | (grey ? (word & 255) * 0x010101u : word & 0xFFFFFFu);
    }
  }
}

void mix_pixels(const Kernels& kernels, Workspace& work, const uint32_t* other, const MixDraw& draw,
                const std::array<uint8_t, 3>& hole) {
  if (draw.kind == MixKind::kMixup) {
    const uint32_t colour =
        simd::kOpaque | uint32_t{hole[2]} << 16 | uint32_t{hole[1]} << 8 | hole[0];
    kernels.pixels.blend(work.pixels(), other, work.size(), draw.weight, colour);
    return;
  }
  const size_t bytes = sizeof(uint32_t) * static_cast<size_t>(draw.box.right - draw.box.left);
  for (int y = draw.box.top; y < draw.box.bottom; ++y) {
    const ptrdiff_t at = ptrdiff_t{1} * y * work.width() + draw.box.left;
    std::memcpy(work.pixels() + at, other + at, bytes);
  }
}

void apply_crop(const Kernels& kernels, Workspace& work, const simd::Crop& crop) {
  kernels.pixels.crop(work.pixels(), work.width(), work.height(), crop, work.other());
  work.swap();
}

namespace {

// The kernels and the rounding for one type of number.
auto interleaved(const Kernels& kernels, const FloatBatch&) { return kernels.output.interleaved; }
auto interleaved(const Kernels& kernels, const BFloat16Batch&) {
  return kernels.output.interleaved_bfloat16;
}
auto planes(const Kernels& kernels, const FloatBatch&) { return kernels.planes.planes; }
auto planes(const Kernels& kernels, const BFloat16Batch&) { return kernels.planes.planes_bfloat16; }
void put(float value, float& to) { to = value; }
void put(float value, uint16_t& to) { to = bfloat16_bits(value); }

template <typename Numbers>
void write_numbers(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                   const simd::ChannelScale& scale, int channels, size_t position,
                   const Numbers& out) {
  auto* const target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const int width = work.width(), height = work.height();
  if (channels == 3 && out.sc == 1 && out.sx == 3) {
    return interleaved(kernels, out)(work.pixels(), width, height, crop, scale, target, out.sy,
                                     work.other());
  }
  if (out.sx == 1) {
    return planes(kernels, out)(work.pixels(), width, height, crop, scale, channels, target, out.sc,
                                out.sy, work.other());
  }
  // Any strides: one row as planes of floats, then spread.
  apply_crop(kernels, work, crop);
  for (int y = 0; y < height; ++y) {
    const uint32_t* line = work.pixels() + ptrdiff_t{1} * y * width;
    kernels.planes.planes(line, width, 1, {}, scale, channels, work.line(), width, width,
                          work.other());
    for (int c = 0; c < channels; ++c) {
      auto* const to = target + c * out.sc + y * out.sy;
      for (int x = 0; x < width; ++x) put(work.line()[c * width + x], to[x * out.sx]);
    }
  }
}

}  // namespace

void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const simd::ChannelScale& scale, int channels, size_t position,
                  const FloatBatch& out) {
  write_numbers(kernels, work, crop, scale, channels, position, out);
}

void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const simd::ChannelScale& scale, int channels, size_t position,
                  const BFloat16Batch& out) {
  write_numbers(kernels, work, crop, scale, channels, position, out);
}

void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const uint8_t* hole, int channels, size_t position, const ByteOutput& out) {
  apply_crop(kernels, work, crop);
  const uint32_t* pixels = work.pixels();
  const int width = work.width(), height = work.height();
  uint8_t* target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const bool triples = channels == 3 && out.sc == 1 && out.sx == 3;
  if (!triples && out.sx != 1) {  // any strides
    for (int i = 0; i < width * height; ++i) {
      uint8_t* to = target + i / width * out.sy + i % width * out.sx;
      for (int c = 0; c < channels; ++c) {
        to[c * out.sc] = pixels[i] >> 24 == 0 ? hole[c] : static_cast<uint8_t>(pixels[i] >> 8 * c);
      }
    }
    return;
  }
  // Rows without gaps are one long row.
  const bool dense = out.sy == width * out.sx;
  const int rows = dense ? 1 : height;
  const size_t count = size_t{1} * width * (dense ? height : 1);
  for (int y = 0; y < rows; ++y, pixels += count, target += out.sy) {
    triples ? kernels.pixels.byte_triples(pixels, count, hole, target)
            : kernels.pixels.byte_planes(pixels, count, hole, channels, target, out.sc);
  }
}

}  // namespace popaug
