// Converts the tensors of a network to the pointers that the hand-written pass uses.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_TORCH_H_
#define POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_TORCH_H_

#include "popaug/model/internal/fused_wide_resnet.h"
#include "popaug/model/internal/layers_torch.h"
#include "popaug/model/internal/network_torch.h"

namespace popaug {

// With `training`, each weight gets a gradient of its own shape and memory format to write to. The
// result is valid as long as the layer's tensors and gradients are.
FusedConv fused_conv(const Conv& conv, int height, int width, bool training);
FusedNorm fused_norm(const BatchNorm& norm, bool training);
void set_fused_head(const Linear& head, FusedWideResNet& network, bool training);

// Whether the hand-written pass can take these images: float32, on the CPU.
bool fused_fits(const Tensor& images);

// The two functions of the hand-written pass on tensors; images may have any memory format.
double fused_gradients(FusedWideResNetRunner& runner, const FusedWideResNet& network,
                       const Tensor& images, const Targets& targets, const LossRule& rule);
Tensor fused_logits(FusedWideResNetRunner& runner, const FusedWideResNet& network,
                    const Tensor& images);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_TORCH_H_
