// The state of a search is a fold over its journal.
//
// The journal has the settings (line 1), the start of every member (line 2), and then results and
// decisions. Population (population.cc) is a pure function of the settings and of the results that
// it was told, so the fold needs to store nothing else: it makes a Population from line 1 and tells
// it each result in turn. What it returns is the state in which the search was stopped or killed.
//
// The other lines follow from the settings and the results, so they are not needed to restore the
// state. They are compared with it instead, and this is what makes a resume safe:
//
//   * Line 2 must be the start that the settings and the seed give.
//   * A result must come in its turn. Results of a round are written in the order of their members,
//     although they arrive in any order; in an asynchronous search any member with due work may
//     follow.
//   * When a result completes a round, Population decides, and the decision waits in unwritten_.
//     The next line must be exactly this decision. A journal whose last decision is missing was
//     stopped between the two writes; the search then appends it.
//
// A journal that was edited, or written by a version that decides differently, therefore stops at
// its first wrong line instead of continuing as another search.
#include "popaug/search/journal_fold.h"

namespace popaug {

JournalVisitor JournalFold::visitor(JournalVisitor also) {
  JournalVisitor visitor;
  visitor.header = [this, then = std::move(also.header)](const SearchSettings& settings) {
    population_.emplace(settings);
    if (then) then(settings);
  };
  visitor.start = [this, then = std::move(also.start)](const std::vector<Genome>& genomes) {
    const int members = population_->settings().population;
    bool same = static_cast<int>(genomes.size()) == members;
    for (int i = 0; same && i < members; ++i) same = genomes[i] == population_->genome(i);
    if (!same) throw Error("line 2 of the journal does not follow from its settings and seed");
    if (then) then(genomes);
  };
  visitor.result = [this, then = std::move(also.result)](const JournalResult& result,
                                                         const std::string& where) {
    take(result, where);
    if (then) then(result, where);
  };
  visitor.decision = [this, then = std::move(also.decision)](const Decision& decision,
                                                             const std::string& where) {
    take(decision, where);
    if (then) then(decision, where);
  };
  return visitor;
}

void JournalFold::take(const JournalResult& result, const std::string& where) {
  const bool turn = population_->settings().asynchronous || result.member == next_member_;
  if (unwritten_ || !turn || !population_->is_due(result.member) ||
      population_->rounds_done(result.member) != result.round) {
    throw Error(where + ": the result of member " + std::to_string(result.member) + ", round " +
                std::to_string(result.round) + ", is out of order here");
  }
  unwritten_ = population_->tell(result.member, {result.score, result.correct});
  if (population_->settings().asynchronous) return;
  next_member_ = (next_member_ + 1) % population_->settings().population;
}

void JournalFold::take(const Decision& decision, const std::string& where) {
  if (!unwritten_ || !(*unwritten_ == decision)) {
    throw Error(where +
                ": this decision does not follow from the scores before it; the journal "
                "was changed or written by another version of popaug");
  }
  unwritten_.reset();
}

}  // namespace popaug
