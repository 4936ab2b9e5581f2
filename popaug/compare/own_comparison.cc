#include "popaug/compare/own_comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace popaug {
namespace {

constexpr int kVersion = 2;
constexpr int64_t kMostCount = int64_t{1} << 53;
constexpr double kMostSeconds = 1e12;
constexpr size_t kLongestName = 100;
constexpr const char* kSchedule = "schedule";

using Key = std::pair<std::string, uint64_t>;  // arm, seed

struct Line {
  std::string arm;
  uint64_t seed = 0;
  std::string schedule;  // hash of what it trained with
  OwnScore result;
};

// The settings that all trainings share; those of a resumed comparison must be equal.
Json common_settings(const OwnComparisonSettings& settings) {
  return {{"format", "popaug-compare"},
          {"version", kVersion},
          {"training", "own"},
          {"epochs", settings.epochs},
          {"metric", settings.metric.name},
          {"better", settings.metric.lower_is_better ? "lower" : "higher"},
          {"data", settings.data},
          {"trainer", settings.trainer}};
}

Json line_to_json(const Line& line) {
  return {{"arm", line.arm},
          {"seed", line.seed},
          {"schedule", line.schedule},
          {"score", line.result.score},
          {"images_trained", line.result.images_trained},
          {"seconds", line.result.seconds}};
}

Line line_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  Line line;
  line.arm = reader.text("arm");
  line.seed = reader.unsigned64("seed");
  line.schedule = reader.text("schedule");
  line.result.score = reader.number("score", -1e300, 1e300);
  line.result.images_trained = reader.integer("images_trained", 0, kMostCount);
  line.result.seconds = reader.number("seconds", 0, kMostSeconds);
  reader.finish();
  return line;
}

// A schedule of the caller's. Without a search behind it, it is free, and what the verdict of every
// other arm must hold against, as is a transform of the caller's.
Arm arm_of_schedule(const OwnArm& own) {
  Arm arm;
  arm.name = arm.title = own.name;
  const Json& provenance = own.schedule->provenance;
  arm.search_images = provenance.value("images_trained", int64_t{0}) +
                      provenance.value("images_evaluated", int64_t{0});
  if (arm.search_images > 0) arm.family = ArmFamily::kLearned;
  arm.reference = arm.family == ArmFamily::kFree;
  return arm;
}

Arm arm_of_transform(const OwnArm& own) {
  Arm arm;
  arm.name = arm.title = own.name;
  arm.reference = true;
  return arm;
}

void check_name(const std::string& name) {
  if (name.empty() || name.size() > kLongestName || printable_line(name) != name) {
    throw UsageError("setting \"arms\": " + quote(name) + " cannot name an arm; expected 1 .. " +
                     std::to_string(kLongestName) + " printable characters on one line");
  }
}

Arm arm_by_name(const std::string& name, const ArmContext& context) {
  Arm arm = make_arm(name, context);
  if (arm.screened || arm.tuned) {
    throw UsageError("setting \"arms\": the arm " + quote(name) +
                     " is chosen on validation images, which only 'popaug compare' can do; choose "
                     "yourself, and compare what you chose");
  }
  if (arm.epochs > 0) {
    throw UsageError("setting \"arms\": " + quote(name) +
                     ": all arms train for as many epochs as setting \"epochs\" says");
  }
  return arm;
}

}  // namespace

struct OwnComparison::State {
  enum class Status { kOpen, kOut, kDone };
  struct Job {
    size_t arm = 0;
    uint64_t seed = 0;
    Status status = Status::kOpen;
  };

  OwnComparisonSettings settings;
  OwnComparisonOptions options;
  ArmContext context;
  std::vector<Arm> arms;  // in the order of settings.arms
  std::vector<Job> jobs;  // seed by seed, so that an early stop leaves whole pairs
  std::map<Key, Line> lines;
  std::unique_ptr<RunDirectory> directory;
  std::unique_ptr<ResultLines> file;

