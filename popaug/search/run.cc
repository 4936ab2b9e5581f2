#include "popaug/search/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "popaug/search/run_state.h"

namespace popaug {
namespace {

CheckpointId made_by(const RoundWork& work) { return {work.member, work.round}; }

// Nothing where training diverged.
std::optional<CheckpointId> weights_of(const JournalResult& result) {
  if (result.score == kDiverged) return std::nullopt;
  return CheckpointId{result.member, result.round};
}

std::string percent(double score) { return fmt::format("{:.1f} %", 100 * score); }

}  // namespace

SearchRun::SearchRun(const SearchSettings& settings, const RunOptions& options)
    : state_(std::make_unique<State>(settings, options)) {}
SearchRun::~SearchRun() = default;

bool SearchRun::finished() const { return state_->population().finished(); }
const Population& SearchRun::population() const { return state_->population(); }
int64_t SearchRun::done() const {
  return state_->done + static_cast<int64_t>(state_->early.size());
}

int64_t SearchRun::total() const {
  const SearchSettings& s = state_->settings;
  int64_t left = 0;
  for (int m = 0; m < s.population; ++m) {
    left += (s.epochs - population().epochs_done(m) + s.epochs_per_round - 1) / s.epochs_per_round;
  }
  return state_->done + left;
}

void SearchRun::log(const std::string& event, const Json& fields) {
  state_->run_log->write(event, fields);
}

std::vector<std::string> SearchRun::news() { return std::exchange(state_->news, {}); }

std::string SearchRun::note() const {
  const State& s = *state_;
  if (s.best_member < 0) return "no scores yet";
  std::string picture;
  if (s.options.picture) {
    std::vector<double> scores;
    for (int m = 0; m < s.settings.population; ++m) {
      scores.push_back(population().score(m).value_or(kDiverged));
    }
    picture = " [" + s.options.picture(scores) + "]";
  }
  const double best = population().score(s.best_member).value();
  const std::string score =
      s.settings.metric == "loss" ? "loss " + number_text(-best) : percent(best);
  return fmt::format("best {} (member {}){}, policies differ by {:.2f}", score, s.best_member,
                     picture, s.spread);
}

std::optional<RoundWork> SearchRun::take() {
  State& s = *state_;
  std::optional<int> chosen;
  for (int m = s.settings.asynchronous ? 0 : s.cursor; m < s.settings.population; ++m) {
    s.cursor = m + 1;
    if (!population().is_due(m) || s.out.contains(m)) continue;
    if (s.early.contains({m, population().rounds_done(m)})) continue;
    // Those furthest behind first; in a synchronous search all are equally far.
    if (!chosen || population().epochs_done(m) < population().epochs_done(*chosen)) chosen = m;
    if (!s.settings.asynchronous) break;
  }
  if (!chosen) return std::nullopt;
  RoundWork work = population().work(*chosen);
  if (s.options.checkpoints) {
    if (const auto source = population().source(*chosen)) {
      const std::string why = s.damaged(*source);
      if (!why.empty()) {
        throw Error(why + ". Restore it from a copy, then run again with --resume");
      }
      work.from = s.files.checkpoint(*source);
    }
    work.to = s.files.attempt(made_by(work));
  }
  s.out[*chosen] = work.to;
  return work;
}

std::optional<std::string> SearchRun::fault(const Told& told) const {
  const State& s = *state_;
  const auto out = s.out.find(told.work.member);
  POPAUG_ASSERT(out != s.out.end() && out->second == told.work.to);
  if (!std::isfinite(told.result.score)) return std::nullopt;  // diverged: a result like any other
  for (const auto& [name, value] : told.result.metrics) {
    if (!std::isfinite(value)) return "the metric " + quote(name) + " is not a finite number";
  }
  if (s.settings.selection == Selection::kSignificant && told.result.correct.empty()) {
    return "the trainer does not say which validation images were right, which significant "
           "selection needs; choose --selection truncation";
  }
  if (!s.options.checkpoints) return std::nullopt;
  std::error_code error;
  const uintmax_t size = fs::file_size(told.work.to, error);
  if (error) return "no checkpoint was written to " + show_path(told.work.to);
  if (size == 0) return "the checkpoint " + show_path(told.work.to) + " is empty";
  return std::nullopt;
}

void SearchRun::tell(std::span<const Told> results) {
  std::vector<JournalResult> accepted;
  for (const Told& told : results) {
    if (const auto why = fault(told)) {
      throw Error(fmt::format("member {}, round {}: {}", told.work.member, told.work.round, *why));
    }
    accepted.push_back(state_->accept(told));
  }
  if (state_->options.checkpoints) sync_folder(state_->files.members());
  state_->record(std::move(accepted));
}

JournalResult SearchRun::State::accept(const Told& told) {
  const CheckpointId id = made_by(told.work);
  JournalResult result;
  result.round = told.work.round;
  result.member = told.work.member;
  result.epochs = told.work.first_epoch + told.work.epochs;
  const bool diverged = !std::isfinite(told.result.score);
  result.score = diverged ? kDiverged : told.result.score;
  if (!diverged) result.metrics = told.result.metrics;
  result.images_trained = told.result.images_trained;
  result.images_evaluated = told.result.images_evaluated;
  if (diverged) {
    std::error_code ignored;
    fs::remove(told.work.to, ignored);
    const std::string reason =
        told.result.reason.empty() ? "the score is no finite number" : told.result.reason;
    run_log->write("diverged", {{"round", id.round}, {"member", id.member}, {"reason", reason}});
    news.push_back(fmt::format("round {}: member {} diverged ({})", id.round, id.member, reason));
  } else if (settings.selection == Selection::kSignificant) {
    result.correct = told.result.correct;
  }
  if (options.checkpoints && !diverged) {
    result.checkpoint = file_hash(told.work.to);
    const fs::path final_name = files.checkpoint(id);
    if (failpoint("checkpoint.rename") || ::rename(told.work.to.c_str(), final_name.c_str()) != 0) {
      throw Error(show_path(final_name) +
                  ": cannot rename the checkpoint into place: " + std::strerror(errno));
    }
    hashes[id] = result.checkpoint;
  }
  out.erase(id.member);
  failures.erase(id);
  run_log->result(id, told.worker, told.result.seconds);
  return result;
}

// Everything becomes durable here, first; then what is needless goes.
void SearchRun::State::record(std::vector<JournalResult> accepted) {
  const std::string lines = drain(accepted);
  if (!lines.empty()) journal->append(lines);
  for (const JournalResult& result : accepted) {
    const CheckpointId id{result.member, result.round};
    write_file_atomic(files.early(id), seal_result(settings, result));
    early[id] = result;
    need(result.member, weights_of(result));
  }
  for (const fs::path& path : std::exchange(deletions, {})) remove_file(path);
  run_log->flush();
}

// Feeds the state machine with all results that have their turn; what stays in `accepted` arrived
// early. Returns the lines for the journal.
std::string SearchRun::State::drain(std::vector<JournalResult>& accepted) {
  std::string lines;
  if (settings.asynchronous) {
    for (const JournalResult& result : accepted) lines += journal_lines(result);
    accepted.clear();
    return lines;
  }
  std::map<CheckpointId, JournalResult> arrived;
  for (JournalResult& r : accepted) arrived.emplace(CheckpointId{r.member, r.round}, std::move(r));
  while (!population().finished()) {
    const int member = fold.next_member();
    const CheckpointId id{member, population().rounds_done(member)};
    if (auto node = arrived.extract(id)) {
      lines += journal_lines(node.mapped());
    } else if (auto stored = early.extract(id)) {
      lines += journal_lines(stored.mapped());
      deletions.push_back(files.early(id));
    } else {
      break;
    }
  }
  accepted.clear();
  for (auto& [id, result] : arrived) accepted.push_back(std::move(result));
  return lines;
}

std::string SearchRun::State::journal_lines(const JournalResult& result) {
  std::string lines = writer->result(result);
  fold.take(result, "result");
  count(result);
  table->result(result);
  need(result.member, weights_of(result));
  if (result.score == kDiverged) find_best();
  if (!fold.unwritten()) return lines;
  const Decision decision = *fold.unwritten();
  lines += writer->decision(decision);
  fold.take(decision, "decision");
  table->decision(decision);
  for (const Copy& copy : decision.copies) need(copy.target, population().source(copy.target));
  cursor = 0;
  tell_news(decision);
  measure();
  return lines;
}

void SearchRun::State::count(const JournalResult& result) {
  ++done;
  images_trained += result.images_trained;
  images_evaluated += result.images_evaluated;
}

// A member will start from `id` and no longer from what it needed before, whose file goes with its
// last user.
void SearchRun::State::need(int member, const std::optional<CheckpointId>& id) {
  const std::optional<CheckpointId> before = std::exchange(needs[member], id);
  if (before == id) return;
  if (id) ++users[*id];
  if (!before || --users[*before] > 0) return;
  users.erase(*before);
  hashes.erase(*before);
  if (options.checkpoints) deletions.push_back(files.checkpoint(*before));
}

void SearchRun::State::tell_news(const Decision& decision) {
  if (decision.copies.size() > 16) {
    news.push_back(fmt::format("round {}: {} members copy better ones", decision.round,
                               decision.copies.size()));
    return;
  }
  for (const Copy& copy : decision.copies) {
    const auto score = [&](int member) -> std::string {
      const double value = population().score(member).value_or(kDiverged);
      if (value == kDiverged) return "diverged";
      return settings.metric == "loss" ? "loss " + number_text(-value) : percent(value);
    };
    news.push_back(fmt::format("round {}: member {} ({}) copies member {} ({})", decision.round,
                               copy.target, score(copy.target), copy.donor, score(copy.donor)));
  }
}

void SearchRun::State::measure() {
  find_best();
  spread = population().spread();
}

void SearchRun::State::find_best() {
  best_member = -1;
  for (int m = 0; m < settings.population; ++m) {
    const auto score = population().score(m);
    if (!score || *score == kDiverged) continue;
    if (best_member < 0 || *score > *population().score(best_member)) best_member = m;
  }
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
      work.round, failures == 1 ? "" : fmt::format("{} times, at last", failures), reason,
      s.options.resume_command.empty() ? "--resume" : s.options.resume_command));
}

}  // namespace popaug
