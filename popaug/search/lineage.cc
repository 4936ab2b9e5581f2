// What a population remembers: lineages, schedules and the published log.
#include <algorithm>
#include <cmath>

#include "popaug/search/population.h"

namespace popaug {

std::vector<int> policy_numbers(const Policy& policy) {
  std::vector<int> numbers;
  numbers.reserve(policy.entries.size() * 2);
  for (const PolicyEntry& entry : policy.entries) {
    numbers.push_back(static_cast<int>(std::lround(entry.probability * 10)));
    numbers.push_back(entry.level);
  }
  return numbers;
}

Policy policy_from_numbers(const std::vector<int>& numbers, const SearchSettings& settings,
                           const std::string& origin) {
  const size_t ops = settings.space.ops.size();
  if (numbers.size() != 2 * ops * static_cast<size_t>(settings.copies)) {
    throw Error(origin + ": the policy has " + std::to_string(numbers.size()) +
                " numbers; this search has " + std::to_string(2 * ops * settings.copies));
  }
  Policy policy;
  for (size_t i = 0; 2 * i < numbers.size(); ++i) {
    const int tenths = numbers[2 * i], level = numbers[2 * i + 1];
    if (tenths < 0 || tenths > 10 || level < 0 || level >= settings.space.levels) {
      throw Error(origin + ": probability " + std::to_string(tenths) + " and level " +
                  std::to_string(level) + " are not on the grid");
    }
    policy.entries.push_back({static_cast<int>(i % ops), tenths / 10.0, level});
  }
  return policy;
}

double Population::spread() const {
  // Counts by value: of each pair of values, the distance times the number of pairs of members.
  const size_t n = members_.size(), numbers = low_.size();
  double sum = 0;
  std::vector<double> count;
  for (size_t k = 0; k < numbers; ++k) {
    const int values = high_[k] - low_[k] + 1;
    count.assign(static_cast<size_t>(values), 0);
    for (const Member& member : members_) ++count[member.genome.numbers[k] - low_[k]];
    double below = 0;  // members with smaller values: each step up separates them from the others
    for (size_t v = 0; v + 1 < count.size(); ++v) {
      below += count[v];
      sum += below * (static_cast<double>(n) - below);
    }
  }
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  return sum / pairs / static_cast<double>(numbers);
}

// Records behind a member, oldest first.
std::vector<uint32_t> Population::chain(int member) const {
  std::vector<uint32_t> links;
  uint32_t before = UINT32_MAX;
  for (int at = member;;) {
    const std::vector<uint32_t>& own = members_[at].records;
    const auto end = std::find_if(own.rbegin(), own.rend(),
                                  [&](uint32_t index) { return records_[index].order < before; });
    if (end == own.rend()) break;
    links.push_back(*end);
    before = records_[*end].order;
    at = records_[*end].donor;
  }
  std::reverse(links.begin(), links.end());
  return links;
}

std::vector<LineageStep> Population::lineage(int member) const {
  const std::vector<uint32_t> links = chain(member);
  std::vector<LineageStep> steps;
  if (links.empty()) return {{member, 0, genome(member)}};
  const Record& first = records_[links.front()];
  steps.push_back({first.donor, 0, unpack(first.before)});
  for (const uint32_t link : links) {
    const Record& record = records_[link];
    steps.push_back({record.target, record.donor_epochs, unpack(record.after)});
  }
  return steps;
}

Schedule Population::fold(int member) const {
  Schedule schedule;
  schedule.name = "member " + std::to_string(member);
  schedule.space = settings_.space;
  schedule.rule = settings_.rule;
  schedule.base = settings_.base;
  schedule.provenance = settings_.provenance;
  const std::vector<LineageStep> steps = lineage(member);
  Json genes = Json::array();
  for (size_t i = 0; i < steps.size(); ++i) {
    const int end = i + 1 < steps.size() ? steps[i + 1].first_epoch : members_[member].epochs;
    if (end <= steps[i].first_epoch) continue;  // copied, but not trained yet
    Segment segment{end - steps[i].first_epoch, steps[i].genome.policy};
    BaseTransforms base = settings_.base;
    Strengths strengths;
    for (const auto& [name, value] : steps[i].genome.genes) {
      apply_base_gene(base, name, value);
      apply_strength_gene(strengths, name, value);
    }
    segment.base = base;
    if (!(strengths == Strengths())) {
      segment.space = with_strengths(settings_.space, strengths);
    }
    schedule.segments.push_back(segment);
    genes.push_back(steps[i].genome.genes);
  }
  // The schedule has the base transforms of its end; segments say only what is different.
  if (!schedule.segments.empty()) schedule.base = *schedule.segments.back().base;
  for (Segment& segment : schedule.segments) {
    if (segment.base == schedule.base) segment.base.reset();
  }
  Json& p = schedule.provenance;
  if (!settings_.data.empty()) p["data"] = settings_.data;
  p["seed"] = settings_.seed;
  p["population"] = settings_.population;
  p["rounds"] = settings_.rounds();
  p["epochs_per_round"] = settings_.epochs_per_round;
  p["selection"] = selection_name(settings_.selection);
  p["metric"] = settings_.metric;
  if (members_[member].score) p["validation_score"] = *members_[member].score;
  if (!settings_.genes.empty()) p["genes"] = genes;
  return schedule;
}

std::string Population::published_log(int member) const {
  std::string text;
  for (const uint32_t link : chain(member)) {
    const Record& r = records_[link];
    text +=
        json_line(Json::array({std::to_string(r.target), std::to_string(r.donor), r.target_epochs,
                               r.donor_epochs, r.before.numbers, r.after.numbers})) +
        "\n";
  }
  return text;
}

}  // namespace popaug
