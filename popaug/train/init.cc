// --init: starts from the weights of another project, or from own weights of another shape.
//
// The file is a checkpoint (docs/formats/checkpoint.md), which names its network and the
// normalisation of its images, or any other safetensors file, which does not.
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "popaug/base/setting.h"
#include "popaug/train/internal/member_torch.h"

namespace popaug {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 40;

// Converts the tensor to float32; returns nothing if its type is not a floating-point type.
std::optional<Tensor> as_float(const RawTensor& raw) {
  static const std::map<std::string, at::ScalarType> types = {
      {"F32", at::kFloat}, {"F64", at::kDouble}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}};
  const auto type = types.find(raw.dtype);
  if (type == types.end()) return std::nullopt;
  const Tensor values = at::empty(raw.shape, type->second);
  std::memcpy(values.mutable_data_ptr(), raw.bytes.data(), raw.bytes.size());
  return values.to(at::kFloat);
}

// Whether a convolution over colour can serve grey images: [out, 3, k, k] for [out, 1, k, k].
bool sums_to_grey(at::IntArrayRef from, at::IntArrayRef to) {
  return from.size() == 4 && to.size() == 4 && from[0] == to[0] && from[1] == 3 && to[1] == 1 &&
         from[2] == to[2] && from[3] == to[3];
}

// "a, b, c and 4 more".
std::string first_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 6;
  const size_t shown = std::min(kShown, names.size());
  const std::string text = join(std::vector(names.begin(), names.begin() + long(shown)), ", ");
  return names.size() > shown ? text + " and " + std::to_string(names.size() - shown) + " more"
                              : text;
}

struct InitFile {
  std::string origin, bytes;
  RawTensors tensors;
  std::optional<CheckpointInfo> info;  // nothing: not a checkpoint
};

InitFile read_init(const fs::path& path) {
  InitFile file;
  file.origin = show_path(path);
  file.bytes = read_file(path, kMostBytes);
  if (file.bytes.starts_with("PK")) {  // a ZIP archive, as torch.save writes it
    throw Error(file.origin +
                " is a PyTorch file, not safetensors; bring its weights to safetensors by: popaug "
                "weights convert " +
                shell_path(path) + " -o weights.safetensors");
  }
  file.tensors = parse_safetensors(file.bytes, file.origin);
  if (verify_checksum(file.bytes, file.tensors, file.origin)) {
    file.info = checkpoint_info(file.tensors, file.origin);
  }
  return file;
}

class Initialiser {
 public:
  Initialiser(const InitFile& file, std::vector<std::string>& notes) : file_(file), notes_(notes) {}

  void fill(const std::string& name, const Tensor& to, bool head) {
    ++wanted_;
    const RawTensor* raw = file_.tensors.find(name);
    if (raw == nullptr) {
      missing_.push_back(name);
      return;
    }
    used_.insert(name);
    const auto values = as_float(*raw);
    if (values && values->sizes() == to.sizes()) {
      to.copy_(*values);
    } else if (values && sums_to_grey(values->sizes(), to.sizes())) {
      to.copy_(values->sum(1, true));
      notes_.push_back("init: " + name +
                       " is summed over its three colours, as the images are grey");
    } else {
      (head ? head_ : other_).push_back(name);
      return;
    }
    ++taken_;
  }

  // Throws if less than half of the tensors fitted.
  void check(const CheckpointInfo& mine) const {
    if (2 * taken_ >= wanted_) return;
    std::string sentence = file_.origin + ": only " + std::to_string(taken_) + " of the " +
                           std::to_string(wanted_) + " tensors of network " + quote(mine.network) +
                           " are in it by name and shape; ";
    const bool other = file_.info && file_.info->network != mine.network;
    sentence += other ? "it has the weights of " + quote(file_.info->network) + ": give " +
                            name_setting("network") + " " + file_.info->network
                      : "weights of other projects are brought to the names of popaug by 'popaug "
                        "weights convert'";
    throw Error(sentence);
  }

  // Says what was used and what was not.
  void report(const CheckpointInfo& mine) {
    notes_.insert(notes_.begin(), "init: " + std::to_string(taken_) + " of " +
                                      std::to_string(wanted_) + " tensors are taken from " +
                                      file_.origin);
    if (!head_.empty()) {
      notes_.push_back("init: the classifier (" + join(head_, ", ") +
                       ") starts from new weights: that of the file is not for " +
                       std::to_string(mine.classes.size()) + " classes");
    }
    say(other_, "of another shape, so they start from new weights");
    say(missing_, "not in the file, so they start from new weights");
    std::vector<std::string> unused;
    for (const RawTensor& raw : file_.tensors.tensors) {
      const bool counted = raw.name.ends_with("num_batches_tracked");
      if (!counted && !raw.name.starts_with("optimizer.") && !used_.contains(raw.name)) {
        unused.push_back(raw.name);
      }
    }
    say(unused, "in the file but not in this network");
    if (file_.info) report_images(*file_.info, mine);
  }

 private:
  void say(const std::vector<std::string>& names, const std::string& why) {
    if (!names.empty()) notes_.push_back("init: " + first_names(names) + ": " + why);
  }

  // What the weights were trained on, where that matters to these images.
  void report_images(const CheckpointInfo& theirs, const CheckpointInfo& mine) {
    constexpr int kSmall = 32;
    const auto size = [](const CheckpointInfo& info) {
      return std::to_string(info.width) + "x" + std::to_string(info.height);
    };
    const int side = std::min(mine.width, mine.height);
    if (side < kSmall && std::min(theirs.width, theirs.height) > 2 * side) {
      notes_.push_back("init: the weights were trained on images of " + size(theirs) +
                       "; those of " + size(mine) + " use little of what they know: give " +
                       name_setting("size") + " 96, or more");
    }
    if (mine.mean == theirs.mean && mine.std == theirs.std) {
      notes_.emplace_back("init: images are normalised by the mean and deviation of the weights");
    } else if (mine.channels == 1 && mine.mean.size() == 1) {
      notes_.emplace_back(
          "init: images are normalised by the mean and deviation of the weights, averaged over the "
          "colours");
    }
  }

  const InitFile& file_;
  std::vector<std::string>& notes_;
  std::vector<std::string> missing_, other_, head_;
  std::set<std::string> used_;
  int taken_ = 0, wanted_ = 0;
};

}  // namespace

std::vector<std::string> load_init(LearningNetwork& learning, const fs::path& path) {
  const InitFile file = read_init(path);
  std::vector<std::string> notes;
  at::NoGradGuard guard;
  Initialiser initialiser(file, notes);
  for (const Parameter& parameter : learning.network->parameters()) {
    initialiser.fill(parameter.name, parameter.tensor, parameter.head);
  }
  for (const Buffer& buffer : learning.network->buffers()) {
    initialiser.fill(buffer.name, buffer.tensor, false);
  }
  initialiser.check(learning.info);
  initialiser.report(learning.info);
  return notes;
}

std::optional<Normalisation> init_normalisation(const fs::path& path, int channels) {
  const InitFile file = read_init(path);
  if (!file.info) return std::nullopt;
  const Normalisation theirs{file.info->mean, file.info->std};
  if (int(theirs.mean.size()) == channels) return theirs;
  if (channels != 1) return std::nullopt;
  const auto mean_of = [](const std::vector<float>& values) {
    double sum = 0;
    for (const float value : values) sum += value;
    return static_cast<float>(sum / double(values.size()));
  };
  return Normalisation{{mean_of(theirs.mean)}, {mean_of(theirs.std)}};
}

}  // namespace popaug
