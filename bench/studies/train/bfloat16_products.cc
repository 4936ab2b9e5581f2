// How much faster a core multiplies matrices in bfloat16 (AVX-512 BF16: two products a lane, sums
// in float32) than in float32: the register block of popaug/kernels/internal/gemm-inl.h, 12 rows by
// two vectors, from data in the first two caches.
//   g++ -O3 -march=native bench/studies/train/bfloat16_products.cc -o /tmp/products
//   taskset -c 1 /tmp/products
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr int kRows = 12, kColumns = 32;  // of a register block
constexpr size_t kHeight = 96, kWidth = 256;

__attribute__((noinline)) void block_f32(size_t depth, const float* a, const float* b, float* c) {
  __m512 sum[kRows][2] = {};
  for (size_t k = 0; k < depth; ++k) {
    const __m512 b0 = _mm512_loadu_ps(b + k * kColumns),
                 b1 = _mm512_loadu_ps(b + k * kColumns + 16);
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      const __m512 am = _mm512_set1_ps(a[m * depth + k]);
      sum[m][0] = _mm512_fmadd_ps(am, b0, sum[m][0]);
      sum[m][1] = _mm512_fmadd_ps(am, b1, sum[m][1]);
    }
  }
  for (int m = 0; m < kRows; ++m) {
    _mm512_storeu_ps(c + m * kColumns, sum[m][0]);
    _mm512_storeu_ps(c + m * kColumns + 16, sum[m][1]);
  }
}

// b in pairs of rows: [depth / 2][kColumns][2].
__attribute__((noinline)) void block_bf16(size_t depth, const uint16_t* a, const uint16_t* b,
                                          float* c) {
  __m512 sum[kRows][2] = {};
  for (size_t k = 0; k < depth; k += 2) {
    const auto b0 = (__m512bh)_mm512_loadu_si512(b + k * kColumns);
    const auto b1 = (__m512bh)_mm512_loadu_si512(b + k * kColumns + kColumns);
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      int pair;
      std::memcpy(&pair, a + m * depth + k, sizeof pair);
      const auto am = (__m512bh)_mm512_set1_epi32(pair);
      sum[m][0] = _mm512_dpbf16_ps(sum[m][0], am, b0);
      sum[m][1] = _mm512_dpbf16_ps(sum[m][1], am, b1);
    }
  }
  for (int m = 0; m < kRows; ++m) {
    _mm512_storeu_ps(c + m * kColumns, sum[m][0]);
    _mm512_storeu_ps(c + m * kColumns + 16, sum[m][1]);
  }
}

template <class Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Block, class T>
void product(const Block& block, size_t depth, const std::vector<T>& a, const std::vector<T>& b,
             std::vector<float>& c) {
  for (size_t n = 0; n < kWidth; n += kColumns) {
    for (size_t m = 0; m < kHeight; m += kRows) {
      block(depth, &a[m * depth], &b[n * depth], &c[(m * kWidth / kColumns + n / kColumns) * 32]);
    }
  }
}

}  // namespace

int main() {
  for (const size_t depth : {64, 128, 256}) {
    const std::vector<float> a(kHeight * depth, 0.5f), b(kWidth * depth, 0.25f);
    const std::vector<uint16_t> a16(a.size(), 0x3F00), b16(b.size(), 0x3E80);
    std::vector<float> c(kHeight * kWidth * 2);
    std::vector<double> f32, bf16;
    for (int run = 0; run < 41; ++run) {
      f32.push_back(seconds([&] { product(block_f32, depth, a, b, c); }));
      bf16.push_back(seconds([&] { product(block_bf16, depth, a16, b16, c); }));
    }
    const double products = 50. * 2 * kHeight * kWidth * double(depth) / 1e9;
    std::printf("depth %3zu: float32 %.0f, bfloat16 %.0f GFLOP/s, ratio %.2f\n", depth,
                products / median(f32), products / median(bf16), median(f32) / median(bf16));
  }
}
