#include "popaug/experiment/training.h"

#include "popaug/experiment/images.h"
#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/weights.h"

namespace popaug {
namespace {

// The baseline or schedule of the settings as a schedule of exactly the training's length. Without
// either: flip and crop.
Schedule training_schedule(const ExperimentSettings& settings) {
  if (!settings.plugin.empty()) load_plugin(settings.plugin);
  // A preset names a schedule; a value for the other word replaces it, so a baseline wins.
  const bool baseline = !settings.augment.empty() || settings.schedule.empty();
  const std::string name = settings.augment.empty() ? "flipcrop" : settings.augment;
  const Schedule schedule = baseline ? baseline_schedule(name) : find_schedule(settings.schedule);
  const int epochs = settings.epochs > 0 ? static_cast<int>(settings.epochs) : schedule.epochs();
  if (baseline && settings.epochs == 0) {
    throw UsageError("how long to train is missing: give " + name_setting("epochs") +
                     " (a baseline has no length)");
  }
  return stretch(schedule, epochs);
}

// The schedule with what settings of the training change of its base transforms.
Schedule as_trained(Schedule schedule, const TrainSettings& settings) {
  schedule.change_bases([&](BaseTransforms& base) { base = trained_base(base, settings); });
  return schedule;
}

// A resume replaces best.safetensors only after a better epoch, so one that is damaged or missing
// would stay so. Throws Error then.
void check_best_weights(const TrainingApi& api, const fs::path& out) {
  const fs::path best = out / "best.safetensors", checkpoint = out / "checkpoint.safetensors";
  if (!fs::exists(checkpoint)) return;  // starts from the beginning
  const CheckpointInfo info = api.read_checkpoint_info(checkpoint);
  const int64_t epoch =
      JsonReader(info.extra, show_path(checkpoint)).integer_or("best_epoch", 0, INT32_MAX, 0);
  if (epoch == 0) return;
  if (!fs::exists(best)) {
    throw Error(show_path(best) + " is missing, the weights after epoch " + std::to_string(epoch) +
                ", which was the best. Restore it from a copy, or train into another directory");
  }
  api.read_checkpoint_info(best);
}

Json result_json(const ExperimentSettings& settings, const Schedule& schedule, const Inputs& inputs,
                 const TrainReport& report) {
  return {{"format", "popaug-result"},
          {"version", 1},
          {"kind", "train"},
          {"network", settings.train.network},
          {"schedule", schedule.name},
          {"epochs", schedule.epochs()},
          {"images_trained", report.images_trained},
          {"steps", report.steps},
          {"train_images", inputs.train.size()},
          {"train_loss", report.train_loss.empty() ? Json() : Json(report.train_loss.back())},
          {"best_epoch", report.best_epoch},
          {"seconds", report.seconds},
          {"seed", settings.seed},
          {"data", inputs.fingerprint}};
}

}  // namespace

TrainedNetwork train_with_schedule(const TrainingRequest& request, Progress& progress,
                                   const StopToken& stop) {
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kTrainVerb);
  ExperimentSettings settings = request.settings;
  find_data(settings, request.out, request.resume, request.resume_command);
  // Find the schedule, then read the images.
  TrainedNetwork trained;
  trained.schedule = training_schedule(settings);
  find_weights(settings);
  check_learner(settings);
  const Inputs inputs = read_inputs(settings, false, progress);
  for (const std::string& note : inputs.notes) progress.line("note: " + note);
  check_schedule_fits(trained.schedule, inputs.train_split->width, inputs.train_split->height,
                      trained.schedule.name);
  if (inputs.test_split != nullptr) trained.test_data = settings.images.data;
  // Open the library, and see whether the training fits the images and the memory.
  const TrainingApi& api = training();
  api.check_training(settings.train, inputs.train.size());
  check_memory(settings, inputs, 1);
  // Say in the run directory what is trained.
  record_left_out(*directory, inputs);
  directory->write_start("config.toml", settings_toml(settings, kTrainVerb));
  directory->write_derived("used.schedule.json",
                           schedule_text(as_trained(trained.schedule, settings.train)));
  // Train, and write the result.
  TrainOptions options;
  options.resume = request.resume;
  options.run = directory;
  options.resume_command = request.resume_command;
  if (!inputs.validation.empty()) {
    check_best_weights(api, request.out);
    options.validation = {inputs.validation_split, inputs.validation};
  }
  with_data_place(settings, kTrainVerb, request.out, request.resume, [&] {
    trained.report = api.train_network(settings.train, trained.schedule, inputs.data.classes,
                                       {inputs.train_split, inputs.train}, settings.seed,
                                       request.out, progress, stop, options);
  });
  // A resume found that the checkpoint rests on these very settings and images.
  directory->confirm();
  trained.result = result_json(settings, trained.schedule, inputs, trained.report);
  write_file_atomic(request.out / "result.json", json_pretty(trained.result));
  return trained;
}

}  // namespace popaug
