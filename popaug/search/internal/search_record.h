// What a search remembers: its journal, early results and progress.csv, and the state that follows
// from them. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_SEARCH_RECORD_H_
#define POPAUG_SEARCH_INTERNAL_SEARCH_RECORD_H_

#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/search/journal_fold.h"

namespace popaug {

// Owns the memory of one search; the caller holds the directory's lock. Results go in as they
// arrive; the journal gets them in their order, and what must wait is kept as an early result.
class SearchRecord {
 public:
  SearchRecord(const fs::path& directory, const SearchSettings& settings);

  // Whether the directory has a journal.
  bool exists() const { return fs::exists(journal_path_); }
  // Folds the journal. Throws Error if it is damaged or its settings differ. False if it ends
  // before its first round, so that start() is due.
  bool resume();
  // Writes the first lines of a new journal.
  void start();
  // Takes up the early results that the current round can use. `whole` says whether the checkpoint
  // of a result is there and undamaged; a result without it is dropped and its round repeated.
  void resume_early_results(const std::function<bool(const JournalResult&)>& whole);

  // Called for each result that enters the journal, with the decision that follows from it or null.
  using Listener = std::function<void(const JournalResult&, const Decision*)>;
  // Appends to the journal, in one durable write, what has its turn. Keeps the rest as early
  // results, durably, and returns them.
  std::vector<JournalResult> take(std::vector<JournalResult> results, const Listener& listener);
  // Deletes the files of early results that the journal has now.
  void delete_unused() { early_files_.delete_unused(); }

  const Population& population() const { return fold_.population(); }
  bool has_early(const CheckpointId& id) const { return early_.contains(id); }
  const std::map<CheckpointId, JournalResult>& early() const { return early_; }
  // By member: the checksum of the checkpoint that it starts from, as the journal has it.
  const std::vector<std::string>& source_checksums() const { return source_checksums_; }
  int64_t results() const { return results_; }  // in the journal
  int64_t images_trained() const { return images_trained_; }
  int64_t images_evaluated() const { return images_evaluated_; }

  // progress.csv of a finished search: made again, so that rows which a kill or a full disk lost
  // are there.
  void write_progress();

 private:
  void require_same(const SearchSettings& old) const;
  std::string drain(std::vector<JournalResult>& results, const Listener& listener);
  std::string append(const JournalResult& result, const Listener& listener);
  void count(const JournalResult& result);

  const fs::path directory_, journal_path_;
  const SearchSettings settings_;
  EarlyResults early_files_;
  std::unique_ptr<AppendFile> journal_;
  std::unique_ptr<JournalWriter> writer_;
  JournalFold fold_;
  std::map<CheckpointId, JournalResult> early_;  // stored, not yet in the journal
  std::vector<std::string> source_checksums_;
  int64_t results_ = 0, images_trained_ = 0, images_evaluated_ = 0;
  std::unique_ptr<std::ofstream> progress_csv_;
  SearchProgressTable table_;
};

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_SEARCH_RECORD_H_
