// How often an image gets each op of a policy, exactly.
//
// Only the PBA rule is difficult: entries are visited in random order until the count is used up,
// so whether an entry is reached depends on all others. As in augment/closed_form.h, give every
// entry an independent uniform time; entry j has then fired before time t with probability p_j t,
// independently of the others. An entry that fires at time t is applied if fewer than `count`
// others fired before. The number of those that did is a sum of independent coins, whose
// distribution pba_applied() builds up entry by entry. Integrating over t gives the probability;
// the integrand is a polynomial, so Gauss-Legendre quadrature with half as many nodes as entries is
// exact.
#include "popaug/schedule/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace popaug {
namespace {

struct Node {
  double at = 0, weight = 0;
};

// Gauss-Legendre on [0, 1]: exact for polynomials of degree 2 * count - 1.
std::vector<Node> gauss_legendre(int count) {
  std::vector<Node> nodes;
  for (int i = 0; i < count; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (count + 0.5));
    double slope = 0;
    for (int step = 0; step < 100; ++step) {
      double before = 1, value = x;  // Legendre polynomials of degree k-1 and k
      for (int k = 2; k <= count; ++k) {
        const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
        before = value;
        value = next;
      }
      slope = count * (x * value - before) / (x * x - 1);
      const double move = value / slope;
      x -= move;
      if (std::abs(move) < 1e-15) break;
    }
    nodes.push_back({(x + 1) / 2, 1 / ((1 - x * x) * slope * slope)});
  }
  return nodes;
}

// Probability that each entry is applied under the PBA rule.
std::vector<double> pba_applied(const Policy& policy, const Rule& rule) {
  const size_t entries = policy.entries.size();
  double total_weight = 0;
  for (const double weight : rule.count_weights) total_weight += weight;
  std::vector<double> applied(entries, 0.0);
  if (entries == 0 || !(total_weight > 0)) return applied;
  const size_t counts = rule.count_weights.size();
  const int node_count = int(std::min<size_t>(entries / 2 + 1, 64));
  std::vector<double> earlier(counts);  // probability that k others were applied before
  for (const Node& node : gauss_legendre(node_count)) {
    for (size_t i = 0; i < entries; ++i) {
      std::fill(earlier.begin(), earlier.end(), 0.0);
      earlier[0] = 1;
      for (size_t j = 0; j < entries; ++j) {
        if (j == i) continue;
        const double q = policy.entries[j].probability * node.at;
        for (size_t k = counts; k-- > 0;) {
          earlier[k] = earlier[k] * (1 - q) + (k ? earlier[k - 1] * q : 0);
        }
      }
      double reached = 0, fewer = 0;  // fewer than `count` earlier ones
      for (size_t count = 1; count < counts; ++count) {
        fewer += earlier[count - 1];
        reached += rule.count_weights[count] / total_weight * fewer;
      }
      applied[i] += node.weight * policy.entries[i].probability * reached;
    }
  }
  return applied;
}

std::vector<double> entries_applied(const Policy& policy, const Rule& rule) {
  const double entries = double(policy.entries.size());
  std::vector<double> applied;
  switch (rule.kind) {
    case RuleKind::kNone:
      return std::vector<double>(policy.entries.size(), 0.0);
    case RuleKind::kPba:
      return pba_applied(policy, rule);
    case RuleKind::kSubPolicies:
      for (const PolicyEntry& entry : policy.entries) {
        applied.push_back(entry.probability * rule.group / entries);
      }
      return applied;
    case RuleKind::kRandAugment:
      return std::vector<double>(policy.entries.size(), rule.count / entries);
    case RuleKind::kTrivial:
      return std::vector<double>(policy.entries.size(), 1 / entries);
  }
  return applied;
}

}  // namespace

namespace {

// Adds `share` times each of `part` to `sum`.
void add_share(std::vector<OpSummary>& sum, const std::vector<OpSummary>& part, double share) {
  for (size_t op = 0; op < sum.size(); ++op) {
    sum[op].probability += share * part[op].probability;
    sum[op].level += share * part[op].level;
    sum[op].applied += share * part[op].applied;
  }
}

}  // namespace

std::vector<OpSummary> summarise_policy(const Policy& policy, const Rule& rule,
                                        const Space& space) {
  std::vector<OpSummary> summary(space.ops.size());
  if (!rule.mixture.empty()) {
    Rule inner = rule;
    inner.mixture.clear();
    const std::vector<Policy> parts = mixture_parts(policy, rule);
    for (size_t i = 0; i < parts.size(); ++i) {
      add_share(summary, summarise_policy(parts[i], inner, space), rule.mixture[i]);
    }
    return summary;
  }
  std::vector<double> copies(space.ops.size());
  const std::vector<double> applied = entries_applied(policy, rule);
  for (size_t i = 0; i < policy.entries.size(); ++i) {
    const PolicyEntry& entry = policy.entries[i];
    // TrivialAugment draws the level: on average the middle one.
    const double level =
        rule.kind == RuleKind::kTrivial ? (space.levels - 1) / 2.0 : double(entry.level);
    OpSummary& op = summary[size_t(entry.op)];
    op.probability += entry.probability;
    op.level += level;
    op.applied += applied[i];
    copies[size_t(entry.op)] += 1;
  }
  for (size_t op = 0; op < summary.size(); ++op) {
    if (copies[op] == 0) continue;
    summary[op].level /= copies[op];
    summary[op].probability /= copies[op];
  }
  return summary;
}

