// Kernels between bytes and packed pixels, and the crop of packed pixels.
#ifndef POPAUG_AUGMENT_INTERNAL_PIXELS_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_PIXELS_SIMD_H_

#include "popaug/augment/internal/packed_pixels.h"

namespace popaug::simd {

// A rectangle of the output, inside it.
struct Rectangle {
  int left = 0, top = 0, right = 0, bottom = 0;
};

// The base transforms of one image: output (x, y) shows input (x' + dx, y' + dy), where x' is x, or
// width - 1 - x if `flip`, and y' is y, or height - 1 - y if `vflip`; outside, and inside `cut`, is
// a hole. (A quarter turn is a transposition of the input before; output_stage.h.)
struct Crop {
  int dx = 0, dy = 0;
  bool flip = false;
  Rectangle cut = {};
  bool solid = false;  // no pixel of the input is a hole
  bool vflip = false;

  // The row of the input that row y of the output shows; it may lie outside.
  int row_of(int y, int height) const { return (vflip ? height - 1 - y : y) + dy; }
};

struct PixelKernels {
  // Bytes to pixels with alpha 255; reads exactly 3 * n or n bytes.
  void (*expand_rgb)(const uint8_t* rgb, uint32_t* pixels, size_t n);
  void (*expand_grey)(const uint8_t* grey, uint32_t* pixels, size_t n);
  // The pixels after the base transforms.
  void (*crop)(const uint32_t* pixels, int width, int height, const Crop& crop, uint32_t* out);
  // Mirrors a square image of `side` pixels along its diagonal: output (x, y) shows input (y, x).
  void (*transpose)(const uint32_t* pixels, int side, uint32_t* out);
  // mixup: byte (a w + b (256 - w) + 128) >> 8 of the `n` pixels and the others, in place, with the
  // weight w in 0..256. A hole counts as `hole`, an opaque pixel; two holes give a hole.
  void (*blend)(uint32_t* pixels, const uint32_t* others, size_t n, int weight, uint32_t hole);
  // `n` pixels as bytes, holes as the three bytes of `hole`: colours next to each other, or
  // `channels` (1 or 3) planes, `plane` bytes apart.
  void (*byte_triples)(const uint32_t* pixels, size_t n, const uint8_t* hole, uint8_t* out);
  void (*byte_planes)(const uint32_t* pixels, size_t n, const uint8_t* hole, int channels,
                      uint8_t* out, ptrdiff_t plane);
};

// The kernels of the best instruction set that this machine (or a test) allows.
const PixelKernels& pixel_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_PIXELS_SIMD_H_
