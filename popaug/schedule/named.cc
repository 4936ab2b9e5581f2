#include "popaug/schedule/named.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "popaug/schedule/exchange.h"

namespace popaug {
namespace {

constexpr std::string_view kEnding = ".schedule.json";

// RandAugment's bins (REFERENCE 7): torchvision's default magnitude of 31.
constexpr int kDefaultCount = 2, kDefaultBin = 9;

Schedule only_base(const std::string& base) {
  Schedule schedule;
  schedule.space = space_by_name("pba");
  schedule.rule.kind = RuleKind::kNone;
  schedule.base = base_by_name(base);
  schedule.segments = {Segment{}};
  return schedule;
}

// Every op of a space, always applied, at one level.
Schedule all_ops(const std::string& space, RuleKind kind, int level) {
  Schedule schedule;
  schedule.space = space_by_name(space);
  schedule.rule.kind = kind;
  schedule.base = base_by_name("flipcrop");
  schedule.segments = {{1, every_op(schedule.space, level)}};
  return schedule;
}

Schedule published_autoaugment(const std::string& file, const std::string& base) {
  const fs::path path = shipped_file("policies/" + file);
  Schedule schedule = import_autoaugment(read_file(path), show_path(path));
  schedule.base = base_by_name(base);
  return schedule;
}

struct Baseline {
  const char* name;
  std::function<Schedule()> make;
};

const std::vector<Baseline>& baselines() {
  static const std::vector<Baseline> all = {
      {"none", [] { return only_base("none"); }},
      {"flipcrop", [] { return only_base("flipcrop"); }},
      {"flipcrop-cutout", [] { return only_base("cifar"); }},
      {"randaugment", [] { return randaugment_schedule(kDefaultCount, kDefaultBin); }},
      {"trivial", [] { return trivial_schedule(); }},
      {"trivial-standard", [] { return all_ops("trivial-standard", RuleKind::kTrivial, 0); }},
      {"autoaugment-cifar10",
       [] { return published_autoaugment("autoaugment_cifar10.json", "cifar"); }},
      {"autoaugment-svhn", [] { return published_autoaugment("autoaugment_svhn.json", "svhn"); }},
  };
  return all;
}

struct NamedBase {
  const char* name;
  BaseTransforms base;
};

const std::vector<NamedBase>& bases() {
  static const std::vector<NamedBase> all = {
      {"none", {}},
      {"flipcrop", {.pad = 4, .flip = 0.5}},
      {"cifar", {.pad = 4, .flip = 0.5, .cutout = 16}},
      {"svhn", {.cutout = 20}},
  };
  return all;
}

// The numbers of "PREFIX-A" or "PREFIX-A-B"; empty if `name` is no such name.
template <typename Number>
std::vector<Number> numbers_of(const std::string& name, std::string_view prefix) {
  std::vector<Number> numbers;
  if (!name.starts_with(prefix)) return {};
  const char* end = name.data() + name.size();
  const char* at = name.data() + prefix.size();
  while (at < end) {
    Number number{};
    const auto [stop, code] = std::from_chars(at + 1, end, number);
    if (*at != '-' || code != std::errc()) return {};
    numbers.push_back(number);
    at = stop;
  }
  return numbers;
}

Schedule schedule_of(const NumberedBaseline& baseline) {
  if (baseline.count > 0) return randaugment_schedule(baseline.count, baseline.level);
  Schedule schedule = trivial_schedule();
  schedule.space = with_strength(schedule.space, baseline.strength);
  return schedule;
}

}  // namespace

std::optional<NumberedBaseline> numbered_baseline(const std::string& name) {
  const std::vector<int> cell = numbers_of<int>(name, "randaugment");
  if (cell.size() == 2 && cell[0] >= 1 && cell[0] <= 16 && cell[1] >= 0 && cell[1] <= 30) {
    return NumberedBaseline{.count = cell[0], .level = cell[1]};
  }
  const std::vector<double> strength = numbers_of<double>(name, "trivial");
  if (strength.size() == 1 && strength[0] >= 0 && strength[0] <= 1) {
    return NumberedBaseline{.strength = strength[0]};
  }
  return std::nullopt;
}

std::vector<std::string> shipped_schedule_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(shipped_file("schedules"))) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kEnding)) names.push_back(name.substr(0, name.size() - kEnding.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Schedule find_schedule(const std::string& name_or_path) {
  // Only what looks like a name needs the folder of shipped data.
  if (name_or_path.find('/') == std::string::npos && !name_or_path.ends_with(".json")) {
    const auto names = shipped_schedule_names();
    if (std::find(names.begin(), names.end(), name_or_path) != names.end()) {
      return load_schedule(shipped_file("schedules/" + name_or_path + std::string(kEnding)));
    }
    std::error_code ignored;
    if (!fs::exists(name_or_path, ignored)) {
      throw UsageError(unknown_name("schedule", name_or_path, names) +
                       "; nor is there such a file");
    }
  }
  return load_schedule(name_or_path);
}

std::vector<std::string> baseline_names() {
  std::vector<std::string> names;
  for (const Baseline& baseline : baselines()) names.push_back(baseline.name);
  return names;
}

Schedule baseline_schedule(const std::string& name) {
  for (const Baseline& baseline : baselines()) {
    if (name != baseline.name) continue;
    Schedule schedule = baseline.make();
    schedule.name = name;
    return schedule;
  }
  if (const std::optional<NumberedBaseline> numbered = numbered_baseline(name)) {
    Schedule schedule = schedule_of(*numbered);
    schedule.name = name;
    return schedule;
  }
  throw UsageError(unknown_name("baseline", name, baseline_names()) +
                   " (or randaugment-N-M with 1..16 ops at bin 0..30, trivial-S with a strength "
                   "0..1)");
}

std::vector<std::string> base_names() {
  std::vector<std::string> names;
  for (const NamedBase& base : bases()) names.push_back(base.name);
  return names;
}

BaseTransforms base_by_name(const std::string& name) {
  for (const NamedBase& base : bases()) {
    if (name == base.name) return base.base;
  }
  throw UsageError(unknown_name("base transforms", name, base_names()));
}

Schedule randaugment_schedule(int count, int level) {
  Schedule schedule = all_ops("randaugment", RuleKind::kRandAugment, level);
  schedule.rule.count = count;
  check_schedule(schedule, "randaugment");
  return schedule;
}

Schedule trivial_schedule() { return all_ops("trivial", RuleKind::kTrivial, 0); }

}  // namespace popaug
