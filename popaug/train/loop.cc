#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <optional>

#include "popaug/search/search.h"
#include "popaug/train/batches.h"
#include "popaug/train/loop_torch.h"

namespace popaug {
namespace {

ByteBatch bytes_of(const Split& split) {
  return {split.pixels.data(), split.width, split.height, split.channels, split.image_bytes()};
}

FloatBatch floats_of(const Tensor& images) {
  return {images.mutable_data_ptr<float>(), images.stride(0), images.stride(1), images.stride(2),
          images.stride(3)};
}

void make_slot(BatchBuffers::Slot& slot, int batch, const Split& split, bool pinned) {
  const std::vector<int64_t> shape = {batch, split.channels, split.height, split.width};
  if (slot.images.defined() && slot.images.sizes() == at::IntArrayRef(shape)) return;
  const auto options = at::TensorOptions().pinned_memory(pinned);
  slot.images =
      at::empty(shape, options.dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  slot.labels = at::empty({batch}, options.dtype(at::kLong));
}

// `what` is no finite number: the loss, or the gradient's norm.
[[noreturn]] void fail_diverged(const StepPlace& place, double rate, const std::string& what,
                                double value) {
  const std::string found = std::isnan(value) ? "not a number" : number_text(value);
  throw Diverged("training diverged: " + what + " is " + found + " at epoch " +
                 std::to_string(place.epoch + 1) + ", step " + std::to_string(place.step + 1) +
                 ", learning rate " + number_text(rate) +
                 "; try a lower --lr, a --warmup-steps, or a --clip");
}

// The next round of this worker must not add its gradients to those of a diverged step.
void drop_gradients(Network& network) {
  for (Parameter& parameter : network.parameters()) parameter.tensor.mutable_grad() = Tensor();
}

void copy_labels(const Split& split, std::span<const uint32_t> batch, const Tensor& labels) {
  int64_t* out = labels.mutable_data_ptr<int64_t>();
  for (size_t i = 0; i < batch.size(); ++i) out[i] = split.labels[batch[i]];
}

// What fits a CPU's cache best (docs/decisions/evaluation.md); on a GPU more, since launches cost.
int evaluation_batch(at::Device device) { return device.is_cpu() ? 128 : 512; }

// Adds one batch of logits to the evaluation.
void count(const float* logits, int classes, uint32_t label, Evaluation& result) {
  int best = 0;
  for (int c = 1; c < classes; ++c) {
    if (logits[c] > logits[best]) best = c;
  }
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += std::exp(double(logits[c]) - logits[best]);
  result.loss += std::log(sum) - (double(logits[label]) - logits[best]);
  result.confidence.push_back(static_cast<float>(1 / sum));
  result.predicted.push_back(static_cast<uint32_t>(best));
  result.correct.push_back(label == static_cast<uint32_t>(best));
  result.wrong += label != static_cast<uint32_t>(best);
  ++result.confusion[label][best];
  ++result.images;
}

}  // namespace

double train_epoch(LearningNetwork& learning, BatchBuffers& buffers, EpochPlace& at,
                   const EpochWork& work, const std::function<void(double)>& tick,
                   const StopToken& stop) {
  const TrainSettings& settings = *work.settings;
  const int epoch = learning.info.epoch;
  const int steps = steps_per_epoch(work.indices->size(), settings.batch);
  const auto device = learning.network->parameters().front().tensor.device();
  for (auto& slot : buffers.slots) make_slot(slot, settings.batch, *work.split, device.is_cuda());
  const auto order = epoch_order(*work.indices, work.seed, work.stream, epoch);
  const SampleKey key{work.seed, work.stream, static_cast<uint32_t>(epoch), 0};
  const auto make = [&](int step, int slot) {
    const auto batch = std::span(order).subspan(size_t{1} * step * settings.batch, settings.batch);
    work.augmenter->run(bytes_of(*work.split), batch, key, floats_of(buffers.slots[slot].images),
                        1);
    copy_labels(*work.split, batch, buffers.slots[slot].labels);
  };
  std::optional<Prefetch> prefetch;
  if (work.ahead) prefetch.emplace(at.step, steps, make);
  for (int step = at.step; step < steps; ++step) {
    if (stop.requested()) throw Interrupted("training stopped");
    if (!prefetch) make(step, 0);
    const BatchBuffers::Slot& slot = buffers.slots[prefetch ? prefetch->next() : 0];
    const StepPlace place{epoch, step, steps, work.total_epochs};
    const double rate = learning_rate(settings.lr_rule, settings.lr, settings.warmup_steps, place);
    Pass pass{true,        conv_mode(settings.conv),     work.seed,
              work.stream, static_cast<uint64_t>(epoch), static_cast<uint64_t>(step)};
    pass.half_precision = settings.mixed_precision;
    // The slot is filled again only after the loss has come back, so the copy is done by then.
    const double loss = batch_gradients(learning, slot.images.to(device, /*non_blocking=*/true),
                                        slot.labels.to(device, /*non_blocking=*/true),
                                        settings.label_smoothing, pass);
    if (!std::isfinite(loss)) {
      drop_gradients(*learning.network);
      fail_diverged(place, rate, "the loss", loss);
    }
    // No loss comes after the last step: what it does to the weights shows in the gradient.
    const double norm =
        learning.optimiser->step({rate, settings.momentum, settings.weight_decay, settings.clip});
    if (!std::isfinite(norm)) fail_diverged(place, rate, "the norm of the gradient", norm);
    at = {step + 1, at.loss_sum + loss};
    ++learning.info.steps;
    tick(double(step + 1) / steps);
  }
  ++learning.info.epoch;
  const double mean = at.loss_sum / steps;
  at = {};
  return mean;
}

Evaluation evaluate(LearningNetwork& learning, const Subset& subset, int batch, ConvMode conv,
                    const std::function<void(double)>& tick, const StopToken& stop) {
  c10::InferenceMode guard;
  const Split& split = *subset.split;
  const int classes = static_cast<int>(learning.info.classes.size());
  const Normalisation normalisation{learning.info.mean, learning.info.std};
  const auto device = learning.network->parameters().front().tensor.device();
  if (batch < 1) batch = evaluation_batch(device);
  FoldCache folded;
  Pass pass;
  pass.conv = conv;
  pass.folded = &folded;
  BatchBuffers::Slot buffer;
  make_slot(buffer, batch, split, false);
  Evaluation result;
  result.confusion.assign(classes, std::vector<int64_t>(classes));
  for (size_t at = 0; at < subset.indices.size(); at += batch) {
    if (stop.requested()) throw Interrupted("evaluation stopped");
    const size_t size = std::min<size_t>(batch, subset.indices.size() - at);
    const auto indices = std::span(subset.indices).subspan(at, size);
    const Tensor images = buffer.images.narrow(0, 0, int64_t(size));
    normalise(bytes_of(split), indices, normalisation, floats_of(images));
    const Tensor logits =
        learning.network->forward(images.to(device), pass).to(at::kFloat).cpu().contiguous();
    for (size_t i = 0; i < size; ++i) {
      count(logits.const_data_ptr<float>() + i * classes, classes, split.labels[indices[i]],
            result);
    }
    tick(double(at + size) / double(subset.indices.size()));
  }
  if (result.images > 0) result.loss /= double(result.images);
  return result;
}

void use_one_thread() { at::set_num_threads(1); }

ConvMode conv_mode(const std::string& name) {
  if (name == "exact") return ConvMode::kExact;
  if (name == "fast") return ConvMode::kFast;
  const std::vector<std::string> known = {"exact", "fast"};
  throw UsageError(unknown_name("conv", name, known));
}

}  // namespace popaug
