#include "popaug/augment/place.h"

#include <algorithm>

namespace popaug {

simd::Crop crop_of(const BaseTransforms& base, const BaseDraw& draw, int width, int height,
                   bool solid) {
  simd::Crop crop{.flip = draw.flip, .solid = solid};
  if (base.pad > 0) {
    crop.dx = draw.crop_x - base.pad;
    crop.dy = draw.crop_y - base.pad;
  }
  if (base.cutout > 0) {
    const int left = draw.cutout_x - base.cutout / 2, top = draw.cutout_y - base.cutout / 2;
    crop.cut = {std::max(left, 0), std::max(top, 0), std::min(left + base.cutout, width),
                std::min(top + base.cutout, height)};
  }
  return crop;
}

void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop) {
  kernels.pixels.crop(work.pixels(), work.width(), work.height(), crop, work.other());
  work.swap();
}

void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
           const simd::ChannelScale& scale, int channels, size_t position, const FloatBatch& out) {
  float* target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const int width = work.width(), height = work.height();
  if (channels == 3 && out.sc == 1 && out.sx == 3) {
    return kernels.output.interleaved(work.pixels(), width, height, crop, scale, target, out.sy,
                                      work.other());
  }
  if (out.sx == 1) {
    return kernels.planes.planes(work.pixels(), width, height, crop, scale, channels, target,
                                 out.sc, out.sy);
  }
  // Any strides: one row as planes, then spread.
  place(kernels, work, crop);
  for (int y = 0; y < height; ++y) {
    const uint32_t* line = work.pixels() + ptrdiff_t{1} * y * width;
    kernels.planes.planes(line, width, 1, {}, scale, channels, work.line(), width, width);
    for (int c = 0; c < channels; ++c) {
      float* to = target + c * out.sc + y * out.sy;
      for (int x = 0; x < width; ++x) to[x * out.sx] = work.line()[c * width + x];
    }
  }
}

void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop, const uint8_t* hole,
           int channels, size_t position, const ByteOutput& out) {
  place(kernels, work, crop);
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
