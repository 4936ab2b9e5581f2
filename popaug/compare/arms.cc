#include "popaug/compare/arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "popaug/search/search.h"

namespace popaug {
namespace {

constexpr std::string_view kClean = "clean";
constexpr std::string_view kTuned = "randaugment-tuned";
constexpr std::string_view kChoose = "choose";
constexpr std::string_view kGate = "gate";

struct Kind {
  const char* name;
  const char* title;
  ArmFamily family;
  bool reference;
  bool needs_schedule;
};

constexpr Kind kKinds[] = {
    {"none", "no augmentation", ArmFamily::kFree, false, false},
    {"crop", "crop", ArmFamily::kFree, false, false},
    {"flipcrop", "flip + crop", ArmFamily::kFree, true, false},
    {"dihedral", "all eight flips and turns + crop", ArmFamily::kFree, false, false},
    {"flipcrop-cutout", "flip + crop + cutout", ArmFamily::kFree, false, false},
    {"mild", "three mild ops", ArmFamily::kFree, false, false},
    {"randaugment", "RandAugment", ArmFamily::kFree, true, false},
    {"randaugment-tuned", "RandAugment, tuned", ArmFamily::kLearned, false, false},
    {"trivial", "TrivialAugment", ArmFamily::kFree, true, false},
    {"trivial-standard", "TrivialAugment, standard ranges", ArmFamily::kFree, false, false},
    {"autoaugment-cifar10", "AutoAugment, policy of CIFAR-10", ArmFamily::kFree, false, false},
    {"autoaugment-svhn", "AutoAugment, policy of SVHN", ArmFamily::kFree, false, false},
    {"schedule", "the schedule", ArmFamily::kLearned, false, true},
    {"last", "its last policy, fixed", ArmFamily::kControl, false, true},
    {"flattened", "flattened: the policy of a random epoch", ArmFamily::kControl, false, true},
    {"shuffled", "its segments shuffled", ArmFamily::kControl, false, true},
    {"random", "one random policy, fixed", ArmFamily::kControl, false, true},
    {"drift", "drift: mutation without selection", ArmFamily::kControl, false, true},
    {"choose", "choose: what a screening chose", ArmFamily::kLearned, false, false},
    {"gate", "gate: what a screening that has the schedule chose", ArmFamily::kLearned, false,
     true},
};

// The parts of an arm's name.
struct Parts {
  std::string base;
  bool clean = false;
  BaseWords words = {};
  int epochs = 0;
};

Parts parts_of(const std::string& name) {
  Parts parts{name};
  if (is_registered_baseline(name)) return parts;  // whatever characters its name has
  if (const size_t at = name.find('@'); at != name.npos) {
    const char* end = name.data() + name.size();
    const auto [stop, code] = std::from_chars(name.data() + at + 1, end, parts.epochs);
    if (code != std::errc() || stop != end || parts.epochs < 1) {
      throw UsageError("setting \"arms\": expected ARM@EPOCHS with at least one epoch, found " +
                       quote(name));
    }
    parts.base.resize(at);
  }
  // The words behind the name, from the last: whatever is not one belongs to the name.
  for (size_t at = parts.base.rfind('+'); at != parts.base.npos; at = parts.base.rfind('+')) {
    const std::string word = parts.base.substr(at + 1);
    const bool clean = word == kClean && !parts.clean;
    if (!clean && !take_word(word, parts.words)) break;
    parts.clean = parts.clean || clean;
    parts.base.resize(at);
  }
  return parts;
}

// The lineage of a winner under mutation alone, with the same length as the schedule and with the
// space and base transforms of its end, as the other controls have.
Schedule drift_schedule(const Schedule& like, int epochs, uint64_t seed) {
  SearchSettings search;
  search.selection = Selection::kNone;
  const size_t end = like.segments.size() - 1;
  search.space = like.space_of(end);
  search.rule = like.rule;
  search.base = like.base_of(end);
  search.seed = seed;
  const Json& provenance = like.provenance;
  search.population = std::max(2, provenance.value("population", 16));
  const int rounds = std::max(2, provenance.value("rounds", 10));
  search.epochs = std::max(epochs, rounds);
  search.epochs_per_round = std::max(1, search.epochs / rounds);
  Population population(search);
  while (!population.finished()) {
    for (const int member : population.due()) population.tell(member, {});
  }
  return population.fold(population.winner());
}

Schedule base_schedule(const std::string& base, const ArmContext& context, int epochs,
                       uint64_t seed, const RandAugmentCell& tuned) {
  if (base == kTuned) return randaugment_schedule(tuned.count, tuned.level);
  const auto learned = [&] { return stretch(*context.schedule, epochs); };
  if (base == "schedule") return learned();
  if (base == "last") return last_policy(learned());
  if (base == "flattened") return flatten(learned());
  if (base == "shuffled") return shuffle_segments(learned(), seed);
  if (base == "random") return random_policy(learned(), seed);
  if (base == "drift") return drift_schedule(*context.schedule, epochs, seed);
  return baseline_schedule(base);
}

}  // namespace

std::vector<RandAugmentCell> randaugment_grid() { return {{1, 5}, {1, 9}, {2, 5}, {2, 14}}; }

std::string cell_name(const RandAugmentCell& cell) {
  return fmt::format("randaugment-{}-{}", cell.count, cell.level);
}

std::vector<std::string> arm_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

std::vector<std::string> default_arms(const std::optional<Schedule>& schedule) {
  std::vector<std::string> names = {"flipcrop", "randaugment", "trivial"};
  if (schedule) names.emplace_back("schedule");
  const bool changes = schedule && schedule->segments.size() > 1;
  if (changes) names.insert(names.end(), {"last", "flattened", "drift"});
  return names;
}

std::vector<std::string> free_arms() {
  return {"none",          "crop",    "flipcrop",        "dihedral",
          "mild+noflip",   "mild",    "randaugment",     "trivial-0.25",
          "trivial-0.5",   "trivial", "flipcrop+cutmix", "flipcrop+mixup",
          "trivial+cutmix"};
}

std::vector<std::string> expand_arms(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& name) {
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
  };
  for (const std::string& name : names) {
    if (name != "free") {
      all.push_back(name);  // listed twice is refused later
      continue;
    }
    for (const std::string& arm : free_arms()) add(arm);
  }
  return all;
}

