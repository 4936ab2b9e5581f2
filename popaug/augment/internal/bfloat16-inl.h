// bfloat16 by look-up, 32 pixels at a time; included once per instruction set, and empty but for
// the one that has the look-up.
//
// A normalised number depends on its byte alone, so a channel has 256 of them. As bfloat16 they are
// 256 lower and 256 upper bytes, which fill eight registers; vpermi2b looks up 64 bytes in two of
// them. That takes a third of the instructions of converting, scaling, adding, rounding and
// packing, and its numbers are those that the plain twin computes: the tables are made by it.
#if defined(POPAUG_AUGMENT_INTERNAL_BFLOAT16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_AUGMENT_INTERNAL_BFLOAT16_INL_H_
#undef POPAUG_AUGMENT_INTERNAL_BFLOAT16_INL_H_
#else
#define POPAUG_AUGMENT_INTERNAL_BFLOAT16_INL_H_
#endif

#include "hwy/highway.h"
#include "popaug/augment/internal/output_simd.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_AVX3_DL

// Where the bytes of a channel lie in 32 pixels, twice.
struct ChannelOrders {
  alignas(64) uint8_t of[2][4][64];  // [flip][channel]
};
constexpr ChannelOrders channel_orders() {
  ChannelOrders orders{};
  for (int flip = 0; flip < 2; ++flip) {
    for (int c = 0; c < 4; ++c) {
      for (int i = 0; i < 64; ++i) {
        orders.of[flip][c][i] = static_cast<uint8_t>(4 * (flip ? 31 - i % 32 : i % 32) + c);
      }
    }
  }
  return orders;
}
constexpr ChannelOrders kChannelOrders = channel_orders();

// 32 pixels, from the first to the last or back.
template <bool kFlip>
class PixelBlock {
 public:
  HWY_INLINE explicit PixelBlock(const uint32_t* from)
      : first_(_mm512_loadu_si512(from)), second_(_mm512_loadu_si512(from + 16)) {}

  // The bytes of a channel in the lower half, and once more in the upper half.
  template <int kChannel>
  HWY_INLINE __m512i bytes() const {
    const __m512i order = _mm512_load_si512(kChannelOrders.of[kFlip][kChannel]);
    return _mm512_permutex2var_epi8(first_, order, second_);
  }

  // The numbers, as `NumberTable` gives them, with 0 in holes.
  HWY_INLINE __m512i without_holes(__m512i numbers) const {
    const __m512i alpha = bytes<3>();
    return _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(alpha, alpha), numbers);
  }

 private:
  __m512i first_, second_;
};

// The numbers of one channel.
class NumberTable {
 public:
  NumberTable(const ChannelScale& scale, int channel) {
    for (int i = 0; i < 4; ++i) {
      low_[i] = _mm512_load_si512(scale.bfloat16_low[channel] + 64 * i);
      high_[i] = _mm512_load_si512(scale.bfloat16_high[channel] + 64 * i);
    }
  }

  // The lower bytes of 32 numbers in the lower half, the upper ones in the upper half, of `bytes`
  // as PixelBlock gives them.
  HWY_INLINE __m512i numbers(__m512i bytes) const {
    const __mmask64 large = _mm512_movepi8_mask(bytes);  // from 128 on: the second pair of tables
    const __m512i low = looked_up(low_, bytes, large), high = looked_up(high_, bytes, large);
    return _mm512_mask_blend_epi64(0xF0, low, high);
  }

  // Those of one channel of a block.
  template <int kChannel, bool kSolid, bool kFlip>
  HWY_INLINE __m512i numbers(const PixelBlock<kFlip>& block) const {
    const __m512i found = numbers(block.template bytes<kChannel>());
    return kSolid ? found : block.without_holes(found);
  }

 private:
  static HWY_INLINE __m512i looked_up(const __m512i* table, __m512i bytes, __mmask64 large) {
    return _mm512_mask_blend_epi8(large, _mm512_permutex2var_epi8(table[0], bytes, table[1]),
                                  _mm512_permutex2var_epi8(table[2], bytes, table[3]));
  }

  __m512i low_[4], high_[4];
};

template <bool kStream>
HWY_INLINE void store_line(__m512i numbers, uint16_t* to) {
  kStream ? _mm512_stream_si512(reinterpret_cast<__m512i*>(to), numbers)
          : _mm512_storeu_si512(to, numbers);
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::output
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_AUGMENT_INTERNAL_BFLOAT16_INL_H_
