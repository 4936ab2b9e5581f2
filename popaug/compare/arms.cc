#include "popaug/compare/arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "popaug/search/search.h"

namespace popaug {
namespace {

constexpr std::string_view kClean = "+clean";
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
    {"flipcrop", "flip + crop", ArmFamily::kFree, true, false},
    {"flipcrop-cutout", "flip + crop + cutout", ArmFamily::kFree, false, false},
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
    {"choose", "choose: what a race of the free arms chose", ArmFamily::kLearned, false, false},
    {"gate", "gate: what a race of the free arms and the schedule chose", ArmFamily::kLearned,
     false, true},
};

// An arm's name taken apart.
struct Parts {
  std::string base;
  bool clean = false;
  int epochs = 0;
};

Parts parts_of(const std::string& name) {
  Parts parts{name};
  if (const size_t at = name.find('@'); at != name.npos) {
    const char* end = name.data() + name.size();
    const auto [stop, code] = std::from_chars(name.data() + at + 1, end, parts.epochs);
    if (code != std::errc() || stop != end || parts.epochs < 1) {
      throw UsageError("--arms: expected ARM@EPOCHS with at least one epoch, found " + quote(name));
    }
    parts.base.resize(at);
  }
  if (parts.base.ends_with(kClean)) {
    parts.clean = true;
    parts.base.resize(parts.base.size() - kClean.size());
  }
  return parts;
}

// A winner's lineage under mutation alone, as long and in the same space as the schedule.
Schedule drift_schedule(const Schedule& like, int epochs, uint64_t seed) {
  SearchSettings search;
  search.selection = Selection::kNone;
  search.space = like.space;
  search.rule = like.rule;
  search.base = like.base;
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
      throw UsageError("--arms: the arm " + quote(name) +
                       " needs a learned schedule: add --schedule FILE or --run DIR");
    }
    arm.title = kind->title;
    arm.family = kind->family;
    arm.reference = kind->reference && !parts.clean;
    arm.tuned = parts.base == kTuned;
    arm.raced = parts.base == kChoose || parts.base == kGate;
    if (arm.raced && parts.clean) {
      throw UsageError("--arms: " + quote(name) +
                       ": arms with a clean tail are in the race already");
    }
    const bool of_search = kind->needs_schedule && parts.base != "random" && parts.base != "drift";
    if (of_search) arm.search_images = context.search_images;
  } else if (numbered && numbered->count > 0) {
    arm.title = fmt::format("RandAugment, {} ops at bin {}", numbered->count, numbered->level);
  } else if (numbered) {
    arm.title = fmt::format("TrivialAugment, strength {:g}", numbered->strength);
  } else {
    throw UsageError("--arms: " + unknown_name("arm", parts.base, arm_names()) +
                     " (or randaugment-N-M, trivial-S, each with +clean or @EPOCHS)");
  }
  if (parts.clean) arm.title += ", clean tail";
  if (parts.epochs > 0) arm.title += fmt::format(", {} epochs", parts.epochs);
  return arm;
}

bool races_with_schedule(const Arm& arm) { return parts_of(arm.name).base == kGate; }

Schedule arm_schedule(const Arm& arm, const ArmContext& context, int epochs, uint64_t seed,
                      const RandAugmentCell& tuned) {
  POPAUG_ASSERT(!arm.raced);
  const Parts parts = parts_of(arm.name);
  Schedule schedule = stretch(base_schedule(parts.base, context, epochs, seed, tuned), epochs);
  if (parts.clean) schedule = with_clean_tail(schedule, context.clean_share);
  schedule.name = arm.name;
  return schedule;
}

}  // namespace popaug
