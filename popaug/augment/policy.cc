#include "popaug/augment/policy.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace popaug {
namespace {

constexpr size_t kMaxEntries = 1024;  // of one policy
constexpr size_t kMaxParts = 1024;    // of a mixture
constexpr size_t kMaxCounts = 65;     // weights of counts 0..64
constexpr int kMaxOpsPerImage = 64;

const std::vector<std::string> kFills = {"hole", "mean", "noise"};  // in the order of EraseFill

const std::vector<std::pair<RuleKind, std::string>> kKinds = {
    {RuleKind::kNone, "none"},
    {RuleKind::kPba, "pba"},
    {RuleKind::kSubPolicies, "sub-policies"},
    {RuleKind::kRandAugment, "randaugment"},
    {RuleKind::kTrivial, "trivial"},
};

std::string entry_name(const std::string& origin, size_t index) {
  return origin + ": entry " + std::to_string(index + 1);
}

void check_weights(const std::vector<double>& weights, const std::string& name,
                   const std::string& origin) {
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0 && weight <= 1)) {
      throw Error(origin + ": " + name + ": " + number_text(weight) + "; a weight is within 0..1");
    }
    sum += weight;
  }
  if (!(std::fabs(sum - 1) <= 1e-9)) {
    throw Error(origin + ": " + name + " sum to " + number_text(sum) + "; expected 1");
  }
}

void check_rule(const Rule& rule, const std::string& origin) {
  if (rule.kind == RuleKind::kPba) {
    if (rule.count_weights.empty() || rule.count_weights.size() > kMaxCounts) {
      throw Error(origin + ": count_weights has " + std::to_string(rule.count_weights.size()) +
                  " weights; expected 1..65, for the counts 0, 1, 2, ...");
    }
    check_weights(rule.count_weights, "count_weights", origin);
  }
  if (rule.mixture.size() > kMaxParts) {
    throw Error(origin + ": mixture has " + std::to_string(rule.mixture.size()) +
                " parts; at most 1024");
  }
  if (!rule.mixture.empty()) check_weights(rule.mixture, "mixture", origin);
  if (rule.kind == RuleKind::kSubPolicies && (rule.group < 1 || rule.group > kMaxOpsPerImage)) {
    throw Error(origin + ": group " + std::to_string(rule.group) + "; expected 1..64 entries");
  }
  if (rule.kind == RuleKind::kRandAugment && (rule.count < 0 || rule.count > kMaxOpsPerImage)) {
    throw Error(origin + ": count " + std::to_string(rule.count) + "; expected 0..64 ops");
  }
}

}  // namespace

Policy zero_policy(const Space& space, int copies) {
  Policy policy;
  for (int copy = 0; copy < copies; ++copy) {
    for (int op = 0; op < static_cast<int>(space.ops.size()); ++op) {
      policy.entries.push_back({.op = op, .probability = 0, .level = 0});
    }
  }
  return policy;
}

Policy every_op(const Space& space, int level) {
  Policy policy;
  for (int op = 0; op < static_cast<int>(space.ops.size()); ++op) {
    policy.entries.push_back({.op = op, .probability = 1, .level = level});
  }
  return policy;
}

void check_policy(const Policy& policy, const Rule& rule, const Space& space,
                  const std::string& origin) {
  check_rule(rule, origin);
  const size_t parts = std::max<size_t>(rule.mixture.size(), 1);
  const size_t in_part = policy.entries.size() / parts;
  if (in_part > kMaxEntries) {
    throw Error(origin + ": " + std::to_string(policy.entries.size()) + " entries; at most 1024" +
                (rule.mixture.empty() ? "" : " in each part of the mixture"));
  }
  if (policy.entries.size() % parts != 0) {
    throw Error(origin + ": " + std::to_string(policy.entries.size()) +
                " entries do not divide into the " + std::to_string(parts) +
                " parts of the mixture");
  }
  for (size_t i = 0; i < policy.entries.size(); ++i) {
    const PolicyEntry& entry = policy.entries[i];
    if (entry.op < 0 || entry.op >= static_cast<int>(space.ops.size())) {
      throw Error(entry_name(origin, i) + ": op number " + std::to_string(entry.op) +
                  " is not in space " + quote(space.name));
    }
    if (!(entry.probability >= 0 && entry.probability <= 1)) {
      throw Error(entry_name(origin, i) + ": probability " + number_text(entry.probability) +
                  "; expected 0..1");
    }
    if (entry.level < 0 || entry.level >= space.levels) {
      throw Error(entry_name(origin, i) + ": level " + std::to_string(entry.level) + "; space " +
                  quote(space.name) + " has levels 0.." + std::to_string(space.levels - 1));
    }
  }
  if (rule.kind == RuleKind::kSubPolicies && in_part % size_t(rule.group) != 0) {
    throw Error(origin + ": " + std::to_string(in_part) +
                " entries do not divide into sub-policies of " + std::to_string(rule.group));
  }
}

