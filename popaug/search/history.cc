#include "popaug/search/history.h"

namespace popaug {

SearchHistory load_history(const fs::path& run) {
  const fs::path path = run / "journal.jsonl";
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) {
    throw Error(show_path(run) + " contains no search: there is no journal.jsonl in it");
  }
  // Read, not mapped: a search that resumes may cut the file at any moment.
  const std::string text = read_regular_file(path, kMostJournalBytes);
  JournalFold fold;
  std::optional<SearchSettings> settings;
  std::vector<JournalResult> results;
  std::vector<Decision> decisions;
  JournalVisitor also;
  also.header = [&](const SearchSettings& s) { settings = s; };
  also.result = [&](const JournalResult& r, const std::string&) { results.push_back(r); };
  also.decision = [&](const Decision& d, const std::string&) { decisions.push_back(d); };
  const JournalSummary summary = read_journal(text, show_path(path), fold.visitor(also));
  if (!fold.started()) {
    throw Error(show_path(path) +
                " ends before its header: the search was stopped before its "
                "first round; start it again with setting \"resume\"");
  }
  return {*settings, std::move(results), std::move(decisions), fold.population(), summary.torn};
}

}  // namespace popaug
