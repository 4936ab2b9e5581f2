// The search as a pure value (docs/architecture.md#a-search-is-a-pure-value): ask for work, tell
// results, get decisions. No clock, no I/O, no torch. Usable for any population-based training.
#ifndef POPAUG_SEARCH_POPULATION_H_
#define POPAUG_SEARCH_POPULATION_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/settings.h"
#include "popaug/search/trainer.h"

namespace popaug {

// What a member is searched for: a policy and other genes. Probabilities stand on the grid of
// tenths.
struct Genome {
  Policy policy;
  std::map<std::string, double> genes;
  bool operator==(const Genome&) const = default;
};

// A policy as the published vector: p1, m1, p2, m2, ... with p in tenths
// (docs/pba.md#published-schedule-files).
std::vector<int> policy_numbers(const Policy& policy);
Policy policy_from_numbers(const std::vector<int>& numbers, const SearchSettings& settings,
                           const std::string& origin);

// A target takes weights, optimiser state and policy of a donor, and the policy mutates.
struct Copy {
  int target = 0, donor = 0;
  int target_epochs = 0, donor_epochs = 0;  // trained by each at that moment
  Genome genome;                            // of the target from now on
  bool operator==(const Copy&) const = default;
};

// Under kSignificant: a target that kept its own weights and policy, and the test's p-value.
struct Declined {
  int target = 0, donor = 0;
  double p = 1;
  bool operator==(const Declined&) const = default;
};

// What follows from a complete round (asynchronous: from one result).
struct Decision {
  int round = 0;
  int member = -1;                 // asynchronous: whose result it was; else -1
  std::vector<Copy> copies;        // by target
  std::vector<Declined> declined;  // by target
  std::optional<int> winner;       // set by the last decision
  bool operator==(const Decision&) const = default;
};

// One step of a lineage: `member` trained under `genome` from `first_epoch` on.
struct LineageStep {
  int member = 0;
  int first_epoch = 0;
  Genome genome;
};

// The score of a member whose training diverged: worse than any.
inline constexpr double kDiverged = -std::numeric_limits<double>::infinity();

// The part of a result that decisions rest on.
struct Outcome {
  double score = 0;              // higher is better; kDiverged: training gave no finite numbers
  std::vector<uint8_t> correct;  // per validation image 0 or 1; only kSignificant needs it
};

// Not thread safe. Copies are independent.
class Population {
 public:
  explicit Population(const SearchSettings& settings);  // checked by check_settings()
  const SearchSettings& settings() const { return settings_; }

  bool finished() const { return winner_.has_value(); }
  int winner() const { return winner_.value(); }
  // Members that owe a result now, ascending. Synchronous: those of the current round.
  std::vector<int> due() const;
  bool is_due(int member) const;
  // The next round of a due member; paths are empty.
  RoundWork work(int member) const;
  // Where its weights come from; nothing in the first round.
  std::optional<CheckpointId> source(int member) const;

  // Takes the result of a due member's next round. Synchronous: any order within a round gives
  // the same; a Decision comes with the round's last. A diverged member always becomes a target;
  // in an asynchronous search that has no score yet it starts anew as its own donor, with a
  // mutated genome and 0 epochs. Throws Error for another score that is not finite, for bits that
  // are missing or of another number than the other members', and once all members have diverged.
  std::optional<Decision> tell(int member, const Outcome& outcome);

  // Latest told.
  std::optional<double> score(int member) const;
  int rounds_done(int member) const;
  int epochs_done(int member) const;
  Genome genome(int member) const;
  // How far apart the policies are: mean absolute difference of their numbers over all pairs.
  double spread() const;

  // The chain of policies behind a member, oldest first; and as a schedule of exactly the epochs
  // that these weights trained (docs/pba.md#search: the result is the winner's).
  std::vector<LineageStep> lineage(int member) const;
  Schedule fold(int member) const;
  // The published log of a member's lineage, one line per copy
  // (docs/pba.md#published-schedule-files).
  std::string published_log(int member) const;

 private:
  // Grid numbers are kept small: a search of 1,000 members makes 250 genomes a round.
  struct Packed {
    std::vector<int16_t> numbers;  // as policy_numbers()
    std::vector<double> genes;     // in the order of settings.genes
  };
  struct Member {
    Packed genome;
    std::optional<double> score;
    std::optional<CheckpointId> source;
    int rounds = 0, epochs = 0;
    std::vector<uint8_t> correct;
    std::vector<uint32_t> records;  // indices into records_, ascending
  };
  struct Record {
    int target = 0, donor = 0, target_epochs = 0, donor_epochs = 0;
    uint32_t order = 0;  // records made by one decision share it
    Packed before, after;
  };

  Decision decide_round();
  Decision decide_one(int member);
  bool diverged(int member) const { return members_[member].score == kDiverged; }
  void check_not_all_diverged() const;
  void check_outcome(int member, const Outcome& outcome) const;
  std::vector<int> ranking(const std::vector<int>& members, Random& random) const;
  void replace(int member, Random& random, Decision& decision);
  void exploit(int target, int donor, int round, Decision& decision);
  Packed explore(Packed genome, Random random) const;
  Packed start_genome(int member) const;
  Genome unpack(const Packed& packed) const;
  std::vector<uint32_t> chain(int member) const;

  SearchSettings settings_;
  std::vector<int> low_, high_;  // range of each number
  std::vector<Member> members_;
  std::vector<Record> records_;
  int round_ = 0;    // synchronous
  int waiting_ = 0;  // results that the round still lacks
  uint32_t order_ = 0;
  std::optional<int> winner_;
};

}  // namespace popaug

#endif  // POPAUG_SEARCH_POPULATION_H_
