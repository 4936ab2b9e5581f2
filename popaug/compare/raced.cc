#include "popaug/compare/raced.h"

#include <cmath>

namespace popaug {
namespace {

// Above the seeds that a comparison takes, and apart by more than a race has rounds.
constexpr uint64_t kFirstRaceSeed = 1000000;
constexpr uint64_t kSeedsOfARace = 100;

}  // namespace

RaceSettings race_of(const CompareSettings& settings, const Arm& arm, uint64_t seed) {
  RaceSettings race;
  race.context = settings.context;
  if (!races_with_schedule(arm)) race.context.schedule.reset();
  race.arms = racing_arms(race.context);
  race.train_images = settings.race_train_images;
  race.final_images = settings.train_images;
  race.share = settings.race_share;
  race.epochs = settings.epochs;
  const auto final_images = static_cast<double>(settings.epochs * settings.train_images);
  race.budget_images = static_cast<int64_t>(std::ceil(final_images / (1 - race.share))) + 1;
  race.seed = kFirstRaceSeed + kSeedsOfARace * seed;
  race.data = settings.data;
  race.trainer = settings.trainer;
  return race;
}

int64_t most_race_images(const CompareSettings& settings, const Arm& arm) {
  if (!arm.raced) return 0;
  const RaceSettings race = race_of(settings, arm, 0);
  try {
    return plan_race(race).race_images;
  } catch (const UsageError& error) {
    throw UsageError("the race of the arm " + quote(arm.name) + ": " + error.what() +
                     "; give more epochs or a larger --share");
  }
}

std::vector<RaceOutcome> race_arms(const CompareSettings& settings, const Arm& arm,
                                   const ArmTrainerFactory& factory, const CompareOptions& options,
                                   Progress& progress, const StopToken& stop) {
  std::vector<RaceOutcome> outcomes;
  for (const uint64_t seed : settings.seeds) {
    const fs::path folder = options.directory / "races" / (arm.name + "-" + std::to_string(seed));
    fs::create_directories(folder);
    const RaceSettings race = race_of(settings, arm, seed);
    outcomes.push_back(run_race(race, factory, {folder, options.workers}, progress, stop));
    write_file_atomic(folder / "choose.json", json_pretty(race_to_json(outcomes.back())));
    progress.line("seed " + std::to_string(seed) + ", " + arm.name + ": " + outcomes.back().winner);
  }
  return outcomes;
}

}  // namespace popaug
