#include "popaug/experiment/search.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/search_grammar.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/version.h"
#include "popaug/experiment/weights.h"
#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

// A schedule to start from; a name that is neither a file nor shipped gets the words that would do.
Schedule start_schedule(const std::string& name) {
  std::vector<std::string> known = {"zero", "random"};
  for (const std::string& shipped : shipped_schedule_names()) known.push_back(shipped);
  const bool shipped = std::find(known.begin(), known.end(), name) != known.end();
  if (!shipped && !fs::exists(name)) {
    throw UsageError(name_setting("start") + ": " + unknown_name("start", name, known) +
                     ", and there is no such schedule file");
  }
  return find_schedule(name);
}

// The genes; those that our own trainer cannot follow are refused.
std::vector<Gene> searched_genes(const ExperimentSettings& s) {
  // An external worker may understand genes that our own trainer does not.
  std::vector<Gene> genes = parse_genes(s.searched.genes, trains_here(s));
  for (const Gene& gene : genes) {
    if (gene.name == "pad" && s.train.resized_crop > 0) {
      throw UsageError(name_setting("genes") + ": \"pad\" cannot be searched beside " +
                       name_setting("resized_crop") +
                       ", which takes the place of padding and crop");
    }
    const bool of_head =
        gene.name == "head_dropout" || gene.name == "trunk_lr_factor" || gene.name == "layer_decay";
    if (!of_head || s.train.model.empty()) continue;
    throw UsageError(name_setting("genes") + ": " + quote(gene.name) +
                     " needs a built-in network: the TorchScript file of " + name_setting("model") +
                     " does not say which of its layers are the classifier");
  }
  return genes;
}

// The space with the strengths that are no genes; a member's genes scale it further.
Space strong_space(const ExperimentSettings& s, const SearchSettings& search) {
  Strengths strengths = s.searched.strengths;
  for (const Gene& gene : search.genes) apply_strength_gene(strengths, gene.name, 1);
  Space space = with_strengths(search.space, strengths);
  if (!(strengths == Strengths())) space.name += ":scaled";
  return space;
}

// What the texts say of limits, amounts and the start, once genes and space are known.
void read_texts(const ExperimentSettings& s, const std::vector<std::string>& left_out,
                SearchSettings& search) {
  search.limits = parse_limits(s.searched.limits, search.space, left_out);
  search.explore.amounts = parse_amounts(s.searched.amounts);
  search.start = s.searched.start;
  if (search.start == "zero" || search.start == "random") return;
  search.start = "policy";
  search.start_policy =
      start_policy(start_schedule(s.searched.start), search.space, search.copies, left_out);
}

// The base transforms with every gene at the end of its range: what some member may get.
BaseTransforms strongest_base(const SearchSettings& search) {
  BaseTransforms base = search.base;
  for (const Gene& gene : search.genes) apply_base_gene(base, gene.name, gene.high);
  return base;
}

// config.toml must mean the same files in any folder.
void make_paths_absolute(ExperimentSettings& settings) {
  const auto absolute = [](std::string& path) { path = fs::absolute(path).lexically_normal(); };
  if (!settings.plugin.empty()) absolute(settings.plugin);
  std::string& space = settings.searched.space;
  if (space.find('/') != std::string::npos || space.ends_with(".toml")) absolute(space);
  if (fs::is_regular_file(settings.searched.start)) absolute(settings.searched.start);
}

// The search itself, as far as it can be checked before an image is read.
void check_without_images(const ExperimentSettings& settings) {
  std::vector<std::string> notes;
  search_settings(settings, searched_augmentation(settings, false, &notes), nullptr);
}

RunOptions run_options(const SearchRequest& request, const std::shared_ptr<RunDirectory>& directory,
                       const ExperimentSettings& settings, int workers) {
  RunOptions run;
  run.directory = request.out;
  run.resume = request.resume;
  run.run = directory;
  run.config_toml = settings_toml(settings, kSearchVerb);
  run.resume_command = request.resume_command;
  run.workers = workers;
  run.worker_command = settings.worker_cmd;
  run.worker_settings["config"] = run.config_toml;
  run.machine["device"] = settings.train.device;
  run.picture = request.picture;
  run.attempts = request.attempts;
  run.silence_seconds = request.silence_seconds;
  return run;
}

// A search whose images are read and whose settings are complete.
struct ReadySearch {
  ExperimentSettings settings;
  std::optional<Inputs> inputs;  // absent: the trainer needs no images
  SearchSettings search;
  double seconds = 0;       // that reading took
  double master_bytes = 0;  // resident before there was a trainer
};

