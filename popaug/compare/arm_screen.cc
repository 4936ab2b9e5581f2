#include "popaug/compare/arm_screen.h"

namespace popaug {
namespace {

// Above the seeds that a comparison takes, and apart by more than a screening has folds.
constexpr uint64_t kFirstScreenSeed = 1000000;
constexpr uint64_t kSeedsOfAScreening = 100;

}  // namespace

ScreenSettings screen_of(const CompareSettings& settings, const Arm& arm, uint64_t seed) {
  ScreenSettings screen;
  screen.context = settings.context;
  if (!screens_schedule(arm)) screen.context.schedule.reset();
  screen.recipes = grid_recipes(screen.context, settings.square);
  screen.folds = settings.folds;
  screen.trainings = settings.trainings;
  screen.epochs = settings.epochs;
  screen.fold_images = settings.fold_images;
  screen.classes = settings.classes;
  screen.seed = kFirstScreenSeed + kSeedsOfAScreening * seed;
  screen.data = settings.data;
  screen.trainer = settings.trainer;
  return screen;
}

int64_t screen_images(const CompareSettings& settings, const Arm& arm) {
  if (!arm.screened) return 0;
  return int64_t{settings.trainings} * settings.epochs * settings.fold_images;
}

std::vector<ScreenOutcome> screen_arms(const CompareSettings& settings, const Arm& arm,
                                       const CompareOptions& options, Progress& progress,
                                       const StopToken& stop) {
  std::vector<ScreenOutcome> outcomes;
  for (const uint64_t seed : settings.seeds) {
    const fs::path screenings = options.directory / "screenings";
    const fs::path folder = screenings / (arm.name + "-" + std::to_string(seed));
    make_run_folder(screenings);
    make_run_folder(folder);
    remove_temporaries(folder, [](std::string_view name) { return name == "choose.json"; });
    const ScreenSettings screen = screen_of(settings, arm, seed);
    outcomes.push_back(
        run_screen(screen, options.fold_trainers, {folder, options.workers}, progress, stop));
    write_file_atomic(folder / "choose.json", json_pretty(screen_to_json(outcomes.back())));
    progress.event("seed " + std::to_string(seed) + ", " + arm.name + ": " +
                   outcomes.back().winner);
  }
  return outcomes;
}

}  // namespace popaug
