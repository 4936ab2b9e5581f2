// Winograd's transforms for F(4x4, 3x3) at the points 0, +-a, +-b, infinity, vectors of channels at
// a time. With d an input tile, g the weights and y an output tile (Lavin and Gray, 1509.09308):
//   y = A' [(G g G') . (B' d B)] A
// and, as the adjoints of this bilinear form,
//   dd = B [(G g G') . (A dy A')] B'        dg = G' [(B' d B) . (A dy A')] G
// so one transform of dy serves both backward passes. Included once per target.
#if defined(POPAUG_KERNELS_INTERNAL_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_KERNELS_INTERNAL_TRANSFORM_INL_H_
#undef POPAUG_KERNELS_INTERNAL_TRANSFORM_INL_H_
#else
#define POPAUG_KERNELS_INTERNAL_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"

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

// Both points and all their products below are exact in float.
inline constexpr float kA = 0.625f, kB = 1.5f;
inline constexpr float kA2 = kA * kA, kB2 = kB * kB, kA3 = kA2 * kA, kB3 = kB2 * kB;
inline constexpr float kSum = kA2 + kB2, kProduct = kA2 * kB2;
// Products of the differences of a point to all other points: the denominators of G.
inline constexpr double kN0 = double(kProduct), kNa = 2.0 * kA2 * (double(kA2) - kB2),
                        kNb = 2.0 * kB2 * (double(kB2) - kA2);

// w = B' x: 6 to 6.
template <class D, class V>
HWY_INLINE void ApplyBt(D d, const V* x, V* w) {
  const V a = hn::Set(d, kA), b = hn::Set(d, kB), a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2);
  const V sum = hn::Set(d, kSum), product = hn::Set(d, kProduct);
  const V ea = hn::NegMulAdd(b2, x[2], x[4]), oa = hn::NegMulAdd(b2, x[1], x[3]);
  const V eb = hn::NegMulAdd(a2, x[2], x[4]), ob = hn::NegMulAdd(a2, x[1], x[3]);
  w[0] = hn::MulAdd(product, x[0], hn::NegMulAdd(sum, x[2], x[4]));
  w[1] = hn::MulAdd(a, oa, ea);
  w[2] = hn::NegMulAdd(a, oa, ea);
  w[3] = hn::MulAdd(b, ob, eb);
  w[4] = hn::NegMulAdd(b, ob, eb);
  w[5] = hn::MulAdd(product, x[1], hn::NegMulAdd(sum, x[3], x[5]));
}

// y = A' m: 6 to 4.
template <class D, class V>
HWY_INLINE void ApplyAt(D d, const V* m, V* y) {
  const V a = hn::Set(d, kA), b = hn::Set(d, kB), a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2);
  const V a3 = hn::Set(d, kA3), b3 = hn::Set(d, kB3);
  const V sa = hn::Add(m[1], m[2]), da = hn::Sub(m[1], m[2]);
  const V sb = hn::Add(m[3], m[4]), db = hn::Sub(m[3], m[4]);
  y[0] = hn::Add(hn::Add(sa, sb), m[0]);
  y[1] = hn::MulAdd(b, db, hn::Mul(a, da));
  y[2] = hn::MulAdd(b2, sb, hn::Mul(a2, sa));
  y[3] = hn::MulAdd(b3, db, hn::MulAdd(a3, da, m[5]));
}

// w = A y: 4 to 6.
template <class D, class V>
HWY_INLINE void ApplyA(D d, const V* y, V* w) {
  const V a = hn::Set(d, kA), b = hn::Set(d, kB), a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2);
  const V ea = hn::MulAdd(a2, y[2], y[0]), oa = hn::MulAdd(a2, y[3], y[1]);
  const V eb = hn::MulAdd(b2, y[2], y[0]), ob = hn::MulAdd(b2, y[3], y[1]);
  w[0] = y[0];
  w[1] = hn::MulAdd(a, oa, ea);
  w[2] = hn::NegMulAdd(a, oa, ea);
  w[3] = hn::MulAdd(b, ob, eb);
  w[4] = hn::NegMulAdd(b, ob, eb);
  w[5] = y[3];
}

