#include "popaug/experiment/choose.h"

#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/screening.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/weights.h"

namespace popaug {
namespace {

void check_length(const ChooseRequest& request) {
  if (request.resume && request.budget_seconds > 0) {
    throw UsageError(name_setting("budget") +
                     ": a screening that is resumed keeps the budget of its config.toml");
  }
  const ExperimentSettings& settings = request.settings;
  if (settings.budget_images == 0 && request.budget_seconds == 0 && settings.epochs == 0) {
    throw UsageError(name_setting("budget") + " is missing: say how long all may take, such as " +
                     name_setting("budget") + " 30m, or give " + name_setting("epochs"));
  }
}

void train_winner(const ScreenSettings& screen, const ScreenOutcome& outcome,
                  const ExperimentSettings& settings, const Inputs& inputs,
                  const ChooseRequest& request, const std::shared_ptr<RunDirectory>& directory,
                  Progress& progress, const StopToken& stop) {
  const Schedule schedule = arm_schedule(make_arm(outcome.winner, screen.context), screen.context,
                                         screen.epochs, screen.seed);
  save_schedule(schedule, request.out / "used.schedule.json");
  TrainOptions options;
  options.run = directory;
  options.resume_command = request.resume_command;
  training().train_network(settings.train, schedule, inputs.data.classes,
                           {inputs.train_split, all_labelled(inputs)}, screen.seed, request.out,
                           progress, stop, options);
}

}  // namespace

ChosenArm choose_arm(const ChooseRequest& request, Progress& progress, const StopToken& stop) {
  check_length(request);
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kChooseVerb);
  ExperimentSettings settings = request.settings;
  find_data(settings, request.out, request.resume, request.resume_command);
  // Read the images.
  find_weights(settings);
  check_learner(settings);
  const Inputs inputs = read_inputs(settings, true, progress);
  for (const std::string& note : inputs.notes) {
    if (note != inputs.division_note) progress.line("note: " + note);  // folds validate instead
  }
  const int workers = worker_count(settings);
  check_memory(settings, inputs, workers);
  // Turn the time into images, by a short measurement.
  ScreenSettings screen = screen_settings(settings, inputs);
  const int64_t final_images = images_of_epoch(all_labelled(inputs).size(), settings);
  if (request.budget_seconds > 0) {
    settings.budget_images =
        images_in_time(request.budget_seconds, screen, final_images, settings, inputs, stop);
  }
  plan_screening(screen, settings, final_images, progress);
  // config.toml has what was planned, so that a resume plans nothing else.
  settings.epochs = screen.epochs;
  settings.trainings = screen.trainings;
  // Say in the run directory what is screened.
  record_left_out(*directory, inputs);
  directory->write_start("config.toml", settings_toml(settings, kChooseVerb));
  record_split(*directory, inputs);
  // Screen; then train with the winner.
  ChosenArm chosen;
  if (inputs.test_split != nullptr) chosen.test_data = settings.images.data;
  try {
    chosen.screening = run_screen(screen, fold_trainers(settings, inputs, screen.folds),
                                  {request.out, workers, directory}, progress, stop);
  } catch (const Interrupted&) {
    throw Interrupted("the screening was stopped; continue with: " + request.resume_command);
  }
  write_file_atomic(request.out / "choose.json", json_pretty(screen_to_json(chosen.screening)));
  progress.line("chosen: " + chosen.screening.winner + ": " + chosen.screening.why);
  train_winner(screen, chosen.screening, settings, inputs, request, directory, progress, stop);
  return chosen;
}

}  // namespace popaug
