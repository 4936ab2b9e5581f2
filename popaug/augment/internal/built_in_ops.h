// The built-in ops, one file each in popaug/augment/ops/: a new op is its file and two lines here.
//
// The file holds the row of the op with its levels in the built-in spaces, the plain twin (equal to
// Pillow, written to be read), and the preparation and the kernel call of the fast twin. What
// several ops share lies beside this header: *_plain.h for plain twins, *_simd.h for kernels.
#ifndef POPAUG_AUGMENT_INTERNAL_BUILT_IN_OPS_H_
#define POPAUG_AUGMENT_INTERNAL_BUILT_IN_OPS_H_

#include "popaug/augment/op.h"

namespace popaug::ops {

OpRow rotate();
OpRow translate_x();
OpRow translate_y();
OpRow brightness();
OpRow color();
OpRow invert();
OpRow sharpness();
OpRow posterize();
OpRow shear_x();
OpRow solarize();
OpRow shear_y();
OpRow equalize();
OpRow auto_contrast();
OpRow cutout();
OpRow contrast();
OpRow flip_lr();
OpRow flip_ud();
OpRow crop_bilinear();
OpRow blur();
OpRow smooth();
OpRow identity();

// The order of op_rows(): docs/pba.md#operations, then the extra ops of the published list.
inline constexpr OpRow (*kBuiltIn[])() = {
    rotate,    translate_x, translate_y, brightness,    color,    invert,        sharpness,
    posterize, shear_x,     solarize,    shear_y,       equalize, auto_contrast, cutout,
    contrast,  flip_lr,     flip_ud,     crop_bilinear, blur,     smooth,        identity,
};

}  // namespace popaug::ops

#endif  // POPAUG_AUGMENT_INTERNAL_BUILT_IN_OPS_H_
