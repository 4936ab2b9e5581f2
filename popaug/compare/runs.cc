#include "popaug/compare/runs.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <tuple>

#include "popaug/compare/result_lines.h"

namespace popaug {
namespace {

constexpr int kVersion = 1;

using Key = std::tuple<std::string, uint64_t, Judge>;

constexpr const char* kStopped =
    "stopped; what was trained is kept, and the same command with --resume goes on";

const char* judge_name(Judge judge) { return judge == Judge::kTest ? "test" : "validation"; }

// What all runs of a comparison share; a resumed one must say the same.
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

Json result_to_json(const ArmResult& r) {
  return {{"arm", r.arm},
          {"seed", r.seed},
          {"judge", judge_name(r.judge)},
          {"schedule", r.schedule},
          {"accuracy", r.accuracy},
          {"wrong", r.wrong},
          {"tested", r.tested},
          {"images_trained", r.images_trained},
          {"seconds", r.seconds}};
}

ArmResult result_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  constexpr int64_t kMost = int64_t{1} << 53;
  ArmResult r;
  r.arm = reader.text("arm");
  r.seed = reader.unsigned64("seed");
  r.judge = reader.text("judge") == "test" ? Judge::kTest : Judge::kValidation;
  r.schedule = reader.text("schedule");
  r.accuracy = reader.number("accuracy", 0, 1);
  r.wrong = reader.integer("wrong", 0, kMost);
  r.tested = reader.integer("tested", 0, kMost);
  r.images_trained = reader.integer("images_trained", 0, kMost);
  r.seconds = reader.number("seconds", 0, 1e12);
  reader.finish();
  return r;
}

std::string hash_of(const Schedule& schedule) { return hash_hex(schedule_text(schedule)); }

Key key_of(const ArmResult& r) { return {r.arm, r.seed, r.judge}; }

// A checkpoint between two segments; gone when its owner is, whatever ended the training.
struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() { replace({}); }
  void replace(const fs::path& next) {
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
    path = next;
  }
};

