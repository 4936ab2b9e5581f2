// The fast twin of the ops that are an affine map: Rotate, Translate, Shear.
#ifndef POPAUG_AUGMENT_INTERNAL_AFFINE_OP_H_
#define POPAUG_AUGMENT_INTERNAL_AFFINE_OP_H_

#include "popaug/augment/internal/affine_plain.h"
#include "popaug/augment/internal/prepared_op.h"

namespace popaug {

// Chooses the kernel for plain::affine() with this matrix: a shift by whole pixels or the path in
// 16.16. The other paths stay with the plain twin.
void prepare_affine(PreparedOp& op, const plain::Matrix& matrix, int width, int height);

// The kernel calls: OpRow::run of an op whose preparation ends in prepare_affine().
void run_affine(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext& context);
void run_shift(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext& context);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_AFFINE_OP_H_
