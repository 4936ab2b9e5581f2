// Kernels of the ops that map each channel through a table, and their histograms.
#ifndef POPAUG_AUGMENT_INTERNAL_TABLE_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_TABLE_SIMD_H_

#include "popaug/augment/internal/packed_pixels.h"

namespace popaug::simd {

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

// The kernels of the best instruction set that this machine (or a test) allows.
const TableKernels& table_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_TABLE_SIMD_H_
