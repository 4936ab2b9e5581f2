#include "popaug/augment/closed_form.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>

namespace popaug {
namespace {

// Nodes and weights of Gauss-Legendre quadrature on 0..1, by Newton's method on the Legendre
// polynomial (three-term recurrence). Exact for polynomials of degree 2n-1.
struct Quadrature {
  std::vector<double> nodes, weights;
  explicit Quadrature(int n) : nodes(n), weights(n) {
    for (int i = 0; i < n; ++i) {
      double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5));
      double slope = 1;
      for (int step = 0; step < 100; ++step) {
        double p0 = 1, p1 = x;
        for (int k = 2; k <= n; ++k) {
          const double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
          p0 = p1;
          p1 = p2;
        }
        if (n == 1) p0 = 1;
        slope = n * (x * p1 - p0) / (x * x - 1);
        const double move = p1 / slope;
        x -= move;
        if (std::fabs(move) < 1e-16) break;
      }
      nodes[i] = (1 + x) / 2;
      weights[i] = 1 / ((1 - x * x) * slope * slope);
    }
  }
};

// Collects outcomes, equal ones added up.
class Outcomes {
 public:
  Outcomes(const Space& space, size_t limit) : space_(space), limit_(limit) {}

  void add(const std::vector<AppliedOp>& ops, double weight) {
    if (weight <= 0) return;
    weights_[ops] += weight;
    if (weights_.size() > limit_) {
      throw Error("closed form: more than " + std::to_string(limit_) +
                  " different outcomes; it is meant for rules that apply few ops");
    }
  }

  AppliedOp applied(const PolicyEntry& entry, int level) const {
    return {.op = entry.op, .level = space_.ops[entry.op].values.empty() ? 0 : level};
  }

  std::vector<WeightedSubPolicy> list() const {
    std::vector<WeightedSubPolicy> all;
    for (const auto& [ops, weight] : weights_) all.push_back({ops, weight});
    return all;
  }

 private:
  const Space& space_;
  size_t limit_;
  std::map<std::vector<AppliedOp>, double> weights_;
};

// The PBA rule, by walking over all ordered choices of distinct entries.
class PbaForm {
 public:
  PbaForm(const Policy& policy, const Rule& rule, Outcomes& outcomes)
      : counts_(rule.count_weights), outcomes_(outcomes), quadrature_(1) {
    for (const PolicyEntry& entry : policy.entries) {
      if (entry.probability > 0) entries_.push_back(entry);
    }
    const int degree = static_cast<int>(entries_.size() + counts_.size());
    quadrature_ = Quadrature(degree / 2 + 1);
    all_at_node_.assign(quadrature_.nodes.size(), 1);
    for (size_t n = 0; n < quadrature_.nodes.size(); ++n) {
      for (const PolicyEntry& entry : entries_) {
        all_at_node_[n] *= 1 - entry.probability * quadrature_.nodes[n];
      }
    }
  }

  void walk() { visit(); }

 private:
  // The weight of the outcome `chosen_`: all fired, in this order, and nothing after.
  double weight() const {
    const size_t k = chosen_.size();
    double fired = 1, factorial = 1;
    for (const size_t i : chosen_) fired *= entries_[i].probability;
    for (size_t i = 2; i <= k; ++i) factorial *= static_cast<double>(i);
    double more_allowed = 0;
    for (size_t c = k + 1; c < counts_.size(); ++c) more_allowed += counts_[c];
    double sum = more_allowed * nothing_else() / factorial;
    if (k < counts_.size() && k > 0) {
      sum += counts_[k] * stopped_by_count() / (factorial / static_cast<double>(k));
    } else if (k == 0) {
      sum += counts_[0];
    }
    return fired * sum;
  }

  double nothing_else() const {
    double product = 1;
    for (size_t j = 0; j < entries_.size(); ++j) {
      if (!is_chosen(j)) product *= 1 - entries_[j].probability;
    }
    return product;
  }

  // The integral of t^(k-1) * prod over others (1 - p_j t); without its 1/(k-1)!.
  double stopped_by_count() const {
    double integral = 0;
    for (size_t n = 0; n < quadrature_.nodes.size(); ++n) {
      const double t = quadrature_.nodes[n];
      double value = quadrature_.weights[n] * all_at_node_[n];
      for (const size_t i : chosen_) value /= 1 - entries_[i].probability * t;
      for (size_t k = 1; k < chosen_.size(); ++k) value *= t;
      integral += value;
    }
    return integral;
  }

  bool is_chosen(size_t j) const {
    return std::find(chosen_.begin(), chosen_.end(), j) != chosen_.end();
  }

  void visit() {
    std::vector<AppliedOp> ops;
    for (const size_t i : chosen_) ops.push_back(outcomes_.applied(entries_[i], entries_[i].level));
    outcomes_.add(ops, weight());
    double deeper = 0;
    for (size_t c = chosen_.size() + 1; c < counts_.size(); ++c) deeper += counts_[c];
    if (deeper <= 0) return;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (is_chosen(i)) continue;
      chosen_.push_back(i);
      visit();
      chosen_.pop_back();
    }
  }

  std::vector<double> counts_;
  Outcomes& outcomes_;
  std::vector<PolicyEntry> entries_;
  Quadrature quadrature_;
  std::vector<double> all_at_node_;  // prod over all entries (1 - p t), per node
  std::vector<size_t> chosen_;
};

