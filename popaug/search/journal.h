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

// What is read of a journal at most.
inline constexpr uint64_t kMostJournalBytes = uint64_t{1} << 40;

// Makes the lines of a journal, each with its newline. Every line ends with "check": a checksum
// over it and the line before, so that no change goes unseen.
class JournalWriter {
 public:
  // `last_check` is JournalSummary::last_check of the lines that exist already, or "".
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

// Reads a journal as text. A torn last line is dropped; any other fault is an Error that names the
// line. A text without a whole header line gives 0 lines.
JournalSummary read_journal(std::string_view text, const std::string& origin,
                            const JournalVisitor& visitor);

// One result line, sealed on its own (the line before it is settings_hash()): how a result that
// arrived before its turn is kept.
std::string seal_result(const SearchSettings& settings, const JournalResult& result);
JournalResult open_result(const SearchSettings& settings, std::string_view text,
                          const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_SEARCH_JOURNAL_H_
