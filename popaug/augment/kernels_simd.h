// The fast twins of the ops and of the output stage: written once in Highway, compiled for every
// x86 target, chosen per batch. Each equals its plain twin bit for bit (kernels_simd_test.cc).
// Private to room augment.
//
// A working image is packed RGBA, one uint32_t per pixel (red in the low byte), rows without
// padding, 64-byte aligned, with kSlack pixels before and after it that kernels may read, and may
// overwrite behind the end: loops run over whole vectors.
#ifndef POPAUG_AUGMENT_KERNELS_SIMD_H_
#define POPAUG_AUGMENT_KERNELS_SIMD_H_

#include <cstddef>
#include <cstdint>

namespace popaug::simd {

inline constexpr size_t kSlack = 64;  // pixels
inline constexpr uint32_t kOpaque = 0xFF000000;

struct TableKernels {
  const char* target;  // Highway's name of the instruction set
  bool wide_tables;    // a table of 256 bytes costs less than the arithmetic that it stands for
  // Maps the three colours through one table, or through three; then alpha |= alpha_bits.
  void (*table1)(uint32_t* pixels, size_t n, const uint8_t* table, uint32_t alpha_bits);
  void (*table3)(uint32_t* pixels, size_t n, const uint8_t* tables, uint32_t alpha_bits);
  // colours = (colours & keep) ^ flip, alpha = 255: Posterize and Invert.
  void (*bits)(uint32_t* pixels, size_t n, uint8_t keep, uint8_t flip);
  // Colours >= threshold (0..256) are inverted, alpha = 255.
  void (*solarize)(uint32_t* pixels, size_t n, int threshold);
  // Smallest and largest byte of each channel.
  void (*extrema)(const uint32_t* pixels, size_t n, uint8_t low[4], uint8_t high[4]);
  // Tables of 256 bytes.
  void (*auto_contrast_table)(int low, int high, uint8_t* table);
  void (*equalize_tables)(const uint32_t* counts, uint8_t* tables);  // three of each
  void (*blend_table)(uint8_t from, float factor, uint8_t* table);
  // Three histograms of 256 counts.
  void (*histogram)(const uint32_t* pixels, size_t n, uint32_t* counts);
};

// A blend from + factor * (to - from): |factor| <= 2^20. Where `whole`, integers of 16 bits give
// the same bytes: to + ((64 * (to - from) + bias) * gain >> 16 >> shift), clipped to 0..255; with
// bias in -64..64, nothing on the way leaves 16 bits. find_blend() finds out.
struct Blend {
  float factor = 1;
  bool whole = false;
  int16_t gain = 0, bias = 0;
  int shift = 0;
};
Blend find_blend(float factor);

struct BlendKernels {
  // Sum over pixels of Pillow's grey.
  uint64_t (*grey_sum)(const uint32_t* pixels, size_t n);
  // Blends towards one colour value, or towards each pixel's grey.
  void (*blend_value)(uint32_t* pixels, size_t n, uint8_t from, const Blend& blend);
  void (*blend_grey)(uint32_t* pixels, size_t n, const Blend& blend);
};

struct SharpnessKernels {
  // dst = blend of SMOOTH(src) and src; scratch holds 8 * width + 256 uint16_t.
  void (*sharpness)(const uint32_t* src, uint32_t* dst, int width, int height, const Blend& blend,
                    uint16_t* scratch);
};

// Pillow's 16.16 fixed-point map: output (x, y) shows input ((x0 + x ax + y bx) >> 16, ...).
struct FixedMap {
  int32_t ax = 0, bx = 0, x0 = 0;
  int32_t ay = 0, by = 0, y0 = 0;
};

struct GeometryKernels {
  // Uncovered pixels become `fill`.
  void (*affine)(const uint32_t* src, uint32_t* dst, int width, int height, const FixedMap& map,
                 uint32_t fill);
  // Output (x, y) shows input (x + dx, y + dy).
  void (*shift)(const uint32_t* src, uint32_t* dst, int width, int height, int dx, int dy,
                uint32_t fill);
};

// A rectangle of the output, inside it.
struct Rectangle {
  int left = 0, top = 0, right = 0, bottom = 0;
};

// The base transforms of one image: output (x, y) shows input (x' + dx, y + dy), where x' is x, or
// width - 1 - x if `flip`; outside, and inside `cut`, is a hole.
struct Crop {
  int dx = 0, dy = 0;
  bool flip = false;
  Rectangle cut = {};
  bool solid = false;  // no pixel of the input is a hole
};

// byte -> float32: byte * scale + offset, not fused; holes are 0.
struct ChannelScale {
  float scale[3] = {1, 1, 1};
  float offset[3] = {0, 0, 0};
  // Entry i is that of channel i % 3: for channels that lie next to each other.
  alignas(64) float repeated_scale[48];
  alignas(64) float repeated_offset[48];

  ChannelScale() { repeat(); }
  void repeat() {
    for (int i = 0; i < 48; ++i) {
      repeated_scale[i] = scale[i % 3];
      repeated_offset[i] = offset[i % 3];
    }
  }
};

struct OutputKernels {
  // Channels last and dense (sx 3, sc 1): `out` is pixel (0, 0), rows `row` floats apart. scratch
  // is a row of pixels, with slack.
  void (*interleaved)(const uint32_t* pixels, int width, int height, const Crop& crop,
                      const ChannelScale& scale, float* out, ptrdiff_t row, uint32_t* scratch);
};

struct PlaneKernels {
  // Planes with adjacent columns (sx 1), `channels` of them `plane` floats apart.
  void (*planes)(const uint32_t* pixels, int width, int height, const Crop& crop,
                 const ChannelScale& scale, int channels, float* out, ptrdiff_t plane,
                 ptrdiff_t row);
};

struct PixelKernels {
  // Bytes to pixels with alpha 255; reads exactly 3 * n or n bytes.
  void (*expand_rgb)(const uint8_t* rgb, uint32_t* pixels, size_t n);
  void (*expand_grey)(const uint8_t* grey, uint32_t* pixels, size_t n);
  // The pixels after the base transforms.
  void (*crop)(const uint32_t* pixels, int width, int height, const Crop& crop, uint32_t* out);
  // `n` pixels as bytes, holes as the three bytes of `hole`: colours next to each other, or
  // `channels` (1 or 3) planes, `plane` bytes apart.
  void (*byte_triples)(const uint32_t* pixels, size_t n, const uint8_t* hole, uint8_t* out);
  void (*byte_planes)(const uint32_t* pixels, size_t n, const uint8_t* hole, int channels,
                      uint8_t* out, ptrdiff_t plane);
};

struct DrawKernels {
  // Philox4x32-10 of `blocks` counters of four words under one key. Blocks are taken in whole
  // vectors: both arrays end on a multiple of 8 blocks.
  void (*philox)(const uint32_t key[2], const uint32_t* counters, size_t blocks, uint32_t* words);
};

// The kernels of the best instruction set that this machine (or a test) allows.
const TableKernels& table_kernels();
const BlendKernels& blend_kernels();
const SharpnessKernels& sharpness_kernels();
const GeometryKernels& geometry_kernels();
const OutputKernels& output_kernels();
const PlaneKernels& plane_kernels();
const PixelKernels& pixel_kernels();
const DrawKernels& draw_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_KERNELS_SIMD_H_
