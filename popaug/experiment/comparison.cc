#include "popaug/experiment/comparison.h"

#include <algorithm>
#include <utility>

#include "popaug/experiment/images.h"
#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/screening.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/weights.h"
#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

// A resumed comparison keeps its own arms, seeds and rules; what the request gives replaces them.
ComparisonPlan read_plan(const ComparisonRequest& request) {
  ComparisonPlan plan;
  const fs::path kept = request.out / "plan.json";
  if (request.resume && fs::exists(kept)) {
    plan = plan_from_json(parse_json(read_regular_file(kept, JsonLimits().bytes), show_path(kept)),
                          show_path(kept));
  } else if (request.resume && request.arms.empty()) {
    throw UsageError(name_setting("resume") + ": " + show_path(request.out) +
                     " has no plan.json, which says what it compares; give " +
                     name_setting("arms") + " and " + name_setting("seeds"));
  }
  if (!request.arms.empty()) plan.arms = request.arms;
  if (request.seeds) plan.seeds = *request.seeds;
  if (request.clean_share) plan.clean_share = *request.clean_share;
  if (request.margin) plan.margin = *request.margin;
  plan.charge_search = plan.charge_search || request.charge_search;
  plan.unequal = plan.unequal || request.unequal;
  if (!request.run.empty()) plan.run = fs::absolute(request.run).lexically_normal();
  return plan;
}

// The settings with the schedule of the search in `request.run`.
ExperimentSettings complete_settings(const ComparisonRequest& request) {
  ExperimentSettings settings = request.settings;
  if (!request.run.empty()) {
    if (!settings.schedule.empty() && !request.resume) {
      throw UsageError(name_setting("run") + " and " + name_setting("schedule") +
                       " both name a schedule: give one of them");
    }
    settings.schedule = (request.run / "best.schedule.json").string();
    refuse_special_file(settings.schedule);
  }
  if (settings.epochs == 0) {
    throw UsageError("how long each arm trains is missing: give " + name_setting("epochs") +
                     " or a " + name_setting("preset"));
  }
  make_data_absolute(settings);
  return settings;
}

// The schedule in question, and what its search cost by its own provenance.
ArmContext arm_context(const ComparisonPlan& plan, const ExperimentSettings& settings) {
  ArmContext context;
  context.clean_share = plan.clean_share;
  if (settings.schedule.empty()) return context;
  context.schedule = find_schedule(settings.schedule);
  const Json& provenance = context.schedule->provenance;
  context.search_images = provenance.value("images_trained", int64_t{0}) +
                          provenance.value("images_evaluated", int64_t{0});
  return context;
}

// What can be said before an image is read: the arms, with the schedule they need. A plan without
// arms gets them.
CompareSettings choose_arms(ComparisonPlan& plan, const ExperimentSettings& settings) {
  CompareSettings compare;
  compare.context = arm_context(plan, settings);
  if (plan.arms.empty()) plan.arms = default_arms(compare.context.schedule);
  plan.arms = expand_arms(plan.arms);
  for (const std::string& name : plan.arms) {
    compare.arms.push_back(make_arm(name, compare.context));
  }
  return compare;
}

// Refuses, before anything is trained, an arm whose base transforms images of this shape cannot
// get.
void check_arms_fit(const CompareSettings& compare, const ImageSet& images,
                    const std::vector<uint32_t>& trained) {
  for (const Arm& arm : compare.arms) {
    if (arm.screened) continue;
    const Schedule schedule = arm_schedule(arm, compare.context, compare.epochs, 0);
    check_schedule_fits(schedule, images.width, images.height,
                        name_setting("arms") + ": " + quote(arm.name));
    for (size_t i = 0; i < schedule.segments.size(); ++i) {
      check_partners(schedule.base_of(i), trained);
    }
  }
}

CompareSettings complete_arms(CompareSettings compare, const ComparisonPlan& plan,
                              const ExperimentSettings& settings, const Inputs& inputs,
                              const std::vector<uint32_t>& trained) {
  for (int64_t s = 0; s < plan.seeds; ++s) {
    compare.seeds.push_back(settings.seed + static_cast<uint64_t>(s));
  }
  compare.epochs = static_cast<int>(settings.epochs);
  compare.train_images = static_cast<int64_t>(trained.size());
  const ScreenSettings screen = screen_settings(settings, inputs);
  compare.fold_images = screen.fold_images;
  compare.folds = screen.folds;
  compare.classes = screen.classes;
  if (settings.trainings > 0) compare.trainings = static_cast<int>(settings.trainings);
  compare.square = inputs.train_split->width == inputs.train_split->height;
  compare.charge_search = plan.charge_search;
  compare.unequal = plan.unequal;
  compare.data = inputs.fingerprint;
  compare.trainer = trainer_json(settings);
  compare.trainer["train_images"] = trained.size();
  compare.trainer["split"] = split_record(settings);
  check_comparison(compare);
  check_arms_fit(compare, *inputs.train_split, trained);
  return compare;
}

