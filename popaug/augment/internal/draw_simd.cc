// The first words of the streams of many images: Philox4x32-10, a block per lane. Plain twin:
// WordStream::refill.
#include "popaug/augment/internal/draw_simd.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/draw_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::draws {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr uint32_t kFactor0 = 0xD2511F53, kFactor1 = 0xCD9E8D57;
constexpr uint32_t kStep0 = 0x9E3779B9, kStep1 = 0xBB67AE85;

#if HWY_TARGET == HWY_SCALAR
void philox(const uint32_t key[2], const uint32_t* counters, size_t blocks, uint32_t* words) {
  for (size_t i = 0; i < 4 * blocks; i += 4) {
    uint32_t c0 = counters[i], c1 = counters[i + 1], c2 = counters[i + 2], c3 = counters[i + 3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round, k0 += kStep0, k1 += kStep1) {
      const uint64_t p0 = uint64_t{kFactor0} * c0, p1 = uint64_t{kFactor1} * c2;
      c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
    }
    words[i] = c0;
    words[i + 1] = c1;
    words[i + 2] = c2;
    words[i + 3] = c3;
  }
}
#else
using D32 = hn::ScalableTag<uint32_t>;
using D64 = hn::ScalableTag<uint64_t>;
using V64 = hn::Vec<D64>;

// Low half of each lane times `factor`, all 64 bits; upper halves may hold anything.
HWY_INLINE V64 product(V64 v, V64 factor) {
  return hn::MulEven(hn::BitCast(D32(), v), hn::BitCast(D32(), factor));
}

void philox(const uint32_t key[2], const uint32_t* HWY_RESTRICT counters, size_t blocks,
            uint32_t* HWY_RESTRICT words) {
  const D64 d;
  const auto factor0 = hn::Set(d, uint64_t{kFactor0}), factor1 = hn::Set(d, uint64_t{kFactor1});
  const auto low_half = hn::Set(d, 0xFFFFFFFFull);
  const auto* in = reinterpret_cast<const uint64_t*>(counters);
  auto* out = reinterpret_cast<uint64_t*>(words);
  for (size_t i = 0; i < blocks; i += hn::Lanes(d)) {
    V64 low, high;  // of a block: words 0 and 1, words 2 and 3
    hn::LoadInterleaved2(d, in + 2 * i, low, high);
    V64 c0 = low, c1 = hn::ShiftRight<32>(low), c2 = high, c3 = hn::ShiftRight<32>(high);
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round, k0 += kStep0, k1 += kStep1) {
      const auto p0 = product(c0, factor0), p1 = product(c2, factor1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, uint64_t{k0}));
      c1 = p1;
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, uint64_t{k1}));
      c3 = p0;
    }
    low = hn::Or(hn::And(c0, low_half), hn::ShiftLeft<32>(c1));
    high = hn::Or(hn::And(c2, low_half), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(low, high, d, out + 2 * i);
  }
}
#endif

const DrawKernels* kernels() {
  static const DrawKernels kKernels = {philox};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::draws
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace draws {
HWY_EXPORT(kernels);
const DrawKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace draws
const DrawKernels& draw_kernels() { return draws::best(); }
}  // namespace popaug::simd
#endif