std::vector<Policy> mixture_parts(const Policy& policy, const Rule& rule) {
  if (rule.mixture.empty()) return {policy};
  const size_t in_part = policy.entries.size() / rule.mixture.size();
  std::vector<Policy> parts(rule.mixture.size());
  for (size_t i = 0; i < in_part * parts.size(); ++i) {
    parts[i / in_part].entries.push_back(policy.entries[i]);
  }
  return parts;
}

Json policy_to_json(const Policy& policy, const Space& space) {
  Json json = Json::array();
  for (const PolicyEntry& entry : policy.entries) {
    json.push_back({{"op", space.ops.at(entry.op).op},
                    {"probability", entry.probability},
                    {"level", entry.level}});
  }
  return json;
}

Policy policy_from_json(const Json& json, const Space& space, const std::string& origin) {
  if (!json.is_array()) throw Error(origin + ": a policy is a list of entries");
  if (json.size() > kMaxEntries * kMaxParts) {
    throw Error(origin + ": " + std::to_string(json.size()) + " entries are too many");
  }
  Policy policy;
  for (size_t i = 0; i < json.size(); ++i) {
    JsonReader reader(json[i], entry_name(origin, i));
    PolicyEntry entry;
    const std::string name = reader.text("op");
    const std::vector<std::string> names = space.op_names();
    for (size_t op = 0; op < names.size(); ++op) {
      if (names[op] == name) entry.op = static_cast<int>(op);
    }
    if (names.empty() || names[entry.op] != name) {
      reader.fail("op", unknown_name("op", name, names) + " in space " + quote(space.name));
    }
    entry.probability = reader.number("probability", 0, 1);
    entry.level = static_cast<int>(reader.integer("level", 0, space.levels - 1));
    reader.finish();
    policy.entries.push_back(entry);
  }
  return policy;
}

Json rule_to_json(const Rule& rule) {
  Json json;
  for (const auto& [kind, name] : kKinds) {
    if (kind == rule.kind) json["kind"] = name;
  }
  if (rule.kind == RuleKind::kPba) json["count_weights"] = rule.count_weights;
  if (rule.kind == RuleKind::kSubPolicies) json["group"] = rule.group;
  if (rule.kind == RuleKind::kRandAugment) json["count"] = rule.count;
  if (!rule.mixture.empty()) json["mixture"] = rule.mixture;
  return json;
}

Rule rule_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  Rule rule;
  const std::string name = reader.text("kind");
  std::vector<std::string> names;
  bool known = false;
  for (const auto& [kind, text] : kKinds) {
    names.push_back(text);
    if (text == name) {
      rule.kind = kind;
      known = true;
    }
  }
  if (!known) reader.fail("kind", unknown_name("rule", name, names));
  const auto numbers = [&reader](const std::string& key) {
    std::vector<double> values;
    for (const Json& weight : reader.array(key)) {
      if (!weight.is_number()) reader.fail(key, "expected a list of numbers");
      values.push_back(weight.get<double>());
    }
    return values;
  };
  if (rule.kind == RuleKind::kPba) rule.count_weights = numbers("count_weights");
  if (reader.has("mixture")) rule.mixture = numbers("mixture");
  if (rule.kind == RuleKind::kSubPolicies) {
    rule.group = static_cast<int>(reader.integer("group", 1, kMaxOpsPerImage));
  }
  if (rule.kind == RuleKind::kRandAugment) {
    rule.count = static_cast<int>(reader.integer("count", 0, kMaxOpsPerImage));
  }
  reader.finish();
  check_rule(rule, origin);
  return rule;
}