// What a reader of the table must know: who saw which labels.
std::vector<std::string> fairness_notes(const CompareSettings& compare,
                                        const ExperimentSettings& settings, const Inputs& inputs,
                                        const std::vector<uint32_t>& trained) {
  std::vector<std::string> notes;
  if (!compare.context.schedule) return notes;
  const Json& provenance = compare.context.schedule->provenance;
  const std::string data = provenance.value("data", std::string());
  if (trained.size() < inputs.train_split->count() && !settings.images.all_labels &&
      data == inputs.fingerprint) {
    notes.push_back(
        "the search behind the schedule also saw the labels of its validation images, on which no "
        "arm trains here; with " +
        name_setting("all_labels") + " every arm trains on them");
  }
  const std::string twin = provenance.value("arm", std::string());
  for (const Arm& arm : compare.arms) {
    if (arm.name != twin) continue;
    notes.push_back("the schedule is that of the arm " + quote(twin) +
                    ": both train the same, and their difference says nothing");
  }
  if (data != inputs.fingerprint) {
    notes.push_back("the schedule was learned on other images than these");
  }
  const double crop = compare.context.schedule->least_resized_crop();
  if (crop > 0 && settings.train.resized_crop == 0) {
    notes.push_back("the schedule has a random resized crop, the free arms pad and crop; " +
                    name_setting("resized_crop") + " " + number_text(crop) +
                    " gives it to every arm");
  }
  const std::string test = fingerprint(*inputs.test_split);
  for (const Json& searched : provenance.value("searched", Json::array())) {
    if (searched != test) continue;
    notes.push_back(
        "WARNING: the search behind the schedule saw the test images of this comparison, so its "
        "figures prove nothing");
  }
  return notes;
}

ArmTrainerFactory arm_trainers(const ExperimentSettings& settings, const Inputs& inputs,
                               const std::vector<uint32_t>& trained) {
  const std::vector<std::string>& classes = inputs.data.classes;
  const ScheduleTrainers tested =
      schedule_trainers(settings, classes, {inputs.train_split, trained},
                        {inputs.test_split, all_of(*inputs.test_split)});
  const ScheduleTrainers validated =
      schedule_trainers(settings, classes, {inputs.train_split, inputs.train},
                        {inputs.validation_split, inputs.validation});
  return [tested, validated](const Schedule& schedule, Judge judge) {
    return judge == Judge::kTest ? tested(schedule) : validated(schedule);
  };
}

// `settings` get the sizes and the batch that fit the set.
Inputs read_images(ExperimentSettings& settings, bool tunes, Progress& progress) {
  // A tuning validates, so the validation images are kept apart.
  const bool all_labels = std::exchange(settings.images.all_labels, false);
  Inputs inputs = read_inputs(settings, tunes, progress);
  settings.images.all_labels = all_labels;
  if (inputs.test_split != nullptr) return inputs;
  throw UsageError(settings.images.data +
                   ": there is no test split; a comparison needs images that nothing was chosen "
                   "by: give a set with a test split");
}

ComparisonRuns train_missing(const CompareSettings& compare, const ArmTrainerFactory& factory,
                             const CompareOptions& options, const std::string& resume_command,
                             Progress& progress, const StopToken& stop) {
  try {
    return run_comparison(compare, factory, options, progress, stop);
  } catch (const Interrupted&) {
    throw Interrupted("the comparison was stopped; continue with: " + resume_command);
  }
}

}  // namespace

ComparedArms compare_arms(const ComparisonRequest& request, Progress& progress,
                          const StopToken& stop) {
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kCompareVerb);
  ComparisonPlan plan = read_plan(request);
  // Choose the arms; then read the images, and see what is fair.
  ExperimentSettings settings = complete_settings(request);
  if (!settings.plugin.empty()) load_plugin(settings.plugin);
  const CompareSettings arms = choose_arms(plan, settings);
  find_weights(settings);
  check_learner(settings);
  const Inputs inputs = read_images(settings, tunes(arms.arms), progress);
  const std::vector<uint32_t> trained =
      settings.images.all_labels ? all_labelled(inputs) : inputs.train;
  const CompareSettings compare = complete_arms(arms, plan, settings, inputs, trained);
  std::vector<std::string> notes = inputs.notes;
  for (std::string& note : fairness_notes(compare, settings, inputs, trained)) {
    notes.push_back(note);
  }
  for (const std::string& note : notes) progress.line("note: " + note);
  // See whether the trainings fit into memory.
  const int workers = worker_count(settings);
  const auto trainings = static_cast<int>(compare.arms.size() * compare.seeds.size());
  check_memory(settings, inputs, std::min(workers, trainings));
  // Write the plan before config.toml, which makes this a comparison that can be resumed. A resume
  // writes it once the settings are known to be those of the comparison: arms and seeds may be
  // added.
  const auto write_plan = [&] {
    write_file_atomic(request.out / "plan.json", json_pretty(plan_to_json(plan)));
  };
  if (!directory->has_work()) write_plan();
  record_left_out(*directory, inputs);
  directory->write_start("config.toml", settings_toml(settings, kCompareVerb));
  // Train what is missing.
  CompareOptions options{request.out, request.resume, workers, directory, {}, write_plan};
  if (tunes(compare.arms)) {
    options.fold_trainers = fold_trainers(settings, inputs, compare.folds);
  }
  const ComparisonRuns runs = train_missing(compare, arm_trainers(settings, inputs, trained),
                                            options, request.resume_command, progress, stop);
  // Judge, and write the table.
  Comparison comparison = judge(runs.arms, compare.seeds, runs.results, plan.margin);
  comparison.notes = notes;
  comparison.notes.push_back("every arm trained on the same " + std::to_string(trained.size()) +
                             " labelled images and was judged by " +
                             std::to_string(inputs.test_split->count()) + " test images");
  for (const std::string& note : runs.notes) comparison.notes.push_back(note);
  write_comparison(comparison, request.out, plan.run);
  return {std::move(comparison), plan.run};
}

}  // namespace popaug