  double margin() const {
    return settings.margin.value_or(settings.metric.share ? ComparisonPlan().margin : 0);
  }

  // The learned schedule comes from the arm of that name, or beside the arms.
  void take_context() {
    context.clean_share = settings.clean_share;
    context.schedule = settings.schedule;
    for (OwnArm& arm : settings.arms) {
      if (arm.name != kSchedule || !arm.schedule) continue;
      context.schedule = arm.schedule;
      arm.schedule.reset();
    }
    if (!context.schedule) return;
    const Json& provenance = context.schedule->provenance;
    context.search_images = provenance.value("images_trained", int64_t{0}) +
                            provenance.value("images_evaluated", int64_t{0});
  }

  void take_arms() {
    if (settings.arms.empty()) {
      for (const std::string& name : default_arms(context.schedule)) {
        settings.arms.push_back({name, {}, {}});
      }
    }
    std::set<std::string> names;
    for (const OwnArm& own : settings.arms) {
      check_name(own.name);
      if (!names.insert(own.name).second) {
        throw UsageError("setting \"arms\": " + quote(own.name) + " is listed twice");
      }
      arms.push_back(own.schedule             ? arm_of_schedule(own)
                     : !own.transform.empty() ? arm_of_transform(own)
                                              : arm_by_name(own.name, context));
    }
  }

  void take_jobs() {
    if (settings.seeds.empty()) throw UsageError("setting \"seeds\": give at least one seed");
    std::set<uint64_t> seen;
    for (const uint64_t seed : settings.seeds) {
      if (!seen.insert(seed).second) {
        throw UsageError("setting \"seeds\": " + std::to_string(seed) + " is listed twice");
      }
      for (size_t arm = 0; arm < arms.size(); ++arm) jobs.push_back({arm, seed, Status::kOpen});
    }
  }

  std::optional<Schedule> schedule_of(const Job& job) const {
    const OwnArm& own = settings.arms[job.arm];
    if (!own.transform.empty()) return {};
    if (own.schedule) return stretch(*own.schedule, settings.epochs);
    return arm_schedule(arms[job.arm], context, settings.epochs, job.seed);
  }

  std::string hash_of(const Job& job) const {
    const OwnArm& own = settings.arms[job.arm];
    if (!own.transform.empty()) return "transform " + hash_hex(own.transform);
    return hash_hex(schedule_text(*schedule_of(job)));
  }

  Key key_of(const Job& job) const { return {arms[job.arm].name, job.seed}; }

  // Marks what is there, and refuses what was made with something else.
  void take_results() {
    for (const ResultLines::Line& found : file->found()) {
      const Line line = line_from_json(found.json, found.origin);
      lines.emplace(Key(line.arm, line.seed), line);
    }
    for (Job& job : jobs) {
      const auto found = lines.find(key_of(job));
      if (found == lines.end()) continue;
      if (found->second.schedule != hash_of(job)) {
        throw UsageError("the comparison there trained the arm " + quote(found->first.first) +
                         " with another " + (schedule_of(job) ? "schedule" : "transform") +
                         "; give the arm another name, or choose another setting \"out\"");
      }
      job.status = Status::kDone;
    }
  }

  void write_plan() const {
    ComparisonPlan plan;
    for (const Arm& arm : arms) plan.arms.push_back(arm.name);
    plan.seeds = static_cast<int64_t>(settings.seeds.size());
    plan.clean_share = settings.clean_share;
    plan.margin = margin();
    plan.run = settings.run.empty() ? "" : fs::absolute(settings.run).lexically_normal().string();
    write_file_atomic(options.directory / "plan.json", json_pretty(plan_to_json(plan)));
  }

