// How rows write down the levels of an op in the built-in spaces (OpRow::paper, randaugment,
// trivial).
#ifndef POPAUG_AUGMENT_INTERNAL_LEVELS_H_
#define POPAUG_AUGMENT_INTERNAL_LEVELS_H_

#include <vector>

namespace popaug::levels {

inline constexpr int kPaper = 11;        // levels of the PBA and AutoAugment papers
inline constexpr int kTorchvision = 31;  // bins of torchvision's RandAugment and TrivialAugment

// value(0) .. value(count - 1). Values of docs/pba.md#operations use the published arithmetic, so
// that they are the same doubles.
template <typename Value>
std::vector<double> table(int count, Value value) {
  std::vector<double> values;
  for (int level = 0; level < count; ++level) values.push_back(value(level));
  return values;
}

// A value at each level of the papers.
template <typename Value>
std::vector<double> paper(Value value) {
  return table(kPaper, value);
}

// torch.linspace(0, end, 31) in float32.
std::vector<double> linspace(double end);

}  // namespace popaug::levels

#endif  // POPAUG_AUGMENT_INTERNAL_LEVELS_H_
