#include "popaug/compare/comparison.h"

#include <algorithm>
#include <map>
#include <set>

#include "popaug/compare/arm_screen.h"

namespace popaug {
namespace {

constexpr int kVersion = 2;

// The settings that all runs of a comparison share; those of a resumed comparison must be equal.
Json common_settings(const CompareSettings& settings) {
  return {{"format", "popaug-compare"},
          {"version", kVersion},
          {"epochs", settings.epochs},
          {"train_images", settings.train_images},
          {"charge_search", settings.charge_search},
          {"clean_share", settings.context.clean_share},
          {"data", settings.data},
          {"trainer", settings.trainer}};
}

// The trainings of "randaugment-tuned": each cell once, under the first seed, judged by validation.
std::vector<ArmJob> tuning_jobs(const CompareSettings& settings) {
  std::vector<ArmJob> jobs;
  for (const RandAugmentCell& cell : randaugment_grid()) {
    const Arm arm = make_arm(cell_name(cell), settings.context);
    jobs.push_back({arm.name, settings.seeds.front(), Judge::kValidation,
                    arm_schedule(arm, settings.context, settings.epochs, settings.seeds.front())});
  }
  return jobs;
}

// Chooses the best cell of the grid, the first of equal ones. The arms that use it pay for the
// tuning.
RandAugmentCell take_tuning(const std::vector<ArmJob>& jobs, const ArmResults& file,
                            std::vector<Arm>& arms) {
  const std::vector<RandAugmentCell> grid = randaugment_grid();
  size_t best = 0;
  int64_t images = 0;
  double accuracy = -1;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const ArmResult& result = *file.find(jobs[i].arm, jobs[i].seed, jobs[i].judge);
    images += result.images_trained + result.tested;
    if (result.accuracy > accuracy) {
      accuracy = result.accuracy;
      best = i;
    }
  }
  for (Arm& arm : arms) {
    if (!arm.tuned) continue;
    arm.search_images = images;
    arm.title += " (" + jobs[best].arm.substr(std::string_view("randaugment-").size()) + ")";
  }
  return grid[best];
}

// The largest number of images trained before the training of an arm starts.
int64_t search_cost(const CompareSettings& settings, const Arm& arm) {
  return arm.search_images + screen_images(settings, arm);
}

// The arms that train in place of a screened arm under each seed of the settings. If the lengths
// agree, that is the same training as the winner's own arm.
std::vector<Arm> stand_ins(const CompareSettings& settings, const Arm& arm,
                           const std::vector<ScreenOutcome>& screenings) {
  const int epochs = arm_epochs(settings, arm);
  std::vector<Arm> winners;
  for (const ScreenOutcome& screening : screenings) {
    Arm winner = make_arm(screening.winner, settings.context);
    if (arm_epochs(settings, winner) != epochs) {
      winner = make_arm(screening.winner + "@" + std::to_string(epochs), settings.context);
    }
    winners.push_back(winner);
  }
  return winners;
}

// "choose took flipcrop (8 times), trivial-0.25 (once)"
std::string choices_text(const Arm& arm, const std::vector<ScreenOutcome>& screenings) {
  std::map<std::string, int> counts;
  for (const ScreenOutcome& screening : screenings) ++counts[screening.winner];
  std::vector<std::string> parts;
  for (const auto& [winner, count] : counts) {
    parts.push_back(winner + (count == 1 ? " (once)" : " (" + std::to_string(count) + " times)"));
  }
  return arm.name + " took " + join(parts, ", ");
}

// Adds the cost of its screenings to a screened arm, averaged over the seeds.
Arm with_screening_cost(Arm arm, const std::vector<ScreenOutcome>& screenings) {
  int64_t images = 0;
  for (const ScreenOutcome& screening : screenings)
    images += screening.images_trained + screening.images_evaluated;
  arm.search_images += images / static_cast<int64_t>(screenings.size());
  return arm;
}

}  // namespace

bool tunes(const std::vector<Arm>& arms) {
  return std::any_of(arms.begin(), arms.end(),
                     [](const Arm& arm) { return arm.tuned || arm.screened; });
}

int arm_epochs(const CompareSettings& settings, const Arm& arm) {
  if (arm.epochs > 0) return arm.epochs;
  if (!settings.charge_search || settings.train_images == 0) return settings.epochs;
  int64_t dearest = 0;
  for (const Arm& other : settings.arms) dearest = std::max(dearest, search_cost(settings, other));
  const int64_t spare = dearest - search_cost(settings, arm);
  return settings.epochs + static_cast<int>(spare / settings.train_images);
}

