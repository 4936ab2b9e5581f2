// A network's tensors as the pointers that a hand-made schedule works on. Private to model.
#ifndef POPAUG_MODEL_CONV_SCHEDULE_TORCH_H_
#define POPAUG_MODEL_CONV_SCHEDULE_TORCH_H_

#include "popaug/model/conv_schedule.h"
#include "popaug/model/layers_torch.h"

namespace popaug {

// With `training`, each weight gets a gradient of its own shape and memory format to write to. The
// result is valid as long as the layer's tensors and gradients are.
ScheduledConv scheduled_conv(const Conv& conv, int height, int width, bool training);
ScheduledNorm scheduled_norm(const BatchNorm& norm, bool training);
void schedule_head(const Linear& head, ScheduledNetwork& network, bool training);

// Whether the schedule can take these images: float32, on the CPU.
bool schedule_fits(const Tensor& images);

// The schedule's two functions on tensors: images of any memory format.
double scheduled_gradients(PreactSchedule& schedule, const ScheduledNetwork& network,
                           const Tensor& images, const Tensor& labels, double smoothing);
Tensor scheduled_logits(PreactSchedule& schedule, const ScheduledNetwork& network,
                        const Tensor& images);

}  // namespace popaug

#endif  // POPAUG_MODEL_CONV_SCHEDULE_TORCH_H_