Arm make_arm(const std::string& name, const ArmContext& context) {
  const Parts parts = parts_of(name);
  Arm arm;
  arm.name = name;
  arm.epochs = parts.epochs;
  const std::optional<NumberedBaseline> numbered = numbered_baseline(parts.base);
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& k) { return parts.base == k.name; });
  if (kind != std::end(kKinds)) {
    if (kind->needs_schedule && !context.schedule) {
      throw UsageError(
          "setting \"arms\": the arm " + quote(name) +
          " needs a learned schedule: add setting \"schedule\" FILE or setting \"run\" DIR");
    }
    arm.title = kind->title;
    arm.family = kind->family;
    arm.reference = kind->reference && !parts.clean && !parts.words.any();
    arm.tuned = parts.base == kTuned;
    arm.screened = parts.base == kChoose || parts.base == kGate;
    if (arm.screened && parts.clean) {
      throw UsageError("setting \"arms\": " + quote(name) +
                       ": its screening decides what the arm is; a clean tail cannot be added");
    }
    if (arm.screened && parts.words.any()) {
      throw UsageError("setting \"arms\": " + quote(name) +
                       ": its screening decides what the arm is; nothing can be added");
    }
    const bool of_search = kind->needs_schedule && parts.base != "random" && parts.base != "drift";
    if (of_search) arm.search_images = context.search_images;
  } else if (numbered && numbered->kind == NumberedBaseline::Kind::kRandAugment) {
    arm.title = fmt::format("RandAugment, {} ops at bin {}", numbered->count, numbered->level);
  } else if (numbered) {
    const bool mild = numbered->kind == NumberedBaseline::Kind::kMild;
    arm.title = fmt::format("{}, strength {:g}", mild ? "three mild ops" : "TrivialAugment",
                            numbered->strength);
  } else if (is_registered_baseline(parts.base)) {
    arm.title = parts.base;
    const Json provenance = baseline_schedule(parts.base).provenance;
    arm.search_images = provenance.value("images_trained", int64_t{0}) +
                        provenance.value("images_evaluated", int64_t{0});
    if (arm.search_images > 0) arm.family = ArmFamily::kLearned;
    arm.reference = arm.search_images == 0 && !parts.clean && !parts.words.any();
  } else if (const std::string sentence = unregistered_recipe(parts.base); !sentence.empty()) {
    throw UsageError("setting \"arms\": " + sentence);
  } else {
    throw UsageError("setting \"arms\": " + unknown_name("arm", parts.base, arm_names()) +
                     " (or randaugment-N-M, trivial-S, mild-S, each with +noflip, +dihedral, "
                     "+cutmix, +mixup, +clean or @EPOCHS)");
  }
  if (parts.words.any()) arm.title += ", " + parts.words.title();
  if (parts.clean) arm.title += ", clean tail";
  if (parts.epochs > 0) arm.title += fmt::format(", {} epochs", parts.epochs);
  return arm;
}

bool screens_schedule(const Arm& arm) { return parts_of(arm.name).base == kGate; }

Schedule arm_schedule(const Arm& arm, const ArmContext& context, int epochs, uint64_t seed,
                      const RandAugmentCell& tuned) {
  POPAUG_ASSERT(!arm.screened);
  const Parts parts = parts_of(arm.name);
  Schedule schedule = stretch(base_schedule(parts.base, context, epochs, seed, tuned), epochs);
  schedule.change_bases([&](BaseTransforms& base) { parts.words.apply(base); });
  if (parts.clean) schedule = with_clean_tail(schedule, context.clean_share);
  schedule.name = arm.name;
  return schedule;
}

}  // namespace popaug