void check_comparison(const CompareSettings& settings) {
  if (settings.arms.empty()) throw UsageError("setting \"arms\": name at least one arm");
  if (settings.seeds.empty()) throw UsageError("setting \"seeds\": give at least one seed");
  const auto budget = [&](const Arm& arm) {
    return arm_epochs(settings, arm) * settings.train_images +
           (settings.charge_search ? search_cost(settings, arm) : 0);
  };
  for (size_t i = 0; i < settings.arms.size(); ++i) {
    const Arm& arm = settings.arms[i];
    for (size_t j = 0; j < i; ++j) {
      if (settings.arms[j].name == arm.name) {
        throw UsageError("setting \"arms\": " + quote(arm.name) + " is listed twice");
      }
      const int64_t difference = std::abs(budget(settings.arms[j]) - budget(arm));
      if (!settings.unequal && difference >= std::max<int64_t>(1, settings.train_images)) {
        throw UsageError(
            "the arms " + quote(settings.arms[j].name) + " and " + quote(arm.name) +
            " have budgets of " + std::to_string(budget(settings.arms[j])) + " and " +
            std::to_string(budget(arm)) +
            " images: a comparison needs equal ones; setting \"unequal\" allows different ones");
      }
    }
  }
}

ComparisonRuns run_comparison(const CompareSettings& settings, const ArmTrainerFactory& factory,
                              const CompareOptions& options, Progress& progress,
                              const StopToken& stop) {
  std::shared_ptr<RunDirectory> run = options.run;
  if (!run) {
    run = std::make_shared<RunDirectory>(options.directory, comparison_run(),
                                         options.resume ? RunStart::kEither : RunStart::kNew);
  }
  ArmResults file(options.directory / "runs.jsonl", common_settings(settings), "comparison",
                  options.resume);
  run->confirm();
  if (options.accepted) options.accepted();
  CompareSettings priced = settings;
  ComparisonRuns runs;
  RandAugmentCell tuned;
  const auto tuned_arm = [](const Arm& arm) { return arm.tuned; };
  if (std::any_of(priced.arms.begin(), priced.arms.end(), tuned_arm)) {
    const std::vector<ArmJob> jobs = tuning_jobs(settings);
    run_jobs(jobs, file, factory, options.directory, options.workers, progress, stop);
    tuned = take_tuning(jobs, file, priced.arms);
    runs.notes.push_back("RandAugment was tuned on the validation images under seed " +
                         std::to_string(settings.seeds.front()) + ": " + cell_name(tuned) +
                         " was the best of " + std::to_string(jobs.size()));
  }
  std::map<std::string, std::vector<ScreenOutcome>> screenings;
  std::map<std::string, std::vector<Arm>> winners;
  for (const Arm& arm : priced.arms) {
    if (!arm.screened) continue;
    screenings[arm.name] = screen_arms(priced, arm, options, progress, stop);
    winners[arm.name] = stand_ins(priced, arm, screenings[arm.name]);
    runs.notes.push_back(choices_text(arm, screenings[arm.name]));
  }
  const auto trained = [&](const Arm& arm, size_t seed) -> const Arm& {
    return arm.screened ? winners[arm.name][seed] : arm;
  };
  std::vector<ArmJob> jobs;  // seed by seed, so that an early stop leaves whole pairs
  std::set<std::pair<std::string, uint64_t>> listed;
  for (size_t s = 0; s < settings.seeds.size(); ++s) {
    const uint64_t seed = settings.seeds[s];
    for (const Arm& each : priced.arms) {
      const Arm& arm = trained(each, s);
      if (!listed.emplace(arm.name, seed).second) continue;
      jobs.push_back({arm.name, seed, Judge::kTest,
                      arm_schedule(arm, settings.context, arm_epochs(priced, arm), seed, tuned)});
    }
  }
  run_jobs(jobs, file, factory, options.directory, options.workers, progress, stop);
  for (Arm& arm : priced.arms) {
    for (size_t s = 0; s < settings.seeds.size(); ++s) {
      ArmResult result = *file.find(trained(arm, s).name, settings.seeds[s], Judge::kTest);
      if (arm.screened) {
        result.arm = arm.name;
        result.seconds += screenings[arm.name][s].seconds;
      }
      runs.results.push_back(result);
    }
    if (arm.screened) arm = with_screening_cost(arm, screenings[arm.name]);
  }
  runs.arms = priced.arms;
  return runs;
}

}  // namespace popaug