// Whether this program starts the workers. Where another one does, it needs neither torch nor a
// device here.
enum class Workers { kHere, kElsewhere };

ReadySearch make_ready(const SearchRequest& request, Workers workers, Progress& progress) {
  const auto begun = std::chrono::steady_clock::now();
  ReadySearch ready;
  ready.settings = request.settings;
  if (request.resume && request.budget_seconds > 0) {
    throw UsageError(name_setting("budget") +
                     " fits a search before it starts; a resumed run keeps its numbers");
  }
  if (request.settings.method != "pba") {
    throw UsageError(name_setting("method") + " " + request.settings.method +
                     " trains each recipe to its end, which workers of another program do not: "
                     "give " +
                     name_setting("method") + " pba, which searches with a population");
  }
  find_weights(ready.settings);
  make_paths_absolute(ready.settings);
  find_data(ready.settings, request.out, request.resume, request.resume_command);
  check_without_images(ready.settings);
  if (workers == Workers::kHere) check_learner(ready.settings);
  std::vector<std::string> notes;
  if (ready.settings.trainer == "network") {
    ready.inputs = read_inputs(ready.settings, true, progress);
    notes = ready.inputs->notes;
  }
  const Inputs* inputs = ready.inputs ? &*ready.inputs : nullptr;
  const bool grey = inputs != nullptr && inputs->grey();
  ready.search =
      search_settings(ready.settings, searched_augmentation(ready.settings, grey, &notes), inputs);
  if (ready.search.asynchronous) {
    notes.push_back(name_setting("async") +
                    " decides by what arrives first, so this search is not repeatable");
  }
  for (const std::string& note : notes) progress.line("note: " + note);
  ready.master_bytes = resident_bytes();
  ready.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return ready;
}

// What trains the members in this process.
TrainerFactory make_factory(const ReadySearch& ready) {
  if (ready.settings.trainer == "toy") return make_toy_trainer_factory(ready.search);
  const Inputs& inputs = *ready.inputs;
  const SearchSettings& search = ready.search;
  return training().make_trainer_factory(
      ready.settings.train, search.space, search.rule, search.base, inputs.data.classes,
      {inputs.train_split, inputs.train}, {inputs.validation_split, inputs.validation},
      search.metric);
}

// The trainer's cost by a short measurement.
TrainerCost measure_cost(const ReadySearch& ready, const TrainerFactory& factory, int workers,
                         Progress& progress, const StopToken& stop) {
  if (ready.search.asynchronous) {
    progress.line(
        "note: the plan counts each round of each member once; an asynchronous target "
        "continues from its donor's epoch, which may be before its own, so more may be trained "
        "than planned");
  }
  TrainerCost cost =
      measure_trainer(ready.search, factory, workers, fs::temp_directory_path(), stop);
  cost.start_seconds += ready.seconds;
  return ready.settings.worker_cmd.empty() ? cost
                                           : for_processes(cost, workers, ready.master_bytes);
}

// Fewer epochs or members, so that the search fits the budget.
void fit_to_budget(ReadySearch& ready, const TrainerCost& cost, int workers, double seconds,
                   Progress& progress) {
  std::vector<std::string> said;
  ready.search = fit_budget(ready.search, cost, workers, seconds, &said);
  ready.settings.epochs = ready.search.epochs;
  ready.settings.rounds = 0;
  ready.settings.search.population = ready.search.population;
  for (const std::string& sentence : said) progress.line(sentence);
}

// Workers that can be busy at once.
int useful_workers(const ReadySearch& ready) {
  return std::min(worker_count(ready.settings), ready.search.population);
}

void check_memory_of(const ReadySearch& ready) {
  if (ready.inputs) check_memory(ready.settings, *ready.inputs, useful_workers(ready));
}

// Which images are used, and how.
void record_images(RunDirectory& directory, const ReadySearch& ready) {
  if (!ready.inputs) return;
  record_left_out(directory, *ready.inputs);
  record_split(directory, *ready.inputs);
}

}  // namespace

SearchedAugmentation searched_augmentation(const ExperimentSettings& s, bool grey,
                                           std::vector<std::string>* notes) {
  SearchedAugmentation a;
  if (!s.plugin.empty()) load_plugin(s.plugin);
  a.space = only_ops(load_space(s.searched.space), s.searched.ops);
  if (grey) {
    a.space = space_for_grey(a.space, &a.left_out);
    if (!a.left_out.empty()) {
      notes->push_back("the images are grey: the search leaves out " + join(a.left_out, ", ") +
                       ", which cannot change them");
    }
  }
  a.rule.kind = RuleKind::kPba;
  a.base = trained_base(s.search.base, s.train);
  return a;
}