// x = B m: 6 to 6.
template <class D, class V>
HWY_INLINE void ApplyB(D d, const V* m, V* x) {
  const V a = hn::Set(d, kA), b = hn::Set(d, kB), a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2);
  const V ab2 = hn::Set(d, kA * kB2), ba2 = hn::Set(d, kB * kA2);
  const V sum = hn::Set(d, kSum), product = hn::Set(d, kProduct);
  const V sa = hn::Add(m[1], m[2]), da = hn::Sub(m[1], m[2]);
  const V sb = hn::Add(m[3], m[4]), db = hn::Sub(m[3], m[4]);
  x[0] = hn::Mul(product, m[0]);
  x[1] = hn::NegMulAdd(ab2, da, hn::NegMulAdd(ba2, db, hn::Mul(product, m[5])));
  x[2] = hn::Neg(hn::MulAdd(sum, m[0], hn::MulAdd(b2, sa, hn::Mul(a2, sb))));
  x[3] = hn::MulAdd(a, da, hn::NegMulAdd(sum, m[5], hn::Mul(b, db)));
  x[4] = hn::Add(m[0], hn::Add(sa, sb));
  x[5] = m[5];
}

// w = G g: 3 to 6.
template <class D, class V>
HWY_INLINE void ApplyG(D d, const V* g, V* w) {
  const V na = hn::Set(d, float(1 / kNa)), nb = hn::Set(d, float(1 / kNb));
  const V ea = hn::MulAdd(hn::Set(d, kA2), g[2], g[0]), oa = hn::Mul(hn::Set(d, kA), g[1]);
  const V eb = hn::MulAdd(hn::Set(d, kB2), g[2], g[0]), ob = hn::Mul(hn::Set(d, kB), g[1]);
  w[0] = hn::Mul(hn::Set(d, float(1 / kN0)), g[0]);
  w[1] = hn::Mul(na, hn::Add(ea, oa));
  w[2] = hn::Mul(na, hn::Sub(ea, oa));
  w[3] = hn::Mul(nb, hn::Add(eb, ob));
  w[4] = hn::Mul(nb, hn::Sub(eb, ob));
  w[5] = g[2];
}

// g = G' w: 6 to 3.
template <class D, class V>
HWY_INLINE void ApplyGt(D d, const V* w, V* g) {
  const V na = hn::Set(d, float(1 / kNa)), nb = hn::Set(d, float(1 / kNb));
  const V sa = hn::Mul(na, hn::Add(w[1], w[2])), da = hn::Mul(na, hn::Sub(w[1], w[2]));
  const V sb = hn::Mul(nb, hn::Add(w[3], w[4])), db = hn::Mul(nb, hn::Sub(w[3], w[4]));
  g[0] = hn::MulAdd(hn::Set(d, float(1 / kN0)), w[0], hn::Add(sa, sb));
  g[1] = hn::MulAdd(hn::Set(d, kA), da, hn::Mul(hn::Set(d, kB), db));
  g[2] = hn::MulAdd(hn::Set(d, kA2), sa, hn::MulAdd(hn::Set(d, kB2), sb, w[5]));
}

// The two-dimensional transform of a tile: columns first, then rows. load(i, j) gives element
// (i, j) of the kIn x kIn tile, store(i, j, v) takes that of the kOut x kOut one.
#define POPAUG_TRANSFORM(NAME, APPLY, IN, OUT)                      \
  template <class D, class Load, class Store>                       \
  HWY_INLINE void NAME(D d, const Load& load, const Store& store) { \
    using V = hn::Vec<D>;                                           \
    V half[OUT][IN];                                                \
    POPAUG_UNROLL                                                   \
    for (int j = 0; j < (IN); ++j) {                                \
      V column[IN], to[OUT];                                        \
      POPAUG_UNROLL                                                 \
      for (int i = 0; i < (IN); ++i) column[i] = load(i, j);        \
      APPLY(d, column, to);                                         \
      POPAUG_UNROLL                                                 \
      for (int i = 0; i < (OUT); ++i) half[i][j] = to[i];           \
    }                                                               \
    POPAUG_UNROLL                                                   \
    for (int i = 0; i < (OUT); ++i) {                               \
      V to[OUT];                                                    \
      APPLY(d, half[i], to);                                        \
      POPAUG_UNROLL                                                 \
      for (int j = 0; j < (OUT); ++j) store(i, j, to[j]);           \
    }                                                               \
  }
POPAUG_TRANSFORM(TransformBt, ApplyBt, 6, 6)
POPAUG_TRANSFORM(TransformAt, ApplyAt, 6, 4)
POPAUG_TRANSFORM(TransformA, ApplyA, 4, 6)
POPAUG_TRANSFORM(TransformB, ApplyB, 6, 6)
POPAUG_TRANSFORM(TransformG, ApplyG, 3, 6)
POPAUG_TRANSFORM(TransformGt, ApplyGt, 6, 3)
#undef POPAUG_TRANSFORM

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_KERNELS_INTERNAL_TRANSFORM_INL_H_
