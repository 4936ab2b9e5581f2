#include "popaug/search/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "popaug/rundir/rundir.h"
#include "popaug/search/internal/run_notes.h"
#include "popaug/search/internal/search_record.h"
#include "popaug/search/internal/search_results.h"

namespace popaug {
namespace {

CheckpointId made_by(const RoundWork& work) { return {work.member, work.round}; }
CheckpointId made_by(const JournalResult& result) { return {result.member, result.round}; }

// Nothing where training diverged.
std::optional<CheckpointId> weights_of(const JournalResult& result) {
  if (result.score == kDiverged) return std::nullopt;
  return made_by(result);
}

}  // namespace

struct SearchRun::State {
  State(const SearchSettings& settings, const RunOptions& options);
  void open();
  void resume_weights();
  JournalResult accept(const FinishedRound& finished);
  void record_results(std::vector<JournalResult> results);
  void measure();

  const Population& population() const { return record.population(); }

  SearchSettings settings;
  RunOptions options;
  Workers workers;
  CheckpointStore checkpoints;
  SearchRecord record;
  std::unique_ptr<RunLog> run_log;

  std::map<int, fs::path> out;           // member -> attempt of the work given out
  std::map<CheckpointId, int> failures;  // by the checkpoint that should have come
  int cursor = 0;        // synchronous: members before it have no work to take in this round
  int best_member = -1;  // of the latest scores
  double spread = 0;     // between the policies
  std::vector<std::string> news;
};

SearchRun::State::State(const SearchSettings& s, const RunOptions& o)
    : settings(s), options(o), checkpoints(o.directory, o.checkpoints), record(o.directory, s) {
  check_settings(settings);
  if (options.attempts < 1) throw UsageError("search: setting \"attempts\" must be at least 1");
  open();
}

void SearchRun::State::open() {
  const fs::path& directory = options.directory;
  if (!options.run) {
    options.run = std::make_shared<RunDirectory>(
        directory, search_run(), options.resume ? RunStart::kEither : RunStart::kNew);
  }
  const bool exists = record.exists();
  if (!exists || !record.resume()) {
    if (!options.config_toml.empty()) {
      options.run->write_start("config.toml", options.config_toml);
    }
    record.start();
  }
  options.run->confirm();
  checkpoints.open();  // not before config.toml, which makes a directory one that can be resumed
  resume_weights();
  measure();
  run_log = std::make_unique<RunLog>(directory / "run.log");
  run_log->write(exists ? "resume" : "start", {{"pid", ::getpid()}, {"done", record.results()}});
  record_results({});  // results that arrived early may be all that the round still lacked
}

// Everything that will be trained from is there and whole; leftovers go.
void SearchRun::State::resume_weights() {
  for (int m = 0; m < settings.population; ++m) {
    const auto source = population().source(m);
    if (source) checkpoints.expect(*source, record.source_checksums()[m]);
    checkpoints.set_source(m, source);
  }
  record.resume_early_results([&](const JournalResult& result) {
    checkpoints.expect(made_by(result), result.checkpoint);
    return checkpoints.damage(made_by(result)).empty();
  });
  for (const auto& [id, result] : record.early()) {
    checkpoints.set_source(id.member, weights_of(result));
  }
  const bool finished = population().finished();
  const bool done_with =
      finished && options.checkpoints && has_best_weights(record, checkpoints, options.directory);
  std::vector<CheckpointId> keep;
  for (const CheckpointId& id : checkpoints.needed()) {
    const bool others = finished && id.member != population().winner();
    if (!options.checkpoints || done_with || others) continue;
    const std::string why = checkpoints.damage(id);
    if (!why.empty()) {
      throw Error(why + ". Restore it from a copy, or start again with another setting \"out\"");
    }
    keep.push_back(id);
  }
  checkpoints.clean(keep);
}

SearchRun::SearchRun(const SearchSettings& settings, const RunOptions& options)
    : state_(std::make_unique<State>(settings, options)) {}
SearchRun::~SearchRun() = default;

bool SearchRun::finished() const { return state_->population().finished(); }
const Population& SearchRun::population() const { return state_->population(); }
int64_t SearchRun::done() const {
  return state_->record.results() + static_cast<int64_t>(state_->record.early().size());
}

int64_t SearchRun::total() const {
  const SearchSettings& s = state_->settings;
  int64_t left = 0;
  for (int m = 0; m < s.population; ++m) {
    left += (s.epochs - population().epochs_done(m) + s.epochs_per_round - 1) / s.epochs_per_round;
  }
  return state_->record.results() + left;
}

void SearchRun::log(const std::string& event, const Json& fields) {
  if (event == "workers") {  // whoever executes the work says so: threads, processes, a Ray driver
    const Json count = fields.value("workers", Json()), kind = fields.value("worker_kind", Json());
    state_->workers.count = count.is_number_integer() ? count.get<int>() : 0;
    state_->workers.kind = kind.is_string() ? kind.get<std::string>() : "caller";
  }
  state_->run_log->write(event, fields);
}

std::vector<std::string> SearchRun::news() { return std::exchange(state_->news, {}); }

std::string SearchRun::note() const {
  const State& s = *state_;
  std::string picture;
  if (s.options.picture && s.best_member >= 0) {
    std::vector<double> scores;
    for (int m = 0; m < s.settings.population; ++m) {
      scores.push_back(population().score(m).value_or(kDiverged));
    }
    picture = s.options.picture(scores);
  }
  return standing_note(population(), s.best_member, s.spread, picture);
}

void SearchRun::State::measure() {
  best_member = popaug::best_member(population());
  spread = population().spread();
}

std::optional<RoundWork> SearchRun::take() {
  State& s = *state_;
  std::optional<int> chosen;
  for (int m = s.settings.asynchronous ? 0 : s.cursor; m < s.settings.population; ++m) {
    s.cursor = m + 1;
    if (!population().is_due(m) || s.out.contains(m)) continue;
    if (s.record.has_early({m, population().rounds_done(m)})) continue;
    // Those furthest behind first; in a synchronous search all are equally far.
    if (!chosen || population().epochs_done(m) < population().epochs_done(*chosen)) chosen = m;
    if (!s.settings.asynchronous) break;
  }
  if (!chosen) return std::nullopt;
  RoundWork work = population().work(*chosen);
  if (s.options.checkpoints) {
    if (const auto source = population().source(*chosen)) {
      const std::string why = s.checkpoints.damage(*source);
      if (!why.empty()) {
        throw Error(why + ". Restore it from a copy, then run again with setting \"resume\"");
      }
      work.from = s.checkpoints.path(*source);
    }
    work.to = s.checkpoints.new_attempt(made_by(work));
  }
  s.out[*chosen] = work.to;
  return work;
}

std::optional<std::string> SearchRun::fault(const FinishedRound& finished) const {
  const State& s = *state_;
  const auto out = s.out.find(finished.work.member);
  POPAUG_ASSERT(out != s.out.end() && out->second == finished.work.to);
  if (auto why = limit_fault(finished.result)) return why;
  if (!std::isfinite(finished.result.score)) return std::nullopt;  // diverged
  if (s.settings.selection == Selection::kSignificant && finished.result.correct.empty()) {
    return "the trainer does not say which validation images were right, which significant "
           "selection needs; choose setting \"selection\" truncation";
  }
  if (!s.options.checkpoints) return std::nullopt;
  return s.checkpoints.attempt_fault(finished.work.to);
}

void SearchRun::tell(std::span<const FinishedRound> results) {
  std::vector<JournalResult> accepted;
  for (const FinishedRound& finished : results) {
    if (const auto why = fault(finished)) {
      throw Error(
          fmt::format("member {}, round {}: {}", finished.work.member, finished.work.round, *why));
    }
    accepted.push_back(state_->accept(finished));
  }
  state_->checkpoints.sync();
  state_->record_results(std::move(accepted));
}

JournalResult SearchRun::State::accept(const FinishedRound& finished) {
  const CheckpointId id = made_by(finished.work);
  JournalResult result;
  result.round = id.round;
  result.member = id.member;
  result.epochs = finished.work.first_epoch + finished.work.epochs;
  result.images_trained = finished.result.images_trained;
  result.images_evaluated = finished.result.images_evaluated;
  if (!std::isfinite(finished.result.score)) {
    result.score = kDiverged;
    std::error_code ignored;
    fs::remove(finished.work.to, ignored);
    const std::string reason = finished.result.reason.empty() ? "the score is not a finite number"
                                                              : finished.result.reason;
    run_log->write("diverged", {{"round", id.round}, {"member", id.member}, {"reason", reason}});
    news.push_back(fmt::format("round {}: member {} diverged ({})", id.round, id.member, reason));
  } else {
    result.score = finished.result.score;
    result.metrics = finished.result.metrics;
    if (settings.selection == Selection::kSignificant) result.correct = finished.result.correct;
    if (options.checkpoints) result.checkpoint = checkpoints.accept(finished.work.to, id);
  }
  out.erase(id.member);
  failures.erase(id);
  run_log->result(id.round, id.member, finished.worker, finished.result.seconds);
  return result;
}

// Everything becomes durable here, first; then what is needless goes.
void SearchRun::State::record_results(std::vector<JournalResult> results) {
  const auto entered = [this](const JournalResult& result, const Decision* decision) {
    checkpoints.set_source(result.member, weights_of(result));
    if (result.score == kDiverged) best_member = popaug::best_member(population());
    if (decision == nullptr) return;
    for (const Copy& copy : decision->copies) {
      checkpoints.set_source(copy.target, population().source(copy.target));
    }
    cursor = 0;
    for (std::string& note : copy_notes(population(), *decision)) news.push_back(std::move(note));
    measure();
  };
  for (const JournalResult& waiting : record.take(std::move(results), entered)) {
    checkpoints.set_source(waiting.member, weights_of(waiting));
  }
  checkpoints.delete_unused();
  record.delete_unused();
  run_log->flush();
}

void SearchRun::give_back(const RoundWork& work, const std::string& reason,
                          const std::string& worker) {
  State& s = *state_;
  s.out.erase(work.member);
  s.cursor = std::min(s.cursor, work.member);
  if (!work.to.empty()) {
    std::error_code ignored;
    fs::remove(work.to, ignored);
  }
  if (reason.empty()) return;  // nobody's fault: the search is stopping
  const int failures = ++s.failures[made_by(work)];
  log("failed",
      {{"round", work.round}, {"member", work.member}, {"worker", worker}, {"reason", reason}});
  if (failures < s.options.attempts) return;
  throw Error(fmt::format(
      "member {}, round {} failed {}: {}. The search can be continued with: {}", work.member,
      work.round, failures == 1 ? "" : fmt::format("{} times, most recently", failures), reason,
      s.options.resume_command.empty() ? "setting \"resume\"" : s.options.resume_command));
}

Json SearchRun::write_results() {
  State& s = *state_;
  POPAUG_ASSERT(finished());
  log("end", Json::object());
  Json result = write_search_results(s.record, s.checkpoints, s.options, s.workers);
  s.checkpoints.clean({});
  return result;
}

}  // namespace popaug