std::vector<std::vector<OpSummary>> summarise_schedule(const Schedule& schedule) {
  std::vector<std::vector<OpSummary>> result;
  for (const Segment& segment : schedule.segments) {
    result.push_back(summarise_policy(segment.policy, schedule.rule, schedule.space));
  }
  return result;
}

std::vector<OpSummary> summarise_over_time(const Schedule& schedule) {
  std::vector<OpSummary> mean(schedule.space.ops.size());
  const double epochs = schedule.epochs();
  const auto segments = summarise_schedule(schedule);
  for (size_t s = 0; s < segments.size(); ++s) {
    add_share(mean, segments[s], schedule.segments[s].epochs / epochs);
  }
  return mean;
}

std::vector<BaseRow> base_rows(const Schedule& schedule) {
  using Base = BaseTransforms;
  const std::pair<const char*, double Base::*> kinds[] = {
      {"flip", &Base::flip},     {"vertical flip", &Base::vflip}, {"turn", &Base::turn},
      {"erasing", &Base::erase}, {"CutMix", &Base::cutmix},       {"mixup", &Base::mixup}};
  std::vector<BaseRow> rows;
  for (const auto& [name, probability] : kinds) {
    BaseRow row{name, {}};
    for (size_t i = 0; i < schedule.segments.size(); ++i) {
      row.by_segment.push_back(schedule.base_of(i).*probability);
    }
    const auto positive = [](double p) { return p > 0; };
    if (std::any_of(row.by_segment.begin(), row.by_segment.end(), positive)) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

double mean_over(const Schedule& schedule, const std::vector<double>& by_segment, double from,
                 double to) {
  double sum = 0, begin = 0;
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    const double end = begin + schedule.segments[i].epochs;
    sum += by_segment[i] * std::max(0.0, std::min(end, to) - std::max(begin, from));
    begin = end;
  }
  return sum / (to - from);
}

namespace {

// A searched gene has many digits; these are words for people.
std::string short_number(double value) {
  return value == std::floor(value) ? number_text(value) : fmt::format("{:.3g}", value);
}

// "3", or "3 to 5" where the texts differ.
std::string range_text(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const std::string first = short_number(*low), last = short_number(*high);
  return first == last ? first : first + " to " + last;
}

}  // namespace

bool applies_ops(const Schedule& schedule) {
  for (const Segment& segment : schedule.segments) {
    for (const PolicyEntry& entry : segment.policy.entries) {
      if (entry.probability > 0) return true;
    }
  }
  return false;
}

std::string base_words(const Schedule& schedule) {
  using Base = BaseTransforms;
  std::vector<std::string> words;
  const auto of_segments = [&](const auto& number) {
    std::vector<double> values;
    for (size_t i = 0; i < schedule.segments.size(); ++i) {
      values.push_back(number(schedule.base_of(i)));
    }
    return values;
  };
  // Says "LABEL NUMBER AFTER" unless the number is 0 throughout.
  const auto say = [&](const std::string& label, const auto& number,
                       const std::string& after = "") {
    const std::vector<double> values = of_segments(number);
    if (std::any_of(values.begin(), values.end(), [](double v) { return v != 0; })) {
      words.push_back(label + range_text(values) + after);
    }
  };
  // Of the segments that have a resized crop: 0 means none, not all of the area.
  std::vector<double> crops = of_segments([](const Base& b) { return b.resized_crop; });
  const size_t segments = crops.size();
  std::erase(crops, 0);
  if (!crops.empty()) {
    words.push_back("random resized crop from " + range_text(crops) + " of the area" +
                    (crops.size() < segments ? " in some epochs" : ""));
  }
  const auto alpha = [&](const auto& number) {
    return " (alpha " + range_text(of_segments(number)) + ")";
  };
  say(
      "pad ", [](const Base& b) { return b.pad; }, " and crop");
  say("flip ", [](const Base& b) { return b.flip; });
  say("vertical flip ", [](const Base& b) { return b.vflip; });
  say("turn ", [](const Base& b) { return b.turn; });
  say("cutout ", [](const Base& b) { return b.cutout; });
  say("random erasing ", [](const Base& b) { return b.erase; });
  say(
      "CutMix ", [](const Base& b) { return b.cutmix; },
      alpha([](const Base& b) { return b.cutmix_alpha; }));
  say(
      "mixup ", [](const Base& b) { return b.mixup; },
      alpha([](const Base& b) { return b.mixup_alpha; }));
  return words.empty() ? "none" : join(words, ", ");
}

std::string value_words(const Schedule& schedule) {
  constexpr size_t kMostNamed = 4;
  std::vector<std::string> words;
  for (size_t op = 0; op < schedule.space.ops.size(); ++op) {
    std::vector<double> highest;  // the value of the highest level, by segment
    bool own = false;
    for (size_t i = 0; i < schedule.segments.size(); ++i) {
      const std::vector<double>& values = schedule.space_of(i).ops[op].values;
      own = own || values != schedule.space.ops[op].values;
      if (!values.empty()) highest.push_back(values.back());
    }
    if (own) words.push_back(schedule.space.ops[op].op + " " + range_text(highest));
  }
  if (words.size() > kMostNamed) {
    const size_t more = words.size() - kMostNamed;
    words.resize(kMostNamed);
    words.push_back(std::to_string(more) + " more");
  }
  return join(words, ", ");
}

}  // namespace popaug
