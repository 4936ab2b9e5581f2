#include "popaug/experiment/audit.h"

#include <algorithm>

#include "popaug/experiment/images.h"
#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/search.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/weights.h"
#include "popaug/report/report.h"

namespace popaug {
namespace {

// Enough to tell ops apart in minutes; more images or longer trainings are a setting away.
constexpr size_t kMostTrain = 2000, kMostValidation = 1000;
constexpr int64_t kImagesPerTraining = 8000;

// Large sets are cut to what minutes allow, unless the settings say how much.
void settle_sizes(ExperimentSettings& settings, Inputs& inputs) {
  ImageSettings& images = settings.images;
  if (images.split.empty() && images.train_size == 0 && inputs.train.size() > kMostTrain) {
    images.train_size = static_cast<int64_t>(kMostTrain);
    if (images.val_size == 0) {
      images.val_size = static_cast<int64_t>(std::min(kMostValidation, inputs.validation.size()));
    }
    inputs.division =
        divide(inputs.data, kMostTrain, static_cast<size_t>(images.val_size), settings.seed);
    inputs.train = inputs.division.train;
    inputs.validation = inputs.division.validation;
    inputs.notes.push_back("the audit trains on " + std::to_string(inputs.train.size()) +
                           " images and validates on " + std::to_string(inputs.validation.size()) +
                           "; " + name_setting("train_size") + " and " + name_setting("val_size") +
                           " change this");
  }
  if (settings.epochs == 0) {
    const auto count = static_cast<int64_t>(inputs.train.size());
    settings.epochs = std::clamp<int64_t>((kImagesPerTraining + count - 1) / count, 5, 40);
  }
}

AuditSettings audit_settings(const ExperimentSettings& settings, const Inputs& inputs,
                             std::vector<std::string>* notes) {
  AuditSettings audit;
  audit.space = searched_augmentation(settings, inputs.grey(), notes).space;
  audit.cells =
      settings.audited_recipes.empty()
          ? audit_cells(audit.space, static_cast<int>(settings.audit_levels))
          : recipe_cells(split(settings.audited_recipes, ','), static_cast<int>(settings.epochs));
  audit.classes = inputs.data.classes;
  for (int64_t i = 0; i < settings.audit_seeds; ++i) {
    audit.seeds.push_back(settings.seed + static_cast<uint64_t>(i));
  }
  audit.epochs = static_cast<int>(settings.epochs);
  audit.probability = settings.audit_probability;
  audit.scale_pixels = !settings.train.paper_pixels;
  audit.data = inputs.fingerprint;
  audit.trainer = trainer_record(settings, inputs);
  return audit;
}

AuditTrainers audit_trainers(const ExperimentSettings& settings, const Inputs& inputs) {
  const TrainingApi& api = training();
  const Subset validation{inputs.validation_split, inputs.validation};
  AuditTrainers trainers;
  trainers.trainer = schedule_trainers(settings, inputs.data.classes,
                                       {inputs.train_split, inputs.train}, validation);
  trainers.predict = [device = settings.train.device, &api, validation](const fs::path& checkpoint,
                                                                        const ImageSet* images) {
    const Subset subset = images == nullptr ? validation : Subset{images, all_of(*images)};
    return api.evaluate_checkpoint(checkpoint, subset, 0, device, silent_progress()).predicted;
  };
  return trainers;
}

void report_plan(const AuditSettings& audit, bool of_recipes, const Inputs& inputs,
                 Progress& progress) {
  for (const std::string& note : inputs.notes) progress.line("note: " + note);
  progress.line(
      std::to_string(audit.cells.size()) +
      (of_recipes ? " cells (recipes and flips) and none, " : " cells (op, level) and none, ") +
      std::to_string(audit.seeds.size()) +
      " seeds: " + std::to_string((audit.cells.size() + 1) * audit.seeds.size()) +
      " trainings of " + std::to_string(audit.epochs) + " epochs with " +
      std::to_string(inputs.train.size()) + " images");
}

void write_results(const Audit& audit, bool of_recipes, const fs::path& out, Progress& progress) {
  write_file_atomic(out / "audit.json", json_pretty(audit_to_json(audit)));
  if (!of_recipes) write_file_atomic(out / "audited.space.toml", audited_space_toml(audit));
  const std::string picture = audit_svg(audit);
  write_file_atomic(out / "audit.svg", picture);
  try {
    write_file_atomic(out / "audit.png", svg_to_png(picture, 2));
  } catch (const Error& error) {
    progress.line(std::string("note: no audit.png: ") + error.what());
  }
}

}  // namespace

AuditedOps audit_ops(const AuditRequest& request, Progress& progress, const StopToken& stop) {
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kAuditVerb);
  ExperimentSettings settings = request.settings;
  find_data(settings, request.out, request.resume, request.resume_command);
  // Read the images, and settle how many of them and how long to train.
  find_weights(settings);
  check_learner(settings);
  Inputs inputs = read_inputs(settings, true, progress);
  settle_sizes(settings, inputs);
  const AuditSettings audit = audit_settings(settings, inputs, &inputs.notes);
  for (const AuditCell& cell : audit.cells) {
    if (!cell.recipe) continue;
    check_schedule_fits(*cell.recipe, inputs.train_split->width, inputs.train_split->height,
                        name_setting("recipe") + ": " + quote(cell.name()));
  }
  const AuditTrainers trainers = audit_trainers(settings, inputs);
  const bool of_recipes = !settings.audited_recipes.empty();
  report_plan(audit, of_recipes, inputs, progress);
  const int workers = worker_count(settings);
  check_memory(settings, inputs, workers);
  // Say in the run directory what is audited.
  const fs::path& out = request.out;
  record_left_out(*directory, inputs);
  directory->write_start("config.toml", settings_toml(settings, kAuditVerb));
  record_split(*directory, inputs);
  // Train every cell; then judge.
  AuditMeasures measures;
  try {
    measures = run_audit(audit, *inputs.validation_split, inputs.validation, trainers,
                         {out, request.resume, workers, directory}, progress, stop);
  } catch (const Interrupted&) {
    throw Interrupted("the audit was stopped; continue with: " + request.resume_command);
  }
  Audit result = judge_audit(audit, measures);
  write_results(result, of_recipes, out, progress);
  return {std::move(result), settings.images.data};
}

}  // namespace popaug
