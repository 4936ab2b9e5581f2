#include "popaug/augment/sampler.h"

#include <algorithm>
#include <array>

#include "popaug/augment/internal/base_draw.h"

namespace popaug {
namespace {

constexpr size_t kMaxEntries = 1024;  // check_policy refuses more

}  // namespace

Random stream_of(const SampleKey& key, Purpose purpose) {
  return Random({.seed = key.seed,
                 .purpose = purpose,
                 .stream = key.stream,
                 .epoch = key.epoch,
                 .sample = key.sample});
}

Sampler::Sampler(const Space& space, const Rule& rule, const Policy& policy)
    : rule_(rule), levels_(space.levels), entries_(policy.entries) {
  check_policy(policy, rule, space, "policy");
  if (!rule.mixture.empty()) {
    Rule inner = rule;
    inner.mixture.clear();
    double sum = 0;
    for (const double weight : rule.mixture) part_sums_.push_back(sum += weight);
    for (const Policy& part : mixture_parts(policy, rule)) {
      parts_.emplace_back(space, inner, part);
      max_draws_ = std::max(max_draws_, parts_.back().max_draws());
    }
    return;
  }
  if (entries_.empty()) return;
  POPAUG_ASSERT(entries_.size() <= kMaxEntries);
  for (const SpaceOp& op : space.ops) signed_.push_back(op.is_signed);
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].probability > 0) active_.push_back(static_cast<uint16_t>(i));
  }
  double sum = 0;
  for (const double weight : rule.count_weights) running_sums_.push_back(sum += weight);
  switch (rule.kind) {
    case RuleKind::kNone:
      break;
    case RuleKind::kPba:
      max_draws_ = static_cast<int>(std::min(rule.count_weights.size() - 1, active_.size()));
      break;
    case RuleKind::kSubPolicies:
      max_draws_ = rule.group;
      break;
    case RuleKind::kRandAugment:
      max_draws_ = rule.count;
      break;
    case RuleKind::kTrivial:
      max_draws_ = 1;
      break;
  }
}

int Sampler::draw_part(Random& random, Draw* out) const {
  const double u = random.uniform();
  size_t part = 0;
  while (part + 1 < parts_.size() && u >= part_sums_[part]) ++part;
  return parts_[part].draw(random, out);
}

int Sampler::draw(Random& random, Draw* out) const {
  if (!parts_.empty()) return draw_part(random, out);
  if (entries_.empty()) return 0;
  switch (rule_.kind) {
    case RuleKind::kNone:
      return 0;
    case RuleKind::kPba:
      return draw_pba(random, out);
    case RuleKind::kSubPolicies:
      return draw_group(random, out);
    case RuleKind::kRandAugment:
      return draw_randaugment(random, out);
    case RuleKind::kTrivial:
      return draw_trivial(random, out);
  }
  return 0;
}

Draw Sampler::make(int entry, int level, Random& random) const {
  const int op = entries_[entry].op;
  return {.op = op, .level = level, .negative = signed_[op] && (random.next32() & 1) != 0};
}

int Sampler::draw_pba(Random& random, Draw* out) const {
  const double u = random.uniform();
  int count = 0;
  const int last = static_cast<int>(running_sums_.size()) - 1;
  while (count < last && u >= running_sums_[count]) ++count;

  std::array<uint16_t, kMaxEntries> unvisited;
  std::copy(active_.begin(), active_.end(), unvisited.begin());
  auto left = static_cast<uint32_t>(active_.size());
  int applied = 0;
  while (applied < count && left > 0) {
    const uint32_t position = random.below(left);
    const int entry = unvisited[position];
    unvisited[position] = unvisited[--left];
    if (!random.chance(entries_[entry].probability)) continue;
    out[applied++] = make(entry, entries_[entry].level, random);
  }
  return applied;
}

int Sampler::draw_group(Random& random, Draw* out) const {
  const auto groups = static_cast<uint32_t>(entries_.size() / rule_.group);
  const int first = static_cast<int>(random.below(groups)) * rule_.group;
  int applied = 0;
  for (int entry = first; entry < first + rule_.group; ++entry) {
    if (!random.chance(entries_[entry].probability)) continue;
    out[applied++] = make(entry, entries_[entry].level, random);
  }
  return applied;
}

int Sampler::draw_randaugment(Random& random, Draw* out) const {
  for (int i = 0; i < rule_.count; ++i) {
    const int entry = static_cast<int>(random.below(static_cast<uint32_t>(entries_.size())));
    out[i] = make(entry, entries_[entry].level, random);
  }
  return rule_.count;
}

int Sampler::draw_trivial(Random& random, Draw* out) const {
  const int entry = static_cast<int>(random.below(static_cast<uint32_t>(entries_.size())));
  const int level = static_cast<int>(random.below(static_cast<uint32_t>(levels_)));
  out[0] = make(entry, level, random);
  return 1;
}

BaseDraw draw_base(const BaseTransforms& scaled, int width, int height, Random& random) {
  return base_draw::place(scaled, width, height, random);
}

MixDraw draw_mix(const BaseTransforms& base, int width, int height, Random& random) {
  return base_draw::mix(base, width, height, random);
}

uint32_t draw_partner(std::span<const uint32_t> epoch, uint32_t own, Random& random) {
  return base_draw::pick_partner(epoch, own, random);
}

double draw_beta(double alpha, Random& random) { return base_draw::beta(random, alpha); }

void check_partners(const BaseTransforms& base, std::span<const uint32_t> epoch) {
  if (!base.mixes()) return;
  const bool two = std::any_of(epoch.begin(), epoch.end(),
                               [&](uint32_t image) { return image != epoch.front(); });
  if (two) return;
  throw UsageError(std::string(base.cutmix > 0 ? "cutmix" : "mixup") +
                   ": an image is mixed with another one of the epoch, but the epoch has " +
                   (epoch.empty() ? "no image" : "one image only") + "; give more images");
}

std::vector<Draw> draw_ops(const Space& space, const Rule& rule, const Policy& policy,
                           const SampleKey& key) {
  const Sampler sampler(space, rule, policy);
  std::vector<Draw> draws(sampler.max_draws());
  Random random = stream_of(key, Purpose::kAugment);
  draws.resize(sampler.draw(random, draws.data()));
  return draws;
}

}  // namespace popaug
