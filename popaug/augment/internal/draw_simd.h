// The kernel that makes random words.
#ifndef POPAUG_AUGMENT_INTERNAL_DRAW_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_DRAW_SIMD_H_

#include <cstddef>
#include <cstdint>

namespace popaug::simd {

struct DrawKernels {
  // Philox4x32-10 of `blocks` counters of four words under one key. Blocks are taken in whole
  // vectors: both arrays end on a multiple of 8 blocks.
  void (*philox)(const uint32_t key[2], const uint32_t* counters, size_t blocks, uint32_t* words);
};

// The kernel of the best instruction set that this machine (or a test) allows.
const DrawKernels& draw_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_DRAW_SIMD_H_
