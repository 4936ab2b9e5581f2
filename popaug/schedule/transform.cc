#include "popaug/schedule/transform.h"

#include <algorithm>
#include <cmath>

namespace popaug {
namespace {

void note_made(Schedule& schedule, const std::string& how) {
  Json& made = schedule.provenance["made"];
  if (!made.is_array()) made = Json::array();
  made.push_back(how);
}

}  // namespace

Schedule stretch(const Schedule& schedule, int epochs) {
  if (epochs < 1 || epochs > kMaxScheduleEpochs) {
    throw UsageError("a schedule cannot be stretched to " + std::to_string(epochs) +
                     " epochs: from 1 to " + std::to_string(kMaxScheduleEpochs) + " are possible");
  }
  const int64_t total = schedule.epochs();
  if (total == epochs) return schedule;
  Schedule result = schedule;
  result.segments.clear();
  int64_t cumulative = 0, from = 0;
  for (const Segment& segment : schedule.segments) {
    cumulative += segment.epochs;
    // round(cumulative * epochs / total), halves up, in whole numbers.
    const int64_t to = (2 * cumulative * epochs + total) / (2 * total);
    if (to > from) {
      result.segments.push_back(segment);
      result.segments.back().epochs = static_cast<int>(to - from);
    }
    from = to;
  }
  note_made(result, "stretched from " + std::to_string(total) + " to " + std::to_string(epochs) +
                        " epochs");
  return result;
}

Schedule last_policy(const Schedule& schedule) {
  Schedule result = schedule;
  result.segments = {schedule.segments.back()};
  result.segments.front().epochs = schedule.epochs();
  note_made(result, "the last policy for the whole length");
  return result;
}

Schedule shuffle_segments(const Schedule& schedule, uint64_t seed) {
  Schedule result = schedule;
  for (size_t i = result.segments.size(); i > 1; --i) {
    Random random({.seed = seed, .purpose = Purpose::kSchedule, .stream = i - 1});
    std::swap(result.segments[i - 1], result.segments[random.below(uint32_t(i))]);
  }
  note_made(result, "segments shuffled with seed " + std::to_string(seed));
  return result;
}

Schedule flatten(const Schedule& schedule) {
  if (!schedule.rule.mixture.empty() || schedule.segments.size() == 1) return schedule;
  size_t largest = 0, smallest = SIZE_MAX;
  for (const Segment& segment : schedule.segments) {
    largest = std::max(largest, segment.policy.entries.size());
    smallest = std::min(smallest, segment.policy.entries.size());
  }
  if (largest != smallest && schedule.rule.kind != RuleKind::kPba) {
    throw Error("this schedule cannot be flattened: its policies have " + std::to_string(smallest) +
                " to " + std::to_string(largest) +
                " entries, and only under the PBA rule can they be filled up");
  }
  Schedule result = schedule;
  Segment whole = schedule.segments.back();  // with the base transforms and values of the end
  whole.epochs = schedule.epochs();
  whole.policy.entries.clear();
  for (const Segment& segment : schedule.segments) {
    result.rule.mixture.push_back(double(segment.epochs) / schedule.epochs());
    std::vector<PolicyEntry> entries = segment.policy.entries;
    entries.resize(largest);  // entries of probability 0 are never visited
    whole.policy.entries.insert(whole.policy.entries.end(), entries.begin(), entries.end());
  }
  result.segments = {whole};
  note_made(result, "flattened: each image draws the policy of a random epoch");
  check_schedule(result, "the flattened schedule");
  return result;
}

Schedule random_policy(const Schedule& schedule, uint64_t seed) {
  Schedule result = schedule;
  Segment segment = schedule.segments.back();
  segment.epochs = schedule.epochs();
  segment.policy = schedule.segments.front().policy;
  Random random({.seed = seed, .purpose = Purpose::kSchedule, .epoch = 1});
  for (PolicyEntry& entry : segment.policy.entries) {
    entry.probability = random.below(11) / 10.0;
    entry.level = int(random.below(uint32_t(schedule.space.search_levels)));
  }
  result.segments = {segment};
  note_made(result, "one random policy with seed " + std::to_string(seed));
  return result;
}

Schedule with_clean_tail(const Schedule& schedule, double share) {
  if (!(share >= 0 && share <= 1)) {
    throw UsageError("a clean tail is a share from 0 to 1, not " + number_text(share));
  }
  const int tail = int(std::lround(share * schedule.epochs()));
  if (tail == 0) return schedule;
  Schedule result = schedule;
  int left = schedule.epochs() - tail;
  result.segments.clear();
  for (const Segment& segment : schedule.segments) {
    if (left <= 0) break;
    result.segments.push_back(segment);
    result.segments.back().epochs = std::min(left, segment.epochs);
    left -= segment.epochs;
  }
  Segment clean = schedule.segments.back();
  clean.epochs = tail;
  clean.policy = {};
  result.segments.push_back(clean);
  note_made(result, "the last " + std::to_string(tail) + " epochs with base transforms only");
  return result;
}

}  // namespace popaug
