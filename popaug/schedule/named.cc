#include "popaug/schedule/named.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "popaug/schedule/exchange.h"

namespace popaug {
namespace {

constexpr std::string_view kEnding = ".schedule.json";

// RandAugment's bins (docs/pba.md#baselines): torchvision's default magnitude of 31.
constexpr int kDefaultCount = 2, kDefaultBin = 9;

// The probability of CutMix for CIFAR in its paper, and that of mixup, which mixes every image.
constexpr double kUsualCutMix = 0.5, kUsualMixup = 1;

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
      {"crop", [] { return only_base("crop"); }},
      {"flipcrop", [] { return only_base("flipcrop"); }},
      {"dihedral", [] { return only_base("dihedral"); }},
      {"flipcrop-cutout", [] { return only_base("cifar"); }},
      {"mild", [] { return mild_schedule(kMildStrength); }},
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
      {"crop", {.pad = 4}},
      {"flipcrop", {.pad = 4, .flip = 0.5}},
      // A flip or none, then one of the four turns: all eight symmetries of a square as often.
      {"dihedral", {.pad = 4, .flip = 0.5, .turn = 0.75}},
      {"cifar", {.pad = 4, .flip = 0.5, .cutout = 16}},
      {"svhn", {.cutout = 20}},
  };
  return all;
}

// Parses the numbers of "PREFIX-A" or "PREFIX-A-B"; empty if `name` has another form.
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
  using Kind = NumberedBaseline::Kind;
  if (baseline.kind == Kind::kRandAugment) {
    return randaugment_schedule(baseline.count, baseline.level);
  }
  if (baseline.kind == Kind::kMild) return mild_schedule(baseline.strength);
  Schedule schedule = trivial_schedule();
  schedule.space = with_strength(schedule.space, baseline.strength);
  return schedule;
}

std::map<std::string, Schedule>& registered() {
  static std::map<std::string, Schedule> all;
  return all;
}

Schedule named_baseline(const std::string& name) {
  if (const auto own = registered().find(name); own != registered().end()) return own->second;
  if (const std::string sentence = unregistered_recipe(name); !sentence.empty()) {
    throw UsageError(sentence);
  }
  for (const Baseline& baseline : baselines()) {
    if (name == baseline.name) return baseline.make();
  }
  if (const std::optional<NumberedBaseline> numbered = numbered_baseline(name)) {
    return schedule_of(*numbered);
  }
  throw UsageError(unknown_name("baseline", name, baseline_names()) +
                   " (or randaugment-N-M with 1..16 ops at bin 0..30, trivial-S with a strength "
                   "0..1, mild-S; each with +noflip, +dihedral, +cutmix or +mixup)");
}

}  // namespace

void register_baseline(const std::string& name, Schedule schedule) {
  const std::vector<std::string> built_in = baseline_names();
  if (std::find(built_in.begin(), built_in.end(), name) != built_in.end() ||
      numbered_baseline(name)) {
    throw UsageError("baseline " + quote(name) + " is a built-in one; choose another name");
  }
  schedule.name = name;
  registered().insert_or_assign(name, std::move(schedule));
}

bool is_registered_baseline(const std::string& name) { return registered().contains(name); }

std::vector<std::string> recipe_prefixes() {
  return {"timm:", "torchvision:", "albumentations:", "ultralytics:"};
}

std::string unregistered_recipe(const std::string& name) {
  for (const std::string& prefix : recipe_prefixes()) {
    if (!name.starts_with(prefix) || is_registered_baseline(name)) continue;
    return quote(name) + " is a recipe of another library, which this program cannot run by " +
           "itself: run the same command with the popaug of the Python package (pip install ., " +
           "then popaug compare, audit, choose or train), or call popaug.compare in Python";
  }
  return "";
}

void BaseWords::apply(BaseTransforms& base) const {
  if (symmetry != Symmetry::kAsItIs) {
    const BaseTransforms like = base_by_name(symmetry == Symmetry::kDihedral ? "dihedral" : "none");
    base.flip = like.flip;
    base.vflip = like.vflip;
    base.turn = like.turn;
  }
  if (cutmix > 0) base.cutmix = cutmix;
  if (mixup > 0) base.mixup = mixup;
}

