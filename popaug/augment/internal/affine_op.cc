#include "popaug/augment/internal/affine_op.h"

#include <cmath>

namespace popaug {
namespace {

struct Shift {
  int dx, dy;
};

// Pillow's path for matrices that only scale and move; here, whole pixels only.
void prepare_shift(PreparedOp& op, const plain::Matrix& a) {
  const bool moves = a[0] == 1 && a[4] == 1 && a[2] == std::floor(a[2]) &&
                     a[5] == std::floor(a[5]) && std::fabs(a[2]) < 65536 && std::fabs(a[5]) < 65536;
  if (!moves) return op.use_plain_twin();
  const Shift shift{static_cast<int>(a[2]), static_cast<int>(a[5])};
  // A move by nothing is Pillow's copy.
  if (shift.dx == 0 && shift.dy == 0) return op.use_nothing();
  op.use(shift, run_shift);
}

}  // namespace

void prepare_affine(PreparedOp& op, const plain::Matrix& a, int width, int height) {
  if (a[1] == 0 && a[3] == 0) return prepare_shift(op, a);
  if (!plain::fits_fixed(a, width, height)) return op.use_plain_twin();
  using plain::fixed;
  op.use(simd::FixedMap{fixed(a[0]), fixed(a[1]), fixed(a[2] + a[0] * 0.5 + a[1] * 0.5),
                        fixed(a[3]), fixed(a[4]), fixed(a[5] + a[3] * 0.5 + a[4] * 0.5)},
         run_affine);
}

void run_affine(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.geometry.affine(work.pixels(), work.other(), work.width(), work.height(),
                          op.parameters<simd::FixedMap>(), op.fill());
  work.swap();
}

void run_shift(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  const auto [dx, dy] = op.parameters<Shift>();
  kernels.geometry.shift(work.pixels(), work.other(), work.width(), work.height(), dx, dy,
                         op.fill());
  work.swap();
}

}  // namespace popaug
