// What tests of networks share: drawn tensors, and how far results are from what is right.
#ifndef POPAUG_MODEL_INTERNAL_TENSORS_TEST_H_
#define POPAUG_MODEL_INTERNAL_TENSORS_TEST_H_

#include <ATen/ops/zeros.h>

#include <cmath>
#include <map>
#include <ostream>
#include <string>

#include "popaug/model/internal/network_torch.h"

namespace popaug {

using Tensors = std::map<std::string, Tensor>;

inline Tensor drawn(at::IntArrayRef shape, uint64_t which, double low = -1, double high = 1) {
  const Tensor values = at::zeros(shape, at::kFloat);
  Random random({9, Purpose::kTest, which});
  float* data = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = float(low + (high - low) * random.uniform());
  }
  return values;
}

inline Tensor labels_of(int64_t batch, int64_t classes) {
  const Tensor labels = at::zeros({batch}, at::kLong);
  for (int64_t i = 0; i < batch; ++i) labels.mutable_data_ptr<int64_t>()[i] = i * 7 % classes;
  return labels;
}

// Norm of the difference over the norm of what is right.
inline double error(const Tensor& got, const Tensor& want) {
  const Tensor g = got.to(at::kDouble), w = want.to(at::kDouble);
  return ((g - w).norm() / (w.norm() + 1e-300)).item<double>();
}
inline double total_error(const Tensors& got, const Tensors& want) {
  double difference = 0, norm = 1e-300;
  for (const auto& [name, tensor] : want) {
    const Tensor w = tensor.to(at::kDouble);
    difference += (got.at(name).to(at::kDouble) - w).square().sum().item<double>();
    norm += w.square().sum().item<double>();
  }
  return std::sqrt(difference / norm);
}

// A network and the batch that a test gives it.
struct Net {
  std::string name;
  int64_t batch, channels, height, width;
};
inline void PrintTo(const Net& net, std::ostream* out) { *out << net.name; }  // by GoogleTest

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_TENSORS_TEST_H_
