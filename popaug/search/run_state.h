// The inside of SearchRun. Private to the room.
#ifndef POPAUG_SEARCH_RUN_STATE_H_
#define POPAUG_SEARCH_RUN_STATE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "popaug/search/run.h"
#include "popaug/search/run_files.h"

namespace popaug {

struct SearchRun::State {
  State(const SearchSettings& settings, const RunOptions& options);

  // Opening.
  void begin();
  void fold_journal();
  void require_same(const SearchSettings& old) const;
  void write_header();
  void take_up_early_results();
  void verify_checkpoints();
  bool best_stands() const;
  std::string file_hash(const fs::path& path) const;
  std::string damaged(const CheckpointId& id) const;

  // Telling.
  JournalResult accept(const Told& told);
  void record(std::vector<JournalResult> accepted);
  std::string drain(std::vector<JournalResult>& accepted);
  std::string journal_lines(const JournalResult& result);
  void count(const JournalResult& result);
  void need(int member, const std::optional<CheckpointId>& id);
  void tell_news(const Decision& decision);
  void measure();
  void find_best();

  const Population& population() const { return fold.population(); }

  SearchSettings settings;
  RunOptions options;
  RunFiles files;
  std::unique_ptr<DirectoryLock> lock;
  std::unique_ptr<AppendFile> journal;
  std::unique_ptr<JournalWriter> writer;
  std::unique_ptr<RunLog> run_log;
  JournalFold fold;

  std::map<int, fs::path> out;                     // member -> attempt of the work given out
  std::map<CheckpointId, int> failures;            // by the checkpoint that should have come
  std::map<CheckpointId, JournalResult> early;     // accepted and stored, not yet in the journal
  std::map<CheckpointId, std::string> hashes;      // of checkpoints that stand in members/
  std::vector<std::optional<CheckpointId>> needs;  // by member: what its next round starts from
  std::map<CheckpointId, int> users;               // of each needed checkpoint
  std::vector<fs::path> deletions;                 // once the journal has made them needless

  int cursor = 0;    // synchronous: members before it have no work to take in this round
  int64_t done = 0;  // results in the journal
  int64_t images_trained = 0, images_evaluated = 0;
  int best_member = -1;  // of the latest scores
  double spread = 0;
  std::vector<std::string> news;
  std::unique_ptr<std::ofstream> progress_csv;
  std::unique_ptr<ProgressTable> table;
};

}  // namespace popaug

#endif  // POPAUG_SEARCH_RUN_STATE_H_
