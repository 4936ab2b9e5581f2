#include "popaug/compare/arm_jobs.h"

#include <algorithm>
#include <mutex>

namespace popaug {
namespace {

constexpr const char* kStopped =
    "stopped; what was trained is kept, and the same command with setting \"resume\" continues";

// The names of checkpoints between two segments, which only a killed process leaves.
const std::vector<std::string> kCheckpoints = {"*-#-test-#.safetensors",
                                               "*-#-validation-#.safetensors"};

constexpr size_t kLongestPart = 100;

// The name of an arm as a part of a file's name: that of a recipe may contain a path.
std::string file_part(std::string arm) {
  if (arm.size() > kLongestPart) return hash_hex(arm);
  std::replace(arm.begin(), arm.end(), '/', '_');
  return arm;
}

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

std::optional<double> metric_of(const RoundResult& result, const char* name) {
  const auto found = result.metrics.find(name);
  return found == result.metrics.end() ? std::nullopt : std::optional(found->second);
}

// One training: a chain of works, one per segment; only the last is evaluated.
ArmResult train_arm(const ArmJob& job, Trainer& trainer, const fs::path& folder,
                    const std::function<void(double)>& share, const StopToken& stop) {
  const double started = thread_seconds();
  ArmResult result;
  result.arm = job.arm;
  result.seed = job.seed;
  result.judge = job.judge;
  result.schedule = schedule_hash(job.schedule);
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
    work.base = segment.base;
    work.space = segment.space;
    work.evaluate = last;
    work.turned = last && job.turned;
    work.from = from.path;
    if (!last) {
      work.to = folder / (file_part(job.arm) + "-" + std::to_string(job.seed) + "-" +
                          judge_name(job.judge) + "-" + std::to_string(i % 2) + ".safetensors");
    }
    const RoundResult part = trainer.run(
        work, [&](double s) { share((epoch + s * segment.epochs) / total); }, stop);
    result.images_trained += part.images_trained;
    from.replace(work.to);
    epoch += segment.epochs;
    if (!last) continue;
    result.tested = part.images_evaluated;
    result.wrong = static_cast<int64_t>(std::count(part.correct.begin(), part.correct.end(), 0));
    result.accuracy = accuracy_of(result.wrong, result.tested);
    result.loss = metric_of(part, "val_loss").value_or(0);
    if (!job.turned) continue;
    result.mirrored = metric_of(part, "mirrored_accuracy");
    result.turned = metric_of(part, "turned_accuracy");
  }
  result.seconds = thread_seconds() - started;
  return result;
}

}  // namespace

void run_jobs(const std::vector<ArmJob>& jobs, ArmResults& file, const ArmTrainerFactory& factory,
              const fs::path& folder, int workers, Progress& progress, const StopToken& stop) {
  remove_leftovers(folder, kCheckpoints);
  remove_temporaries(folder, [](std::string_view name) { return matches_any(name, kCheckpoints); });
  std::vector<const ArmJob*> open;
  for (const ArmJob& job : jobs) {
    const ArmResult* done = file.find(job.arm, job.seed, job.judge);
    if (done == nullptr) {
      open.push_back(&job);
    } else if (done->schedule != schedule_hash(job.schedule)) {
      throw UsageError(
          "the comparison there trained the arm " + quote(job.arm) +
          " under another schedule or another number of epochs; choose another setting \"out\"");
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