// One training: a chain of works, one per segment; only the last is evaluated.
ArmResult train_arm(const ArmJob& job, Trainer& trainer, const fs::path& folder,
                    const std::function<void(double)>& share, const StopToken& stop) {
  const auto started = std::chrono::steady_clock::now();
  ArmResult result;
  result.arm = job.arm;
  result.seed = job.seed;
  result.judge = job.judge;
  result.schedule = hash_of(job.schedule);
  const int total = job.schedule.epochs();
  TemporaryFile from;
  int epoch = 0;
  for (size_t i = 0; i < job.schedule.segments.size(); ++i) {
    const Segment& segment = job.schedule.segments[i];
    const bool last = i + 1 == job.schedule.segments.size();
    RoundWork work;
    work.round = static_cast<int>(i);
    work.first_epoch = epoch;
    work.epochs = segment.epochs;
    work.total_epochs = total;
    work.seed = job.seed;
    work.policy = segment.policy;
    work.evaluate = last;
    work.from = from.path;
    if (!last) {
      work.to = folder / (job.arm + "-" + std::to_string(job.seed) + "-" + judge_name(job.judge) +
                          "-" + std::to_string(i % 2) + ".safetensors");
    }
    const RoundResult part = trainer.run(
        work, [&](double s) { share((epoch + s * segment.epochs) / total); }, stop);
    result.images_trained += part.images_trained;
    from.replace(work.to);
    epoch += segment.epochs;
    if (!last) continue;
    result.tested = part.images_evaluated;
    result.wrong = static_cast<int64_t>(std::count(part.correct.begin(), part.correct.end(), 0));
    result.accuracy = 1 - static_cast<double>(result.wrong) / static_cast<double>(result.tested);
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
  result.seconds = spent.count();
  return result;
}

// What "randaugment-tuned" tries: each cell once, under the first seed, judged by validation.
std::vector<ArmJob> tuning_jobs(const CompareSettings& settings) {
  std::vector<ArmJob> jobs;
  for (const RandAugmentCell& cell : randaugment_grid()) {
    const Arm arm = make_arm(cell_name(cell), settings.context);
    jobs.push_back({arm.name, settings.seeds.front(), Judge::kValidation,
                    arm_schedule(arm, settings.context, settings.epochs, settings.seeds.front())});
  }
  return jobs;
}

// The best cell of the grid; equal ones: the first. Its cost goes to the arms that use it.
RandAugmentCell take_tuning(const std::vector<ArmJob>& jobs, const RunsFile& file,
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

}  // namespace

struct RunsFile::State {
  std::unique_ptr<ResultLines> lines;
  std::map<Key, ArmResult> done;
  mutable std::mutex mutex;
};

RunsFile::RunsFile(const fs::path& path, const Json& common, const std::string& what, bool resume)
    : state_(std::make_unique<State>()) {
  state_->lines = std::make_unique<ResultLines>(path, common, what, resume);
  for (const ResultLines::Line& line : state_->lines->found()) {
    const ArmResult result = result_from_json(line.json, line.origin);
    state_->done.emplace(key_of(result), result);
  }
}

RunsFile::~RunsFile() = default;

const ArmResult* RunsFile::find(const std::string& arm, uint64_t seed, Judge judge) const {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->done.find({arm, seed, judge});
  return found == state_->done.end() ? nullptr : &found->second;
}

void RunsFile::add(const ArmResult& result) {
  std::lock_guard lock(state_->mutex);
  state_->lines->add(result_to_json(result));
  state_->done.emplace(key_of(result), result);
}

bool tunes(const std::vector<Arm>& arms) {
  return std::any_of(arms.begin(), arms.end(), [](const Arm& arm) { return arm.tuned; });
}

int arm_epochs(const CompareSettings& settings, const Arm& arm) {
  if (arm.epochs > 0) return arm.epochs;
  if (!settings.charge_search || settings.train_images == 0) return settings.epochs;
  int64_t dearest = 0;
  for (const Arm& other : settings.arms) dearest = std::max(dearest, other.search_images);
  const int64_t spare = dearest - arm.search_images;
  return settings.epochs + static_cast<int>(spare / settings.train_images);
}

void check_comparison(const CompareSettings& settings) {
  if (settings.arms.empty()) throw UsageError("--arms: name at least one arm");
  if (settings.seeds.empty()) throw UsageError("--seeds: give at least one seed");
  const auto budget = [&](const Arm& arm) {
    return arm_epochs(settings, arm) * settings.train_images +
           (settings.charge_search ? arm.search_images : 0);
  };
  for (size_t i = 0; i < settings.arms.size(); ++i) {
    const Arm& arm = settings.arms[i];
    for (size_t j = 0; j < i; ++j) {
      if (settings.arms[j].name == arm.name) {
        throw UsageError("--arms: " + quote(arm.name) + " stands there twice");
      }
      const int64_t difference = std::abs(budget(settings.arms[j]) - budget(arm));
      if (!settings.unequal && difference >= std::max<int64_t>(1, settings.train_images)) {
        throw UsageError(
            "the arms " + quote(settings.arms[j].name) + " and " + quote(arm.name) +
            " have budgets of " + std::to_string(budget(settings.arms[j])) + " and " +
            std::to_string(budget(arm)) +
            " images: a comparison needs equal ones; --unequal allows it all the same");
      }
    }
  }
}

void run_jobs(const std::vector<ArmJob>& jobs, RunsFile& file, const ArmTrainerFactory& factory,
              const fs::path& folder, int workers, Progress& progress, const StopToken& stop) {
  std::vector<const ArmJob*> open;
  for (const ArmJob& job : jobs) {
    const ArmResult* done = file.find(job.arm, job.seed, job.judge);
    if (done == nullptr) {
      open.push_back(&job);
    } else if (done->schedule != hash_of(job.schedule)) {
      throw UsageError("the comparison there trained the arm " + quote(job.arm) +
                       " under another schedule or another number of epochs; choose another --out");
    }
  }
  std::mutex mutex;
  std::vector<double> shares(open.size(), 0.0);
  const auto report = [&](size_t job, double share) {
    std::lock_guard guard(mutex);
    shares[job] = share;
    double done = 0;
    for (const double s : shares) done += s;
    progress.update(done, static_cast<double>(open.size()),
                    open[job]->arm + ", seed " + std::to_string(open[job]->seed));
  };
  parallel_for(open.size(), workers, [&](size_t i) {
    if (stop.requested()) throw Interrupted(kStopped);
    const std::unique_ptr<Trainer> trainer = factory(open[i]->schedule, open[i]->judge);
    try {
      file.add(train_arm(
          *open[i], *trainer, folder, [&](double share) { report(i, share); }, stop));
    } catch (const Interrupted&) {
      throw Interrupted(kStopped);
    }
    report(i, 1);
  });
}

ComparisonRuns run_comparison(const CompareSettings& settings, const ArmTrainerFactory& factory,
                              const CompareOptions& options, Progress& progress,
                              const StopToken& stop) {
  fs::create_directories(options.directory);
  const DirectoryLock lock(options.directory);
  RunsFile file(options.directory / "runs.jsonl", common_settings(settings), "comparison",
                options.resume);
  CompareSettings priced = settings;
  ComparisonRuns runs;
  RandAugmentCell tuned;
  if (tunes(priced.arms)) {
    const std::vector<ArmJob> jobs = tuning_jobs(settings);
    run_jobs(jobs, file, factory, options.directory, options.workers, progress, stop);
    tuned = take_tuning(jobs, file, priced.arms);
    runs.notes.push_back("RandAugment was tuned on the validation images under seed " +
                         std::to_string(settings.seeds.front()) + ": " + cell_name(tuned) +
                         " was the best of " + std::to_string(jobs.size()));
  }
  std::vector<ArmJob> jobs;  // seed by seed, so that an early stop leaves whole pairs
  for (const uint64_t seed : settings.seeds) {
    for (const Arm& arm : priced.arms) {
      jobs.push_back({arm.name, seed, Judge::kTest,
                      arm_schedule(arm, settings.context, arm_epochs(priced, arm), seed, tuned)});
    }
  }
  run_jobs(jobs, file, factory, options.directory, options.workers, progress, stop);
  for (const Arm& arm : priced.arms) {
    for (const uint64_t seed : settings.seeds) {
      runs.results.push_back(*file.find(arm.name, seed, Judge::kTest));
    }
  }
  runs.arms = priced.arms;
  return runs;
}

}  // namespace popaug