Json base_to_json(const BaseTransforms& base) {
  Json json = {{"pad", base.pad},
               {"flip", base.flip},
               {"cutout", base.cutout},
               {"scale_pixels", base.scale_pixels}};
  // Only where there is one: readers from before it go on reading the others.
  if (base.resized_crop != 0) json["resized_crop"] = base.resized_crop;
  if (base.vflip != 0) json["vflip"] = base.vflip;
  if (base.turn != 0) json["turn"] = base.turn;
  // The numbers of a transform stand beside its probability, and without it where they are not the
  // usual ones: a search may raise a probability from 0.
  const BaseTransforms usual;
  const auto put = [&json](const char* key, bool on, const auto& value, const auto& fallback) {
    if (on || value != fallback) json[key] = value;
  };
  const bool erases = base.erase > 0;
  put("erase", false, base.erase, usual.erase);
  put("erase_least", erases, base.erase_least, usual.erase_least);
  put("erase_most", erases, base.erase_most, usual.erase_most);
  put("erase_ratio", erases, base.erase_ratio, usual.erase_ratio);
  put("erase_fill", erases, kFills[static_cast<size_t>(base.erase_fill)], kFills[0]);
  put("cutmix", false, base.cutmix, usual.cutmix);
  put("cutmix_alpha", base.cutmix > 0, base.cutmix_alpha, usual.cutmix_alpha);
  put("mixup", false, base.mixup, usual.mixup);
  put("mixup_alpha", base.mixup > 0, base.mixup_alpha, usual.mixup_alpha);
  return json;
}

const std::vector<std::string>& base_keys_of_version_2() {
  static const std::vector<std::string> keys = {
      "vflip",      "turn",   "erase",        "erase_least", "erase_most", "erase_ratio",
      "erase_fill", "cutmix", "cutmix_alpha", "mixup",       "mixup_alpha"};
  return keys;
}

namespace {

EraseFill fill_from_text(JsonReader& reader) {
  const std::string name = reader.text_or("erase_fill", kFills[0]);
  const auto found = std::find(kFills.begin(), kFills.end(), name);
  if (found == kFills.end()) reader.fail("erase_fill", unknown_name("fill", name, kFills));
  return static_cast<EraseFill>(found - kFills.begin());
}

}  // namespace

BaseTransforms base_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  BaseTransforms base;
  base.pad = static_cast<int>(reader.integer_or("pad", 0, 4096, base.pad));
  base.flip = reader.number_or("flip", 0, 1, base.flip);
  base.cutout = static_cast<int>(reader.integer_or("cutout", 0, 16384, base.cutout));
  base.scale_pixels = reader.boolean_or("scale_pixels", base.scale_pixels);
  base.resized_crop = reader.number_or("resized_crop", 0, 1, base.resized_crop);
  base.vflip = reader.number_or("vflip", 0, 1, base.vflip);
  base.turn = reader.number_or("turn", 0, 1, base.turn);
  base.erase = reader.number_or("erase", 0, 1, base.erase);
  base.erase_least = reader.number_or("erase_least", 0.0001, 1, base.erase_least);
  base.erase_most = reader.number_or("erase_most", 0.0001, 1, base.erase_most);
  base.erase_ratio = reader.number_or("erase_ratio", 0.01, 1, base.erase_ratio);
  base.erase_fill = fill_from_text(reader);
  if (base.erase_least > base.erase_most) {
    reader.fail("erase_least", number_text(base.erase_least) + " is above erase_most, " +
                                   number_text(base.erase_most));
  }
  base.cutmix = reader.number_or("cutmix", 0, 1, base.cutmix);
  base.cutmix_alpha = reader.number_or("cutmix_alpha", kLeastAlpha, kMostAlpha, base.cutmix_alpha);
  base.mixup = reader.number_or("mixup", 0, 1, base.mixup);
  base.mixup_alpha = reader.number_or("mixup_alpha", kLeastAlpha, kMostAlpha, base.mixup_alpha);
  reader.finish();
  return base;
}

void check_base_fits(const BaseTransforms& base, int width, int height, const std::string& origin) {
  if (base.turn > 0 && width != height) {
    throw UsageError(origin + ": turn " + number_text(base.turn) + ": images of " +
                     std::to_string(width) + "x" + std::to_string(height) +
                     " cannot be turned by 90 degrees, only square ones can; resize the images, or "
                     "use flip and vflip, which any image can get");
  }
}

BaseTransforms scaled_base(const BaseTransforms& base, int width, int height) {
  if (!base.scale_pixels) return base;
  const double shorter = width < height ? width : height;
  BaseTransforms scaled = base;
  scaled.pad = static_cast<int>(std::floor(base.pad * shorter / 32 + 0.5));
  scaled.cutout = static_cast<int>(std::floor(base.cutout * shorter / 32 + 0.5));
  return scaled;
}

}  // namespace popaug
