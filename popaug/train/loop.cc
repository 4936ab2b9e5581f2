// The epoch loop: order of images, batches, steps; and evaluation.
//
// Every input of a step is a function of (seed, stream, epoch, step): the order of images, the
// draws of the augmentation, the draws inside the network, and the learning rate. The loop keeps no
// other state than EpochPlace, so a training can stop after any step and continue in another
// process with the same bytes.
//
// On a CPU the loop makes a batch, then trains on it. With a device, Prefetch makes the batches
// ahead on a thread of its own while the device works; the draws do not depend on when they are
// made, so the bytes are the same.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <optional>

#include "popaug/search/search.h"
#include "popaug/train/internal/batches.h"
#include "popaug/train/internal/loop_torch.h"

namespace popaug {
namespace {

ByteBatch bytes_of(const ImageSet& split) {
  return {split.pixels.data(), split.width, split.height, split.channels, split.image_bytes()};
}

// What an augmenter takes its images from: larger ones where it cuts parts out of them.
ByteBatch bytes_for(const Augmenter& augmenter, const ImageSet& split) {
  if (!augmenter.cuts() || split.detail.empty()) return bytes_of(split);
  const size_t bytes = size_t{1} * split.detail_width * split.detail_height * split.channels;
  return {split.detail.data(), split.detail_width, split.detail_height, split.channels, bytes};
}

FloatBatch floats_of(const Tensor& images) {
  return {images.mutable_data_ptr<float>(), images.stride(0), images.stride(1), images.stride(2),
          images.stride(3)};
}

void make_slot(BatchBuffers::Slot& slot, int batch, const ImageSet& split, bool pinned) {
  const std::vector<int64_t> shape = {batch, split.channels, split.height, split.width};
  if (slot.images.defined() && slot.images.sizes() == at::IntArrayRef(shape)) return;
  const auto options = at::TensorOptions().pinned_memory(pinned);
  slot.images =
      at::empty(shape, options.dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  slot.labels = at::empty({batch}, options.dtype(at::kLong));
  slot.others = at::empty({batch}, options.dtype(at::kLong));
  slot.shares = at::empty({batch}, options.dtype(at::kFloat));
}

// `what` is not a finite number: the loss, or the norm of the gradient.
[[noreturn]] void fail_diverged(const StepPlace& place, double rate, const std::string& what,
                                double value) {
  const std::string found = std::isnan(value) ? "not a number" : number_text(value);
  throw Diverged("training diverged: " + what + " is " + found + " at epoch " +
                 std::to_string(place.epoch + 1) + ", step " + std::to_string(place.step + 1) +
                 ", learning rate " + number_text(rate) +
                 "; try a lower setting \"lr\", a setting \"warmup_steps\", or a setting \"clip\"");
}

// Drops the gradients of a diverged step, so that the next round of this worker does not add to
// them.
void drop_gradients(Network& network) {
  for (Parameter& parameter : network.parameters()) parameter.tensor.mutable_grad() = Tensor();
}

// A pass of training: of the whole network; or of the head on the features of the trunk, which is
// then in evaluation, with its batch norms folded unless several threads would share `folded`.
Pass training_pass(const EpochWork& work, const LearningNetwork& learning, const StepPlace& place,
                   FoldCache& folded) {
  const TrainSettings& settings = *work.settings;
  Pass pass;
  pass.head_only = place.epoch < settings.head_epochs;
  pass.training = !pass.head_only;
  pass.frozen_norm = settings.freeze_norm;
  pass.head_dropout = settings.head_dropout;
  if (pass.head_only && learning.replicas.empty()) pass.folded = &folded;
  pass.conv = conv_mode(settings.conv);
  pass.seed = work.seed;
  pass.stream = work.stream;
  pass.epoch = static_cast<uint64_t>(place.epoch);
  pass.step = static_cast<uint64_t>(place.step);
  pass.half_precision = settings.mixed_precision;
  return pass;
}

void copy_labels(const ImageSet& split, std::span<const uint32_t> batch, const Tensor& labels) {
  int64_t* out = labels.mutable_data_ptr<int64_t>();
  for (size_t i = 0; i < batch.size(); ++i) out[i] = split.labels[batch[i]];
}

EpochOrder order_of(const EpochWork& work, int epoch) {
  if (work.settings->sampling == "balanced") {
    return balanced_order(*work.indices, work.split->labels, work.seed, work.stream, epoch);
  }
  return {epoch_order(*work.indices, work.seed, work.stream, epoch), {}};
}

// The labels of the partners of a batch, and the shares of the images themselves.
void copy_mixed(const ImageSet& split, std::span<const Mixed> mixed, BatchBuffers::Slot& slot) {
  int64_t* others = slot.others.mutable_data_ptr<int64_t>();
  float* shares = slot.shares.mutable_data_ptr<float>();
  for (size_t i = 0; i < mixed.size(); ++i) {
    others[i] = split.labels[mixed[i].partner];
    shares[i] = mixed[i].share;
  }
}

// Augments the batch that begins at `first` into `slot`, with its labels. A repeat of an image in
// an epoch draws as an image of another number would: repeat * images of the split + its own.
// `mixed` is memory for a batch.
void make_batch(const EpochWork& work, const EpochOrder& order, size_t first, const SampleKey& key,
                std::vector<Mixed>& mixed, BatchBuffers::Slot& slot) {
  const auto size = static_cast<size_t>(work.settings->batch);
  const std::span<const uint32_t> images = std::span(order.images).subspan(first, size);
  if (work.mixes) mixed.resize(size);
  const FloatBatch out = floats_of(slot.images);
  const auto run = [&](size_t begin, size_t end, uint64_t repeat) {
    SampleKey repeated = key;
    repeated.sample = repeat * work.split->count();
    FloatBatch part = out;
    part.data += static_cast<ptrdiff_t>(begin) * out.sn;
    Mixing mixing;
    if (work.mixes) mixing = {*work.indices, mixed.data() + begin};
    work.augmenter->run(bytes_for(*work.augmenter, *work.split), images.subspan(begin, end - begin),
                        repeated, part, 1, mixing);
  };
  if (order.repeats.empty()) {
    run(0, size, 0);
  } else {
    const std::span<const uint32_t> repeats = std::span(order.repeats).subspan(first, size);
    for (size_t begin = 0, end = 0; begin < size; begin = end) {
      while (end < size && repeats[end] == repeats[begin]) ++end;
      run(begin, end, repeats[begin]);
    }
  }
  copy_labels(*work.split, images, slot.labels);
  if (work.mixes) copy_mixed(*work.split, mixed, slot);
}

Targets targets_of(const BatchBuffers::Slot& slot, bool mixes) {
  if (!mixes) return slot.labels;
  return {slot.labels, slot.others, slot.shares};
}

// The size that fits the cache of a CPU best (docs/decisions/evaluation.md). A GPU takes more,
// because launches are expensive.
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

void set_head_only(LearningNetwork& learning, bool head_only) {
  const auto set = [head_only](Network& network) {
    for (Parameter& parameter : network.parameters()) {
      parameter.tensor.requires_grad_(!head_only || parameter.head);
    }
  };
  set(*learning.network);
  for (const auto& replica : learning.replicas) set(*replica);
}

double train_epoch(LearningNetwork& learning, BatchBuffers& buffers, EpochPlace& at,
                   const EpochWork& work, const std::function<void(double)>& tick,
                   const StopToken& stop) {
  const TrainSettings& settings = *work.settings;
  const int epoch = learning.info.epoch;
  const int steps = steps_per_epoch(work.indices->size(), settings.batch);
  const auto device = learning.network->parameters().front().tensor.device();
  for (auto& slot : buffers.slots) make_slot(slot, settings.batch, *work.split, device.is_cuda());
  const EpochOrder order = order_of(work, epoch);
  const SampleKey key{work.seed, work.stream, static_cast<uint32_t>(epoch), 0};
  std::vector<Mixed> mixed;
  const auto make = [&](int step, int slot) {
    make_batch(work, order, size_t{1} * step * settings.batch, key, mixed, buffers.slots[slot]);
  };
  const std::vector<float> weights =
      settings.class_weights
          ? class_weights(*work.indices, work.split->labels, learning.info.classes.size())
          : std::vector<float>();
  set_head_only(learning, epoch < settings.head_epochs);
  FoldCache folded;
  std::optional<Prefetch> prefetch;
  if (work.ahead) prefetch.emplace(at.step, steps, make);
  for (int step = at.step; step < steps; ++step) {
    if (stop.requested()) throw Interrupted("training stopped");
    if (!prefetch) make(step, 0);
    const BatchBuffers::Slot& slot = buffers.slots[prefetch ? prefetch->next() : 0];
    const StepPlace place{epoch, step, steps, work.total_epochs};
    const double rate = learning_rate(settings.lr_rule, settings.lr, settings.warmup_steps, place);
    Pass pass = training_pass(work, learning, place, folded);
    pass.class_weights = weights;
    // The slot is filled again only after the loss has come back, so the copy is done by then.
    const double loss = batch_gradients(learning, slot.images.to(device, /*non_blocking=*/true),
                                        targets_of(slot, work.mixes).to(device), settings, pass);
    if (!std::isfinite(loss)) {
      drop_gradients(*learning.network);
      fail_diverged(place, rate, "the loss", loss);
    }
    // No loss is computed after the last step, so the gradient shows what it does to the weights.
    const double norm =
        learning.optimiser->step({rate, settings.momentum, settings.weight_decay, settings.clip,
                                  settings.trunk_lr_factor, settings.beta2, settings.layer_decay});
    if (!std::isfinite(norm)) fail_diverged(place, rate, "the norm of the gradient", norm);
    at = {step + 1, at.loss_sum + loss};
    ++learning.info.steps;
    if (learning.average != nullptr) learning.average->update(settings.ema, learning.info.steps);
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
  const ImageSet& split = *subset.split;
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
  if (name == "auto") return ConvMode::kAuto;
  const std::vector<std::string> known = {"auto", "exact", "fast"};
  throw UsageError(unknown_name("conv", name, known));
}

}  // namespace popaug
