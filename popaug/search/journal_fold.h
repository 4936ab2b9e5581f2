// The state of a search, computed from its journal.
#ifndef POPAUG_SEARCH_JOURNAL_FOLD_H_
#define POPAUG_SEARCH_JOURNAL_FOLD_H_

#include <optional>
#include <string>

#include "popaug/search/journal.h"

namespace popaug {

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

}  // namespace popaug

#endif  // POPAUG_SEARCH_JOURNAL_FOLD_H_