// Groups of entries tried in order, one group per image.
void walk_groups(const Policy& policy, const Rule& rule, Outcomes& outcomes) {
  const size_t group = static_cast<size_t>(rule.group);
  const double share = static_cast<double>(group) / static_cast<double>(policy.entries.size());
  for (size_t first = 0; first < policy.entries.size(); first += group) {
    std::vector<AppliedOp> ops;
    const std::function<void(size_t, double)> visit = [&](size_t i, double weight) {
      if (weight <= 0) return;
      if (i == first + group) return outcomes.add(ops, weight);
      const PolicyEntry& entry = policy.entries[i];
      visit(i + 1, weight * (1 - entry.probability));
      ops.push_back(outcomes.applied(entry, entry.level));
      visit(i + 1, weight * entry.probability);
      ops.pop_back();
    };
    visit(first, share);
  }
}

void walk_randaugment(const Policy& policy, const Rule& rule, Outcomes& outcomes) {
  std::vector<AppliedOp> ops;
  const std::function<void(double)> visit = [&](double weight) {
    if (ops.size() == static_cast<size_t>(rule.count)) return outcomes.add(ops, weight);
    for (const PolicyEntry& entry : policy.entries) {
      ops.push_back(outcomes.applied(entry, entry.level));
      visit(weight / static_cast<double>(policy.entries.size()));
      ops.pop_back();
    }
  };
  visit(1);
}

void walk_trivial(const Policy& policy, const Space& space, Outcomes& outcomes) {
  const double weight = 1.0 / (static_cast<double>(policy.entries.size()) * space.levels);
  for (const PolicyEntry& entry : policy.entries) {
    for (int level = 0; level < space.levels; ++level) {
      outcomes.add({outcomes.applied(entry, level)}, weight);
    }
  }
}

// Expected applications per image, by (op, level).
std::map<AppliedOp, double> applications(const std::vector<WeightedSubPolicy>& form) {
  std::map<AppliedOp, double> expected;
  for (const WeightedSubPolicy& outcome : form) {
    for (const AppliedOp& applied : outcome.ops) expected[applied] += outcome.weight;
  }
  return expected;
}

}  // namespace

std::vector<WeightedSubPolicy> closed_form(const Policy& policy, const Rule& rule,
                                           const Space& space, size_t limit) {
  check_policy(policy, rule, space, "policy");
  Outcomes outcomes(space, limit);
  if (!rule.mixture.empty()) {
    Rule inner = rule;
    inner.mixture.clear();
    const std::vector<Policy> parts = mixture_parts(policy, rule);
    for (size_t i = 0; i < parts.size(); ++i) {
      for (const WeightedSubPolicy& outcome : closed_form(parts[i], inner, space, limit)) {
        outcomes.add(outcome.ops, rule.mixture[i] * outcome.weight);
      }
    }
    return outcomes.list();
  }
  if (policy.entries.empty()) {
    outcomes.add({}, 1);
    return outcomes.list();
  }
  switch (rule.kind) {
    case RuleKind::kNone:
      outcomes.add({}, 1);
      break;
    case RuleKind::kPba:
      PbaForm(policy, rule, outcomes).walk();
      break;
    case RuleKind::kSubPolicies:
      walk_groups(policy, rule, outcomes);
      break;
    case RuleKind::kRandAugment:
      walk_randaugment(policy, rule, outcomes);
      break;
    case RuleKind::kTrivial:
      walk_trivial(policy, space, outcomes);
      break;
  }
  return outcomes.list();
}

double total_variation(const std::vector<WeightedSubPolicy>& a,
                       const std::vector<WeightedSubPolicy>& b) {
  std::map<std::vector<AppliedOp>, double> difference;
  for (const WeightedSubPolicy& outcome : a) difference[outcome.ops] += outcome.weight;
  for (const WeightedSubPolicy& outcome : b) difference[outcome.ops] -= outcome.weight;
  double sum = 0;
  for (const auto& [ops, weight] : difference) sum += std::fabs(weight);
  return sum / 2;
}

double use_distance(const std::vector<WeightedSubPolicy>& a,
                    const std::vector<WeightedSubPolicy>& b, const Space& space) {
  const auto in_a = applications(a), in_b = applications(b);
  const double step = space.levels > 1 ? 1.0 / (space.levels - 1) : 0;
  double total = 0;
  for (int op = 0; op < static_cast<int>(space.ops.size()); ++op) {
    const auto at = [op](const std::map<AppliedOp, double>& in, int level) {
      const auto found = in.find({op, level});
      return found == in.end() ? 0.0 : found->second;
    };
    double mass_a = 0, mass_b = 0;
    for (int level = 0; level < space.levels; ++level) {
      mass_a += at(in_a, level);
      mass_b += at(in_b, level);
    }
    total += std::fabs(mass_a - mass_b);
    // The common mass moves along the line of levels: the area between the two cumulative shares.
    if (mass_a <= 0 || mass_b <= 0) continue;
    double ahead = 0;
    for (int level = 0; level + 1 < space.levels; ++level) {
      ahead += at(in_a, level) / mass_a - at(in_b, level) / mass_b;
      total += std::min(mass_a, mass_b) * std::fabs(ahead) * step;
    }
  }
  return total;
}

}  // namespace popaug
