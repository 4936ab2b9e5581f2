// The closed form of a rule and a policy: a weighted list of ordered sub-policies, with exact
// probabilities (docs/pba.md#closed-form). Oracle of the sampler, basis of export and of distances.
#ifndef POPAUG_AUGMENT_CLOSED_FORM_H_
#define POPAUG_AUGMENT_CLOSED_FORM_H_

#include <vector>

#include "popaug/augment/policy.h"

namespace popaug {

// An op that an image gets. The level is 0 for an op that ignores it; the sign, where the op is
// signed, is a fair coin of its own.
struct AppliedOp {
  int op = 0;  // index into the space
  int level = 0;
  auto operator<=>(const AppliedOp&) const = default;
};

// The ops that one image gets, in order, and the probability of just that.
struct WeightedSubPolicy {
  std::vector<AppliedOp> ops;
  double weight = 0;
  bool operator==(const WeightedSubPolicy&) const = default;
};

// Every outcome of positive probability once, sorted by `ops`; the weights sum to 1 within
// rounding. For the PBA rule, with entries i of probability p_i in random order (equivalently, at
// independent uniform times) and a count c:
//   the first k < c or k = c to fire are i_1 .. i_k, in this order, with another to follow or not:
//   k = c: p_i1 .. p_ik * integral over 0..1 of t^(k-1)/(k-1)! * prod over others (1 - p_j t) dt
//   k < c: p_i1 .. p_ik / k! * prod over others (1 - p_j)
// The integrands are polynomials, so Gauss-Legendre quadrature of enough nodes is exact.
// Throws Error as check_policy, and when there would be more than `limit` outcomes.
std::vector<WeightedSubPolicy> closed_form(const Policy& policy, const Rule& rule,
                                           const Space& space, size_t limit = 200000);

// Total variation distance between two closed forms over one space: 0 for the same distribution of
// what an image gets, 1 for distributions with nothing in common.
double total_variation(const std::vector<WeightedSubPolicy>& a,
                       const std::vector<WeightedSubPolicy>& b);

// A distance that knows that level 3 is nearer to 4 than to 9: the least expected cost of turning
// what an image gets under `a` into what it gets under `b`, op by op (earth mover's distance of the
// expected applications): moving one application by one level costs 1/(levels-1), adding or
// removing one costs 1. 0 for equal use; order and pairing of ops do not count.
double use_distance(const std::vector<WeightedSubPolicy>& a,
                    const std::vector<WeightedSubPolicy>& b, const Space& space);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_CLOSED_FORM_H_
