#include "popaug/experiment/screen_search.h"

#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/screening.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/version.h"
#include "popaug/experiment/weights.h"
#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

// A screening whose images are read and whose length is decided.
struct ReadyScreening {
  ExperimentSettings settings;
  Inputs inputs;
  ScreenSettings screen;
};

void check_screened(const SearchRequest& request) {
  const ExperimentSettings& settings = request.settings;
  if (!trains_here(settings)) {
    throw UsageError(name_setting("method") + " screen trains networks in this program: leave " +
                     name_setting("trainer") + " and " + name_setting("worker_cmd") +
                     " out, or set " + name_setting("method") + " to pba");
  }
  const SearchRequest usual;
  for (const auto& [name, given] :
       {std::pair("attempts", request.attempts != usual.attempts),
        std::pair("worker_silence", request.silence_seconds != usual.silence_seconds)}) {
    if (!given) continue;
    throw UsageError(name_setting(name) + " is about workers of a population, and " +
                     name_setting("method") + " screen has none: leave it out");
  }
  if (request.resume && request.budget_seconds > 0) {
    throw UsageError(name_setting("budget") +
                     " fits a search before it starts; a resumed run keeps its numbers");
  }
  if (settings.epochs == 0 && request.budget_seconds == 0) {
    throw UsageError("how long to search is missing: give " + name_setting("epochs") + ", a " +
                     name_setting("budget") + " or a " + name_setting("preset"));
  }
}

ReadyScreening make_ready(const SearchRequest& request, Progress& progress, const StopToken& stop) {
  check_screened(request);
  ReadyScreening ready{request.settings, {}, {}};
  ExperimentSettings& settings = ready.settings;
  find_data(settings, request.out, request.resume, request.resume_command);
  find_weights(settings);
  check_learner(settings);
  ready.inputs = read_inputs(settings, true, progress);
  for (const std::string& note : ready.inputs.notes) {
    if (note != ready.inputs.division_note) progress.line("note: " + note);  // folds validate
  }
  check_memory(settings, ready.inputs, worker_count(settings));
  ready.screen = screen_settings(settings, ready.inputs);
  if (request.budget_seconds > 0) {
    settings.budget_images =
        images_in_time(request.budget_seconds, ready.screen, 0, settings, ready.inputs, stop);
  } else if (settings.trainings == 0) {
    settings.trainings = kSearchTrainings;
  }
  plan_screening(ready.screen, settings, 0, progress);
  // config.toml has what was planned, so that a resume plans nothing else.
  settings.epochs = ready.screen.epochs;
  settings.trainings = ready.screen.trainings;
  settings.budget_images = 0;
  return ready;
}

Schedule winning_schedule(const ReadyScreening& ready, const ScreenOutcome& outcome) {
  const ScreenSettings& screen = ready.screen;
  Schedule schedule = arm_schedule(make_arm(outcome.winner, screen.context), screen.context,
                                   screen.epochs, screen.seed);
  const bool scale_pixels = !ready.settings.train.paper_pixels;
  schedule.change_bases([=](BaseTransforms& base) { base.scale_pixels = scale_pixels; });
  const Inputs& inputs = ready.inputs;
  Json& about = schedule.provenance;
  about["tool"] = std::string("popaug ") + popaug_version();
  about["method"] = "screen";
  about["arm"] = outcome.winner;
  about["seed"] = screen.seed;
  about["data"] = inputs.fingerprint;
  about["searched"] = {fingerprint(*inputs.train_split)};
  if (inputs.validation_split != inputs.train_split) {
    about["searched"].push_back(fingerprint(*inputs.validation_split));
  }
  about["network"] = ready.settings.train.network;
  about["classes"] = inputs.data.classes.size();
  about["images_trained"] = outcome.images_trained;
  about["images_evaluated"] = outcome.images_evaluated;
  return schedule;
}

}  // namespace

ScreenedSchedule screen_schedule(const SearchRequest& request, Progress& progress,
                                 const StopToken& stop) {
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kSearchVerb);
  // Check all, read the images, decide how long to screen.
  const ReadyScreening ready = make_ready(request, progress, stop);
  const ExperimentSettings& settings = ready.settings;
  // Say in the run directory what is screened; then screen.
  record_left_out(*directory, ready.inputs);
  directory->write_start("config.toml", settings_toml(settings, kSearchVerb));
  record_split(*directory, ready.inputs);
  ScreenedSchedule found;
  found.settings = settings;
  try {
    const ScreenOptions options{request.out, worker_count(settings), directory};
    found.screening =
        run_screen(ready.screen, fold_trainers(settings, ready.inputs, ready.screen.folds), options,
                   progress, stop);
  } catch (const Interrupted&) {
    throw Interrupted("the search was stopped; continue with: " + request.resume_command);
  }
  write_file_atomic(request.out / "choose.json", json_pretty(screen_to_json(found.screening)));
  found.schedule = winning_schedule(ready, found.screening);
  save_schedule(found.schedule, request.out / "best.schedule.json");
  return found;
}

SearchPlan estimate_screening(const SearchRequest& request, Progress& progress,
                              const StopToken& stop) {
  const ReadyScreening ready = make_ready(request, progress, stop);
  const ScreenSettings& screen = ready.screen;
  SearchPlan plan;
  plan.screens = true;
  plan.members = screen.trainings;
  plan.rounds = 1;
  plan.epochs = screen.epochs;
  plan.workers = worker_count(ready.settings);
  plan.images_trained = int64_t{screen.trainings} * screen.epochs * screen.fold_images;
  const auto labelled = static_cast<double>(all_labelled(ready.inputs).size());
  plan.images_evaluated =
      static_cast<int64_t>(screen.trainings * images_evaluated(screen, labelled / screen.folds));
  const ScreeningCost cost = measure_screening(screen, 0, ready.settings, ready.inputs, stop);
  plan.seconds = cost.seconds;
  plan.memory_bytes = cost.memory_bytes;
  return plan;
}

}  // namespace popaug