  Job& out(int number) {
    if (number < 0 || number >= static_cast<int>(jobs.size()) ||
        jobs[number].status != Status::kOut) {
      throw UsageError("training " + std::to_string(number) +
                       " expects no result: it was not requested, or its result is known already");
    }
    return jobs[number];
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> notes = {
        "every arm was trained and scored by code of the user's own, which popaug does not see"};
    if (!context.schedule) return notes;
    const std::string learned_on = context.schedule->provenance.value("data", std::string());
    if (!learned_on.empty() && !settings.data.empty() && learned_on != settings.data) {
      notes.emplace_back("the schedule was learned on other images than these");
    }
    return notes;
  }
};

OwnComparison::OwnComparison(const OwnComparisonSettings& settings,
                             const OwnComparisonOptions& options)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.settings = settings;
  s.options = options;
  s.take_context();
  s.take_arms();
  s.take_jobs();
  // From here on the run directory is locked.
  s.directory = std::make_unique<RunDirectory>(options.directory, comparison_run(),
                                               options.resume ? RunStart::kEither : RunStart::kNew);
  if (!s.directory->has_work()) s.write_plan();
  s.directory->write_start("config.toml", options.config_toml);
  s.file = std::make_unique<ResultLines>(options.directory / "runs.jsonl",
                                         common_settings(s.settings), "comparison", options.resume);
  s.take_results();
  s.write_plan();  // arms and seeds may have been added
}

OwnComparison::~OwnComparison() = default;

std::optional<OwnTraining> OwnComparison::take() {
  State& s = *state_;
  for (size_t i = 0; i < s.jobs.size(); ++i) {
    State::Job& job = s.jobs[i];
    if (job.status != State::Status::kOpen) continue;
    job.status = State::Status::kOut;
    return OwnTraining{static_cast<int>(i), s.arms[job.arm].name, job.seed, s.schedule_of(job)};
  }
  return std::nullopt;
}

void OwnComparison::tell(int number, const OwnScore& score) {
  State& s = *state_;
  State::Job& job = s.out(number);
  const std::string where =
      "the arm " + quote(s.arms[job.arm].name) + " under seed " + std::to_string(job.seed) + ": ";
  if (!std::isfinite(score.score)) {
    throw UsageError(where +
                     "the score is not a finite number; a training that diverged cannot be "
                     "compared");
  }
  if (s.settings.metric.share && !(score.score >= 0 && score.score <= 1)) {
    throw UsageError(where + "the score is " + number_text(score.score) + "; the " +
                     s.settings.metric.name +
                     " is a share of 0..1. Give the share, or name what else the score is with "
                     "setting \"metric\"");
  }
  const Line line{s.arms[job.arm].name, job.seed, s.hash_of(job), score};
  s.file->add(line_to_json(line));
  s.lines.insert_or_assign(s.key_of(job), line);
  job.status = State::Status::kDone;
}

void OwnComparison::give_back(int number) { state_->out(number).status = State::Status::kOpen; }

int OwnComparison::total() const { return static_cast<int>(state_->jobs.size()); }

int OwnComparison::done() const {
  return static_cast<int>(
      std::count_if(state_->jobs.begin(), state_->jobs.end(),
                    [](const State::Job& job) { return job.status == State::Status::kDone; }));
}

bool OwnComparison::finished() const { return done() == total(); }

Comparison OwnComparison::finish() {
  State& s = *state_;
  if (!finished()) {
    throw UsageError("the comparison is not finished: " + std::to_string(done()) + " of " +
                     std::to_string(total()) + " trainings are done");
  }
  const double scale = s.settings.metric.share ? 100 : 1;
  std::vector<ArmScores> scores;
  for (const Arm& arm : s.arms) {
    ArmScores& mine = scores.emplace_back();
    for (const uint64_t seed : s.settings.seeds) {
      const OwnScore& result = s.lines.at({arm.name, seed}).result;
      mine.values.push_back(scale * result.score);
      mine.images_trained = result.images_trained;
      mine.seconds += result.seconds;
    }
  }
  Comparison comparison = judge_scores(s.arms, scores, s.settings.metric, s.margin());
  comparison.notes = s.notes();
  write_comparison(comparison, s.options.directory, s.settings.run);
  return comparison;
}

}  // namespace popaug
