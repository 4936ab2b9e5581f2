// For tests: the instruction sets that this machine has, one after the other.
#ifndef POPAUG_AUGMENT_INTERNAL_TARGETS_TEST_H_
#define POPAUG_AUGMENT_INTERNAL_TARGETS_TEST_H_

#include <cstdint>
#include <string>
#include <vector>

#define HWY_WANT_AVX3_DL
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace popaug {

// Every x86 target that kernels were compiled for and that this machine runs, the best first.
inline std::vector<int64_t> runnable_targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<int64_t> targets;
  for (const int64_t target : {HWY_AVX3_DL, HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_SSSE3}) {
    if ((hwy::SupportedTargets() & HWY_TARGETS & target) != 0) targets.push_back(target);
  }
  targets.push_back(HWY_STATIC_TARGET);
  return targets;
}

// Forces one target while it lives.
class ForcedTarget {
 public:
  explicit ForcedTarget(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~ForcedTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_TARGETS_TEST_H_