std::string BaseWords::title() const {
  std::vector<std::string> words;
  if (symmetry == Symmetry::kNone) words.emplace_back("no flips");
  if (symmetry == Symmetry::kDihedral) words.emplace_back("all eight flips and turns");
  if (cutmix > 0) words.push_back("CutMix " + number_text(cutmix));
  if (mixup > 0) words.push_back("mixup " + number_text(mixup));
  return join(words, ", ");
}

bool take_word(const std::string& word, BaseWords& words) {
  using Symmetry = BaseWords::Symmetry;
  if (word == "noflip" || word == "dihedral") {
    if (words.symmetry != Symmetry::kAsItIs) return false;
    words.symmetry = word == "noflip" ? Symmetry::kNone : Symmetry::kDihedral;
    return true;
  }
  for (const bool cutmix : {true, false}) {
    const std::string name = cutmix ? "cutmix" : "mixup";
    double& place = cutmix ? words.cutmix : words.mixup;
    if (place > 0) continue;  // each once
    if (word == name) {
      place = cutmix ? kUsualCutMix : kUsualMixup;
      return true;
    }
    const std::vector<double> probability = numbers_of<double>(word, name);
    if (probability.size() == 1 && probability[0] > 0 && probability[0] <= 1) {
      place = probability[0];
      return true;
    }
  }
  return false;
}

std::optional<NumberedBaseline> numbered_baseline(const std::string& name) {
  const std::vector<int> cell = numbers_of<int>(name, "randaugment");
  if (cell.size() == 2 && cell[0] >= 1 && cell[0] <= 16 && cell[1] >= 0 && cell[1] <= 30) {
    return NumberedBaseline{
        .kind = NumberedBaseline::Kind::kRandAugment, .count = cell[0], .level = cell[1]};
  }
  const std::pair<const char*, NumberedBaseline::Kind> scaled[] = {
      {"trivial", NumberedBaseline::Kind::kTrivial}, {"mild", NumberedBaseline::Kind::kMild}};
  for (const auto& [prefix, kind] : scaled) {
    const std::vector<double> strength = numbers_of<double>(name, prefix);
    if (strength.size() == 1 && strength[0] >= 0 && strength[0] <= 1) {
      return NumberedBaseline{.kind = kind, .strength = strength[0]};
    }
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
  // Only a text that looks like a name needs the folder of shipped data.
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
  const std::vector<std::string> words = split(name, '+');
  BaseWords after;
  bool known = true;
  for (size_t i = 1; i < words.size(); ++i) known = known && take_word(words[i], after);
  Schedule schedule = named_baseline(known ? words[0] : name);
  after.apply(schedule.base);
  schedule.name = name;
  return schedule;
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

Schedule mild_schedule(double strength) {
  Schedule schedule;
  schedule.name = "mild";
  schedule.space = space_by_name("randaugment");
  schedule.rule = {.kind = RuleKind::kSubPolicies, .group = 3};
  schedule.base = base_by_name("flipcrop");
  schedule.base.pad = 2;
  const int level = static_cast<int>(std::lround(strength * (schedule.space.levels - 1)));
  const auto entry = [&](const char* op) {
    return PolicyEntry{schedule.space.index_of(op), 1, level};
  };
  Policy policy;
  for (const char* move : {"Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY"}) {
    for (const char* paint : {"Brightness", "Color", "Contrast"}) {
      for (const char* tone : {"AutoContrast", "Posterize", "Sharpness", "Solarize"}) {
        policy.entries.insert(policy.entries.end(), {entry(move), entry(paint), entry(tone)});
      }
    }
  }
  schedule.segments = {{1, policy}};
  check_schedule(schedule, "mild");
  return schedule;
}

Schedule trivial_schedule() { return all_ops("trivial", RuleKind::kTrivial, 0); }

}  // namespace popaug
