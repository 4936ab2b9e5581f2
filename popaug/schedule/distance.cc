#include "popaug/schedule/distance.h"

#include <algorithm>
#include <map>

#include "popaug/schedule/transform.h"

namespace popaug {
namespace {

// Expresses `schedule` with the ops of `space`, which has the same ops in another order.
Schedule in_space(const Schedule& schedule, const Space& space) {
  Schedule result = schedule;
  const auto in_order = [&](const Space& own) {
    Space ordered = space;
    for (SpaceOp& op : ordered.ops) op = own.ops[static_cast<size_t>(own.index_of(op.op))];
    return ordered;
  };
  for (Segment& segment : result.segments) {
    for (PolicyEntry& entry : segment.policy.entries) {
      entry.op = space.index_of(schedule.space.ops[size_t(entry.op)].op);
    }
    if (segment.space) segment.space = in_order(*segment.space);
  }
  result.space = in_order(schedule.space);
  return result;
}

void check_same_ops(const Space& a, const Space& b) {
  const auto fail = [](const std::string& why) {
    throw Error("these schedules cannot be compared: " + why);
  };
  if (a.levels != b.levels || a.ops.size() != b.ops.size()) {
    fail("their spaces " + quote(a.name) + " and " + quote(b.name) +
         " have different numbers of levels or ops");
  }
  for (const SpaceOp& op : a.ops) {
    const auto same = std::find_if(b.ops.begin(), b.ops.end(),
                                   [&](const SpaceOp& other) { return other.op == op.op; });
    if (same == b.ops.end()) fail("the op " + quote(op.op) + " is in only one of them");
  }
}

// Levels can be compared where they mean the same.
void check_same_values(const Space& a, const Space& b, int epoch) {
  for (size_t i = 0; i < a.ops.size(); ++i) {
    if (a.ops[i] == b.ops[i]) continue;
    throw Error("these schedules cannot be compared: at epoch " + std::to_string(epoch) +
                " the levels of " + quote(a.ops[i].op) + " mean other values in each");
  }
}

}  // namespace

ScheduleDistance schedule_distance(const Schedule& first, const Schedule& second) {
  check_same_ops(first.space, second.space);
  const int epochs = std::max(first.epochs(), second.epochs());
  const Schedule a = stretch(first, epochs);
  const Schedule b = in_space(stretch(second, epochs), a.space);
  std::map<size_t, std::vector<WeightedSubPolicy>> forms_a, forms_b;
  const auto form_of = [](std::map<size_t, std::vector<WeightedSubPolicy>>& known,
                          const Schedule& schedule, size_t segment) -> const auto& {
    auto& form = known[segment];
    if (form.empty()) {
      form = closed_form(schedule.segments[segment].policy, schedule.rule, schedule.space);
    }
    return form;
  };
  ScheduleDistance distance{.epochs = epochs};
  // Goes through the spans of epochs in which neither schedule changes.
  for (int epoch = 0, next = 0; epoch < epochs; epoch = next) {
    const size_t in_a = a.segment_of(epoch), in_b = b.segment_of(epoch);
    check_same_values(a.space_of(in_a), b.space_of(in_b), epoch);
    next = epoch + 1;
    while (next < epochs && a.segment_of(next) == in_a && b.segment_of(next) == in_b) ++next;
    const double share = double(next - epoch) / epochs;
    const auto& form_a = form_of(forms_a, a, in_a);
    const auto& form_b = form_of(forms_b, b, in_b);
    distance.total_variation += share * total_variation(form_a, form_b);
    distance.use += share * use_distance(form_a, form_b, a.space);
  }
  return distance;
}

}  // namespace popaug
