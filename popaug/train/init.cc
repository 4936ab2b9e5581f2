// --init: starting from other people's weights, or from one's own of another shape.
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "popaug/train/member_torch.h"

namespace popaug {
namespace {

// The tensor as float32, or none where its type is not of numbers with a point.
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

class Initialiser {
 public:
  Initialiser(const RawTensors& file, std::vector<std::string>& notes)
      : file_(file), notes_(notes) {}

  void fill(const std::string& name, const Tensor& to) {
    const RawTensor* raw = file_.find(name);
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
      other_.push_back(name);
      return;
    }
    ++taken_;
  }

  // What was left, and an error if nothing fitted.
  void report(const std::string& origin) {
    if (taken_ == 0) {
      throw Error(origin + ": none of its tensors has a name and shape of this network's");
    }
    say(other_, "of another shape, so they start afresh");
    say(missing_, "not in the file, so they start afresh");
    std::vector<std::string> unused;
    for (const RawTensor& raw : file_.tensors) {
      const bool counted = raw.name.ends_with("num_batches_tracked");
      if (!counted && !raw.name.starts_with(kMomentumPrefix) && !used_.contains(raw.name)) {
        unused.push_back(raw.name);
      }
    }
    say(unused, "in the file but not in this network");
  }

 private:
  void say(const std::vector<std::string>& names, const std::string& why) {
    if (names.empty()) return;
    constexpr size_t kShown = 6;
    const std::vector<std::string> first(names.begin(),
                                         names.begin() + std::min(kShown, names.size()));
    const std::string more =
        names.size() > kShown ? " and " + std::to_string(names.size() - kShown) + " more" : "";
    notes_.push_back("init: " + join(first, ", ") + more + ": " + why);
  }

  const RawTensors& file_;
  std::vector<std::string>& notes_;
  std::vector<std::string> missing_, other_;
  std::set<std::string> used_;
  int taken_ = 0;
};

}  // namespace

std::vector<std::string> load_init(Network& network, const fs::path& path) {
  const MappedFile mapped(path);
  const std::string origin = show_path(path);
  const RawTensors file = parse_safetensors(
      {reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()}, origin);
  std::vector<std::string> notes;
  at::NoGradGuard guard;
  Initialiser initialiser(file, notes);
  for (const Parameter& parameter : network.parameters()) {
    initialiser.fill(parameter.name, parameter.tensor);
  }
  for (const Buffer& buffer : network.buffers()) initialiser.fill(buffer.name, buffer.tensor);
  initialiser.report(origin);
  return notes;
}

}  // namespace popaug
