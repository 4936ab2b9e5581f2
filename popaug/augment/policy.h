// A policy: entries and the rule that draws from them for one image
// (docs/architecture.md#glossary).
#ifndef POPAUG_AUGMENT_POLICY_H_
#define POPAUG_AUGMENT_POLICY_H_

#include <string>
#include <vector>

#include "popaug/augment/space.h"
#include "popaug/base/base.h"

namespace popaug {

struct PolicyEntry {
  int op = 0;              // index into the space's ops
  double probability = 0;  // 0..1
  int level = 0;           // 0 .. levels-1
  bool operator==(const PolicyEntry&) const = default;
};

// Without entries no image gets an op, whatever the rule. For kSubPolicies, entries stand in
// consecutive groups of rule.group.
struct Policy {
  std::vector<PolicyEntry> entries;
  bool operator==(const Policy&) const = default;
};

// The rules of docs/pba.md#policy (kPba) and docs/pba.md#baselines.
enum class RuleKind {
  kNone,         // no op at all: only base transforms
  kPba,          // draws a count, then tries entries in random order until the count is used up
  kSubPolicies,  // AutoAugment: draws one group for each image and tries its entries in order
  kRandAugment,  // draws `count` entries with replacement and applies each of them
  kTrivial,      // draws one entry (an op) and a level, uniform over all levels
};

struct Rule {
  RuleKind kind = RuleKind::kPba;
  std::vector<double> count_weights = {0.2, 0.3, 0.5};  // kPba: weight of count 0, 1, 2, ...
  int group = 2;                                        // kSubPolicies
  int count = 2;                                        // kRandAugment
  // Any kind, for a flattened schedule (docs/pba.md#ablations): weights that sum to 1; the entries
  // stand in as many equal consecutive parts, each a policy of its own, and an image first draws
  // its part. Empty: the entries are one policy.
  std::vector<double> mixture = {};
  bool operator==(const Rule&) const = default;
};

// The alphas of CutMix and mixup that are accepted.
inline constexpr double kLeastAlpha = 0.01, kMostAlpha = 100;

// What every image gets around the policy (base transforms in docs/architecture.md#glossary).
// Pixels are for side 32 and scale as docs/architecture.md#pixels-scale says unless `scale_pixels`
// is false (paper settings).
// What random erasing puts into its rectangle (docs/formats/policy.md#base-transforms).
enum class EraseFill { kHole, kMean, kNoise };

struct BaseTransforms {
  int pad = 0;      // zeros on each side before the crop; 0: no crop
  double flip = 0;  // probability of a horizontal flip (left and right)
  int cutout = 0;   // side of the hole square; 0: none
  bool scale_pixels = true;
  // Least share of the area, 0..1, of a random resized crop (photo.h): taken before the ops, and
  // brought back to the image's size; 0: none.
  double resized_crop = 0;
  double vflip = 0;  // probability of a vertical flip (top and bottom)
  // Probability of a turn by 90, 180 or 270 degrees, each of the three as often. Square images
  // only.
  double turn = 0;
  // Random erasing (Zhong et al., arXiv 1708.04896): its probability, the least and the most share
  // of the area, the least ratio of the sides (the most is its inverse), and what it leaves.
  double erase = 0;
  double erase_least = 0.02, erase_most = 0.33, erase_ratio = 0.3;
  EraseFill erase_fill = EraseFill::kHole;
  // CutMix (arXiv 1905.04899) and mixup (arXiv 1710.09412): the probability, and the alpha of
  // Beta(alpha, alpha), from which the share of the image itself is drawn. An image that both would
  // get gets one of them, by a fair coin.
  double cutmix = 0, cutmix_alpha = 1;
  double mixup = 0, mixup_alpha = 0.2;
  // Whether an image may be mixed with another one, so that it has two labels.
  bool mixes() const { return cutmix > 0 || mixup > 0; }
  // A random resized crop takes the place of padding and crop.
  void use_resized_crop(double least_area) {
    resized_crop = least_area;
    pad = 0;
  }
  bool operator==(const BaseTransforms&) const = default;
};

// Every op of the space twice, in order, all zero: the start of a PBA search (docs/pba.md#search).
Policy zero_policy(const Space& space, int copies = 2);
// Every op of the space once, probability 1, all at one level: the policy of RandAugment(N, M), and
// (where the level does not matter) of TrivialAugment.
Policy every_op(const Space& space, int level = 0);

// The base transforms in pixels of an image of this size (docs/architecture.md#pixels-scale).
BaseTransforms scaled_base(const BaseTransforms& base, int width, int height);

// Throws UsageError (starting with `origin`) if images of this size cannot get the base transforms.
void check_base_fits(const BaseTransforms& base, int width, int height, const std::string& origin);

// Throws Error (starting with `origin`) for entries outside the space, NaN, groups that do not
// divide, weights that do not sum to 1.
void check_policy(const Policy& policy, const Rule& rule, const Space& space,
                  const std::string& origin);

// The policies of the parts of a mixture; `policy` itself where the rule has none.
std::vector<Policy> mixture_parts(const Policy& policy, const Rule& rule);

Json policy_to_json(const Policy& policy, const Space& space);  // [{"op","probability","level"}..]
Policy policy_from_json(const Json& json, const Space& space, const std::string& origin);
Json rule_to_json(const Rule& rule);
Rule rule_from_json(const Json& json, const std::string& origin);
Json base_to_json(const BaseTransforms& base);
BaseTransforms base_from_json(const Json& json, const std::string& origin);
// The keys of base transforms that only version 2 of schedule files knows.
const std::vector<std::string>& base_keys_of_version_2();

}  // namespace popaug

#endif  // POPAUG_AUGMENT_POLICY_H_
