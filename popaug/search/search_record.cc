// The order of what becomes durable is the whole point of this file. A result is first a checkpoint
// under its final name (CheckpointStore), then a line of the journal or, if members before it are
// still training, an early result. Only then is anything deleted that the line before made
// needless. A kill between two steps therefore loses at most the rounds in work.
#include "popaug/search/internal/search_record.h"

#include "popaug/search/internal/settings_difference.h"

namespace popaug {
namespace {

SearchProgressRow row_of(const JournalResult& r) {
  SearchProgressRow row{r.round,          r.member,           r.epochs, {},
                        r.images_trained, r.images_evaluated, r.metrics};
  if (r.score != kDiverged) row.score = r.score;
  return row;
}

void end_round(SearchProgressTable& table, const Decision& decision) {
  std::vector<std::pair<int, int>> copies;
  for (const Copy& copy : decision.copies) copies.emplace_back(copy.target, copy.donor);
  table.end_round(copies);
}

}  // namespace

SearchRecord::SearchRecord(const fs::path& directory, const SearchSettings& settings)
    : directory_(directory),
      journal_path_(directory / "journal.jsonl"),
      settings_(settings),
      early_files_(directory),
      source_checksums_(static_cast<size_t>(settings.population)),
      table_([](const std::string&) {}) {}

bool SearchRecord::resume() {
  const std::string text = read_regular_file(journal_path_, kMostJournalBytes);
  std::string rows;
  table_ = SearchProgressTable([&](const std::string& row) { rows += row; });
  const auto follow = [&](const Decision& decision) {
    for (const Copy& copy : decision.copies) {
      source_checksums_[copy.target] = source_checksums_[copy.donor];
    }
    end_round(table_, decision);
  };
  JournalVisitor also;
  also.header = [&](const SearchSettings& old) { require_same(old); };
  also.result = [&](const JournalResult& r, const std::string&) {
    source_checksums_[r.member] = r.checkpoint;
    count(r);
    table_.add(row_of(r));
  };
  also.decision = [&](const Decision& decision, const std::string&) { follow(decision); };
  JournalFold folded;
  const JournalSummary summary = read_journal(text, show_path(journal_path_), folded.visitor(also));
  if (summary.lines < 2) return false;  // killed while the first lines were written
  fold_ = std::move(folded);
  journal_ = std::make_unique<AppendFile>(journal_path_, summary.good_bytes);
  writer_ = std::make_unique<JournalWriter>(settings_, summary.last_check);
  if (fold_.unwritten()) {
    const Decision decision = *fold_.unwritten();
    journal_->append(writer_->decision(decision));
    fold_.take(decision, "");
    follow(decision);
  }
  write_file_atomic(directory_ / "progress.csv", rows);
  progress_csv_ = std::make_unique<std::ofstream>(directory_ / "progress.csv", std::ios::app);
  table_.redirect([this](const std::string& row) { *progress_csv_ << row << std::flush; });
  return true;
}

void SearchRecord::require_same(const SearchSettings& old) const {
  const std::string difference =
      first_difference(settings_to_json(old), settings_to_json(settings_));
  if (difference.empty()) return;
  throw Error(show_path(directory_) + ": a run resumes only under its own settings, but " +
              difference + ". Leave that as it was, or choose another setting \"out\"");
}

void SearchRecord::start() {
  journal_ = std::make_unique<AppendFile>(journal_path_, 0);
  writer_ = std::make_unique<JournalWriter>(settings_);
  const std::string text = writer_->header(Population(settings_));
  journal_->append(text);
  fold_ = JournalFold();
  read_journal(text, show_path(journal_path_), fold_.visitor());
  write_file_atomic(directory_ / "progress.csv", "");
  progress_csv_ = std::make_unique<std::ofstream>(directory_ / "progress.csv", std::ios::app);
  table_ =
      SearchProgressTable([this](const std::string& row) { *progress_csv_ << row << std::flush; });
}

void SearchRecord::resume_early_results(const std::function<bool(const JournalResult&)>& whole) {
  std::vector<CheckpointId> kept;
  if (!population().finished()) {
    for (const int member : population().due()) {
      const CheckpointId id{member, population().rounds_done(member)};
      try {
        const auto text = early_files_.read(id);
        if (!text) continue;
        const JournalResult result =
            open_result(settings_, *text, show_path(early_files_.path(id)));
        if (result.member != id.member || result.round != id.round) continue;
        if (result.score != kDiverged && !whole(result)) continue;
        early_[id] = result;
        kept.push_back(id);
      } catch (const Error&) {
        continue;  // a damaged early result costs its round
      }
    }
  }
  early_files_.clean(kept);
}

std::vector<JournalResult> SearchRecord::take(std::vector<JournalResult> results,
                                              const Listener& listener) {
  const std::string lines = drain(results, listener);
  if (!lines.empty()) journal_->append(lines);
  for (const JournalResult& result : results) {
    const CheckpointId id{result.member, result.round};
    early_files_.write(id, seal_result(settings_, result));
    early_[id] = result;
  }
  return results;
}

// Feeds the state machine with all results that have their turn; what stays in `results` arrived
// early. Returns the lines for the journal.
std::string SearchRecord::drain(std::vector<JournalResult>& results, const Listener& listener) {
  std::string lines;
  if (settings_.asynchronous) {
    for (const JournalResult& result : results) lines += append(result, listener);
    results.clear();
    return lines;
  }
  std::map<CheckpointId, JournalResult> arrived;
  for (JournalResult& r : results) arrived.emplace(CheckpointId{r.member, r.round}, std::move(r));
  while (!population().finished()) {
    const int member = fold_.next_member();
    const CheckpointId id{member, population().rounds_done(member)};
    if (auto node = arrived.extract(id)) {
      lines += append(node.mapped(), listener);
    } else if (auto stored = early_.extract(id)) {
      lines += append(stored.mapped(), listener);
      early_files_.drop(id);
    } else {
      break;
    }
  }
  results.clear();
  for (auto& [id, result] : arrived) results.push_back(std::move(result));
  return lines;
}

std::string SearchRecord::append(const JournalResult& result, const Listener& listener) {
  std::string lines = writer_->result(result);
  fold_.take(result, "result");
  count(result);
  table_.add(row_of(result));
  if (!fold_.unwritten()) {
    listener(result, nullptr);
    return lines;
  }
  const Decision decision = *fold_.unwritten();
  lines += writer_->decision(decision);
  fold_.take(decision, "decision");
  end_round(table_, decision);
  listener(result, &decision);
  return lines;
}

void SearchRecord::count(const JournalResult& result) {
  ++results_;
  images_trained_ += result.images_trained;
  images_evaluated_ += result.images_evaluated;
}

void SearchRecord::write_progress() {
  std::string rows;
  SearchProgressTable table([&](const std::string& row) { rows += row; });
  JournalVisitor visitor;
  visitor.result = [&](const JournalResult& r, const std::string&) { table.add(row_of(r)); };
  visitor.decision = [&](const Decision& d, const std::string&) { end_round(table, d); };
  read_journal(read_regular_file(journal_path_, kMostJournalBytes), show_path(journal_path_),
               visitor);
  progress_csv_.reset();
  table_.redirect([](const std::string&) {});
  write_file_atomic(directory_ / "progress.csv", rows);
}

}  // namespace popaug