SearchSettings search_settings(const ExperimentSettings& s,
                               const SearchedAugmentation& augmentation, const Inputs* inputs) {
  if (s.epochs == 0) {
    throw UsageError("how long to search is missing: give " + name_setting("rounds") + ", " +
                     name_setting("epochs") + " or a " + name_setting("preset"));
  }
  SearchSettings search = s.search;
  search.epochs = static_cast<int>(s.epochs);
  search.seed = s.seed;
  search.space = augmentation.space;
  search.rule = augmentation.rule;
  search.base = augmentation.base;
  search.genes = searched_genes(s);
  search.space = strong_space(s, search);
  read_texts(s, augmentation.left_out, search);
  search.provenance["tool"] = std::string("popaug ") + popaug_version();
  if (inputs != nullptr) {
    check_base_fits(strongest_base(search), inputs->train_split->width, inputs->train_split->height,
                    s.images.data);
    search.data = inputs->fingerprint;
    search.trainer = trainer_record(s, *inputs);
    search.provenance["network"] = s.train.network;
    search.provenance["classes"] = inputs->data.classes.size();
    // So that a comparison sees whether the search saw its test images.
    search.provenance["searched"] = {fingerprint(*inputs->train_split)};
    if (inputs->validation_split != inputs->train_split) {
      search.provenance["searched"].push_back(fingerprint(*inputs->validation_split));
    }
  }
  check_settings(search);
  return search;
}

SearchedSchedule search_schedule(const SearchRequest& request, Progress& progress,
                                 const StopToken& stop) {
  // From here on the run directory is locked.
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kSearchVerb);
  // Check all, read the images, complete the settings.
  ReadySearch ready = make_ready(request, Workers::kHere, progress);
  // Workers in other processes make trainers of their own.
  const bool measures = request.budget_seconds > 0;
  TrainerFactory factory;
  if (ready.settings.worker_cmd.empty() || measures) factory = make_factory(ready);
  if (factory) check_memory_of(ready);
  // Fit the search to the budget, by a short measurement.
  if (measures) {
    const int workers = useful_workers(ready);
    const TrainerCost cost = measure_cost(ready, factory, workers, progress, stop);
    fit_to_budget(ready, cost, workers, request.budget_seconds, progress);
  }
  // Say which images train and validate; then search.
  record_images(*directory, ready);
  const RunOptions options =
      run_options(request, directory, ready.settings, worker_count(ready.settings));
  SearchOutcome outcome;
  with_data_place(ready.settings, kSearchVerb, request.out, request.resume,
                  [&] { outcome = run_search(ready.search, factory, options, progress, stop); });
  return {ready.settings, std::move(outcome)};
}

SearchPlan estimate_search(const SearchRequest& request, Progress& progress,
                           const StopToken& stop) {
  ReadySearch ready = make_ready(request, Workers::kHere, progress);
  const TrainerFactory factory = make_factory(ready);
  check_memory_of(ready);
  const int workers = useful_workers(ready);
  const TrainerCost cost = measure_cost(ready, factory, workers, progress, stop);
  if (request.budget_seconds > 0) {
    fit_to_budget(ready, cost, workers, request.budget_seconds, progress);
  }
  return plan_search(ready.search, cost, workers);
}

PreparedSearch prepare_search(const SearchRequest& request, Progress& progress) {
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kSearchVerb);
  const ReadySearch ready = make_ready(request, Workers::kElsewhere, progress);
  record_images(*directory, ready);
  // The caller opens the directory again, so what a resume must write again is written here.
  if (directory->has_work() &&
      settings_hash(load_history(request.out).settings) == settings_hash(ready.search)) {
    directory->confirm();
  }
  return {ready.search, run_options(request, directory, ready.settings, 0)};
}

MeasuredDrift measure_drift(const SearchRequest& request, int lineages, Progress& progress) {
  const std::shared_ptr<RunDirectory> directory = run_directory(request, kSearchVerb);
  ExperimentSettings settings = request.settings;
  make_paths_absolute(settings);
  if (settings.search.selection != Selection::kNone) {
    throw UsageError("trainer none trains nothing, so nothing can be selected: set " +
                     name_setting("selection") + " to none for the drift of mutation alone");
  }
  std::vector<std::string> notes;
  const SearchSettings search =
      search_settings(settings, searched_augmentation(settings, false, &notes), nullptr);
  MeasuredDrift drift;
  drift.band = drift_band(search, lineages, worker_count(settings), progress);
  drift.epochs = search.epochs;
  drift.file = directory->path() / "drift.band.json";
  save_band(drift.band, drift.file);
  return drift;
}

}  // namespace popaug
