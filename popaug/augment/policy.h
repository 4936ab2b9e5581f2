// A policy: entries and the rule that draws from them for one image (DESIGN section 2).
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

enum class RuleKind {
  kNone,         // no op at all: only base transforms
  kPba,          // REFERENCE 3: a count, then entries in random order until the count is used up
  kSubPolicies,  // REFERENCE 7, AutoAugment: one group per image, its entries tried in order
  kRandAugment,  // REFERENCE 7: `count` entries drawn with replacement, each always applied
  kTrivial,      // REFERENCE 7: one op, level uniform over all levels; entries are the ops
};

struct Rule {
  RuleKind kind = RuleKind::kPba;
  std::vector<double> count_weights = {0.2, 0.3, 0.5};  // kPba: weight of count 0, 1, 2, ...
  int group = 2;                                        // kSubPolicies
  int count = 2;                                        // kRandAugment
  // Any kind, for a flattened schedule (REFERENCE 5): weights that sum to 1; the entries stand in
  // as many equal consecutive parts, each a policy of its own, and an image first draws its part.
  // Empty: the entries are one policy.
  std::vector<double> mixture = {};
  bool operator==(const Rule&) const = default;
};

// What every image gets around the policy (DESIGN: base transforms). Pixels are for side 32 and
// scale as DESIGN 4.7 says unless `scale_pixels` is false (paper settings).
struct BaseTransforms {
  int pad = 0;      // zeros on each side before the crop; 0: no crop
  double flip = 0;  // probability of a horizontal flip
  int cutout = 0;   // side of the hole square; 0: none
  bool scale_pixels = true;
  // Least share of the area, 0..1, of a random resized crop (photo.h): taken before the ops, and
  // brought back to the image's size; 0: none.
  double resized_crop = 0;
  // A random resized crop takes the place of padding and crop.
  void use_resized_crop(double least_area) {
    resized_crop = least_area;
    pad = 0;
  }
  bool operator==(const BaseTransforms&) const = default;
};

// Every op of the space twice, in order, all zero: the start of a PBA search (REFERENCE 3, 4).
Policy zero_policy(const Space& space, int copies = 2);
// Every op of the space once, probability 1, all at one level: the policy of RandAugment(N, M), and
// (where the level does not matter) of TrivialAugment.
Policy every_op(const Space& space, int level = 0);

// The base transforms in pixels of an image of this size (DESIGN 4.7).
BaseTransforms scaled_base(const BaseTransforms& base, int width, int height);

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

}  // namespace popaug

#endif  // POPAUG_AUGMENT_POLICY_H_
