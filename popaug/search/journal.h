// journal.jsonl: the truth of a search, one JSON object a line (docs/formats/journal.md).
#ifndef POPAUG_SEARCH_JOURNAL_H_
#define POPAUG_SEARCH_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/search/population.h"

namespace popaug {

// What a member's round gave: all of it follows from seed, data and settings.
struct JournalResult {
  int round = 0, member = 0;
  int epochs = 0;          // trained by these weights in all
  double score = 0;        // kDiverged is written as null
  std::string checkpoint;  // hash_hex of the checkpoint file; "" where there is none
  std::map<std::string, double> metrics;
  int64_t images_trained = 0, images_evaluated = 0;
  std::vector<uint8_t> correct;  // only under kSignificant
};

// Makes the lines of a journal, each with its newline. Every line ends with "check": a checksum
// over it and the line before, so that no change goes unseen.
class JournalWriter {
 public:
  // `last_check` is JournalSummary::last_check of what already stands there, or "".
  explicit JournalWriter(const SearchSettings& settings, std::string last_check = "");
  std::string header(const Population& start);  // header and start line
  std::string result(const JournalResult& result);
  std::string decision(const Decision& decision);

 private:
  std::string seal(const Json& line);
  std::string seal(std::string line);
  const SearchSettings settings_;
  std::string last_check_;
};

// Called in the order of the lines with the number of the line; any may be empty.
struct JournalVisitor {
  std::function<void(const SearchSettings&)> header;
  std::function<void(const std::vector<Genome>&)> start;
  std::function<void(const JournalResult&, const std::string& where)> result;
  std::function<void(const Decision&, const std::string& where)> decision;
};

struct JournalSummary {
  uint64_t good_bytes = 0;  // up to and with the last whole line
  bool torn = false;        // a last line without end was dropped
  std::string last_check;
  uint64_t lines = 0;
};

// Bits of validation images as text for a journal, and back.
std::string bits_to_base64(const std::vector<uint8_t>& bits);
std::vector<uint8_t> bits_from_base64(std::string_view text, size_t count,
                                      const std::string& origin);

// Reads a journal as text. A torn last line is dropped; any other fault is an Error that names the
// line. A text without a whole header line gives 0 lines.
JournalSummary read_journal(std::string_view text, const std::string& origin,
                            const JournalVisitor& visitor);

// One result line, sealed on its own (the line before it is settings_hash()): how a result that
// arrived before its turn is kept.
std::string seal_result(const SearchSettings& settings, const JournalResult& result);
JournalResult open_result(const SearchSettings& settings, std::string_view text,
                          const std::string& origin);

// The state of a search as a fold over its journal. Each line must follow from those before it:
// a result must be due, a decision must be the one that the state machine makes.
class JournalFold {
 public:
  // For read_journal(). `also` hears every line after the fold has taken it.
  JournalVisitor visitor(JournalVisitor also = {});
  bool started() const { return population_.has_value(); }
  Population& population() { return *population_; }
  const Population& population() const { return *population_; }

  void take(const JournalResult& result, const std::string& where);
  void take(const Decision& decision, const std::string& where);
  // Follows from the results taken so far, but its own line has not been taken.
  const std::optional<Decision>& unwritten() const { return unwritten_; }
  // Whose result the journal wants next, in (round, member) order; synchronous searches only.
  int next_member() const { return next_member_; }

 private:
  std::optional<Population> population_;
  std::optional<Decision> unwritten_;
  int next_member_ = 0;
};

// A whole journal as values, and the state that follows from it: for reports, pages and tools.
// Decisions are checked against what the state machine decides from the same scores.
struct SearchHistory {
  SearchSettings settings;
  std::vector<JournalResult> results;  // in the order of the journal
  std::vector<Decision> decisions;
  Population population;
  bool torn = false;
};
// `run` is a run directory. Throws Error where there is no journal or no header in it.
SearchHistory load_history(const fs::path& run);

}  // namespace popaug

#endif  // POPAUG_SEARCH_JOURNAL_H_
