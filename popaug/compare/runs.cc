#include "popaug/compare/runs.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "popaug/compare/result_lines.h"

namespace popaug {
namespace {

using Key = std::tuple<std::string, uint64_t, Judge>;

constexpr const char* kStopped =
    "stopped; what was trained is kept, and the same command with --resume goes on";

const char* judge_name(Judge judge) { return judge == Judge::kTest ? "test" : "validation"; }

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
  const double started = thread_seconds();
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
  result.seconds = thread_seconds() - started;
  return result;
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

}  // namespace popaug
