// All kernels of one instruction set. They are the fast twins of the ops and of the output stage:
// written once in Highway, compiled for every x86 target, chosen per batch. Each equals its plain
// twin bit for bit (prepared_op_test.cc, augmenter_simd_test.cc).
#ifndef POPAUG_AUGMENT_INTERNAL_KERNELS_H_
#define POPAUG_AUGMENT_INTERNAL_KERNELS_H_

#include "popaug/augment/internal/blend_simd.h"
#include "popaug/augment/internal/draw_simd.h"
#include "popaug/augment/internal/geometry_simd.h"
#include "popaug/augment/internal/output_simd.h"
#include "popaug/augment/internal/pixels_simd.h"
#include "popaug/augment/internal/planes_simd.h"
#include "popaug/augment/internal/sharpness_simd.h"
#include "popaug/augment/internal/table_simd.h"

namespace popaug {

struct Kernels {
  const simd::TableKernels& table = simd::table_kernels();
  const simd::BlendKernels& blend = simd::blend_kernels();
  const simd::GeometryKernels& geometry = simd::geometry_kernels();
  const simd::SharpnessKernels& sharpness = simd::sharpness_kernels();
  const simd::PixelKernels& pixels = simd::pixel_kernels();
  const simd::OutputKernels& output = simd::output_kernels();
  const simd::PlaneKernels& planes = simd::plane_kernels();
  const simd::DrawKernels& draws = simd::draw_kernels();
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_KERNELS_H_
