// Products of small row-major matrices, one register block at a time. Included once per target.
#if defined(POPAUG_KERNELS_INTERNAL_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_KERNELS_INTERNAL_GEMM_INL_H_
#undef POPAUG_KERNELS_INTERNAL_GEMM_INL_H_
#else
#define POPAUG_KERNELS_INTERNAL_GEMM_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "hwy/highway.h"
#include "popaug/kernels/internal/layout.h"

#ifndef POPAUG_UNROLL
#if defined(__clang__)
#define POPAUG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define POPAUG_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using VectorTag = hn::ScalableTag<float>;

// Rows of the register block: with two vectors a row, the accumulators, a row of b and one
// broadcast fill the 32 registers of AVX-512 or the 16 of older instruction sets.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kBlockRows = 12;
#else
inline constexpr int kBlockRows = 6;
#endif

// How a is read: a[m * stride + k], or, transposed, a[k * stride + m].
struct MatrixA {
  const float* data;
  size_t stride;
};

template <int kRows, int kVectors, bool kTransposed>
HWY_INLINE void RegisterBlock(size_t depth, MatrixA a, const float* HWY_RESTRICT b, size_t ldb,
                              float* HWY_RESTRICT c, size_t ldc, bool accumulate) {
  const VectorTag d;
  using V = hn::Vec<VectorTag>;
  const size_t lanes = hn::Lanes(d);
  V sum[kRows][kVectors];
  POPAUG_UNROLL
  for (int m = 0; m < kRows; ++m) {
    POPAUG_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::Zero(d);
  }
  // One pointer serves three rows: x86 addresses p, p + stride and p + 2 stride without further
  // registers.
  const float* HWY_RESTRICT rows[(kRows + 2) / 3];
  POPAUG_UNROLL
  for (int m = 0; m < kRows; m += 3) rows[m / 3] = a.data + (kTransposed ? m : m * a.stride);
  for (size_t k = 0; k < depth; ++k) {
    V bk[kVectors];
    POPAUG_UNROLL
    for (int v = 0; v < kVectors; ++v) bk[v] = hn::LoadU(d, b + v * lanes);
    b += ldb;
    POPAUG_UNROLL
    for (int m = 0; m < kRows; ++m) {
      const V am = hn::Set(d, rows[m / 3][kTransposed ? m % 3 : (m % 3) * a.stride]);
      POPAUG_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::MulAdd(am, bk[v], sum[m][v]);
    }
    POPAUG_UNROLL
    for (int m = 0; m < kRows; m += 3) rows[m / 3] += kTransposed ? a.stride : 1;
  }
  POPAUG_UNROLL
  for (int m = 0; m < kRows; ++m) {
    POPAUG_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      float* to = c + m * ldc + v * lanes;
      hn::StoreU(accumulate ? hn::Add(sum[m][v], hn::LoadU(d, to)) : sum[m][v], d, to);
    }
  }
}

// Handles the last rows, which are fewer than a block.
template <int kRows, int kVectors, bool kTransposed>
HWY_INLINE void LastRows(size_t rows, size_t depth, MatrixA a, const float* b, size_t ldb, float* c,
                         size_t ldc, bool accumulate) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      RegisterBlock<kRows, kVectors, kTransposed>(depth, a, b, ldb, c, ldc, accumulate);
    } else {
      LastRows<kRows - 1, kVectors, kTransposed>(rows, depth, a, b, ldb, c, ldc, accumulate);
    }
  }
}

template <int kVectors, bool kTransposed>
HWY_NOINLINE void Panel(size_t rows, size_t depth, MatrixA a, const float* b, size_t ldb, float* c,
                        size_t ldc, bool accumulate) {
  for (; rows >= kBlockRows; rows -= kBlockRows) {
    RegisterBlock<kBlockRows, kVectors, kTransposed>(depth, a, b, ldb, c, ldc, accumulate);
    a.data += kBlockRows * (kTransposed ? 1 : a.stride);
    c += kBlockRows * ldc;
  }
  LastRows<kBlockRows - 1, kVectors, kTransposed>(rows, depth, a, b, ldb, c, ldc, accumulate);
}

// c [rows][columns] = (accumulate ? c : 0) + a [rows][depth] * b [depth][columns]. columns is
// rounded up to whole vectors: b and c must have that many floats in every row.
template <bool kTransposed>
HWY_INLINE void Multiply(size_t rows, size_t columns, size_t depth, MatrixA a, const float* b,
                         size_t ldb, float* c, size_t ldc, bool accumulate) {
  const size_t lanes = hn::Lanes(VectorTag());
  size_t n = 0;
  for (; n + lanes < columns; n += 2 * lanes) {
    Panel<2, kTransposed>(rows, depth, a, b + n, ldb, c + n, ldc, accumulate);
  }
  if (n < columns) Panel<1, kTransposed>(rows, depth, a, b + n, ldb, c + n, ldc, accumulate);
}

// The same, with a packed b (layout.h).
HWY_INLINE void MultiplyPacked(size_t rows, size_t columns, size_t depth, MatrixA a, const float* b,
                               float* c, size_t ldc) {
  for (size_t k = 0; k < depth; k += kDepthBlock) {
    const size_t part = std::min(kDepthBlock, depth - k);
    for (size_t n = 0; n < columns; n += kPanel, b += part * kPanel) {
      Multiply<false>(rows, std::min(kPanel, columns - n), part, {a.data + k, a.stride}, b, kPanel,
                      c + n, ldc, k > 0);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_KERNELS_INTERNAL_GEMM_INL_H_
