// Population Based Training as a state machine.
//
// A search alternates between two things: members train for a round, and a decision copies good
// members over bad ones. This class does the second and never the first. It holds the state of
// every member (its genome, its latest score, where its weights are) and has two operations: work()
// says what a due member trains next, tell() takes the result of a round. When tell() has the last
// result that a decision needs, it makes the decision and returns it.
//
// The class reads no clock and does no I/O, and every draw is keyed by (seed, purpose, member,
// round). The state is therefore a function of the settings and of the results told so far. This
// gives the three properties that the rest of the room builds on: the journal can store results and
// decisions only, because replaying them gives the state back; the order in which the results of a
// round arrive does not matter; and a test can run a whole search in milliseconds.
//
// Synchronous searches decide in rounds. decide_round() ranks all members; each of the worst (the
// targets) copies one of the best (its donor), chosen uniformly. Targets are handled in the order
// of their number, so the draws have a fixed order. Asynchronous searches decide after every result
// (decide_one): the member alone, compared with the latest scores of those still training.
//
// A copy is three things: the target gets the donor's genome, mutated (explore); its next round
// starts from the donor's checkpoint (source); and a Record remembers donor, target and both
// genomes. The records are the lineage: lineage.cc follows them back from the winner to the start,
// and what it finds is the schedule.
//
// A diverged member has the score kDiverged, minus infinity. It therefore ranks last, has no
// checkpoint, always becomes a target, and is never a donor.
#include "popaug/search/population.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "popaug/base/shuffle.h"
#include "popaug/search/internal/explore.h"

namespace popaug {
namespace {

// A stream of kExploit draws that belongs to no member: picks the winner of an asynchronous search.
constexpr uint64_t kNobody = (1u << 24) - 1;

std::string who(int member) { return "member " + std::to_string(member); }

}  // namespace

Population::Population(const SearchSettings& settings) : settings_(settings) {
  const Space& space = settings_.space;
  for (int copy = 0; copy < settings_.copies; ++copy) {
    for (const SpaceOp& op : space.ops) {
      const auto found = settings_.limits.find(op.op);
      const OpLimits limits = found == settings_.limits.end() ? OpLimits{} : found->second;
      low_.insert(low_.end(), {limits.low_tenths, limits.low_level});
      high_.insert(high_.end(), {limits.high_tenths, settings_.high_level(limits)});
    }
  }
  members_.resize(static_cast<size_t>(settings_.population));
  for (int i = 0; i < settings_.population; ++i) members_[i].genome = start_genome(i);
  waiting_ = settings_.population;
}

Population::Packed Population::start_genome(int member) const {
  Random random({settings_.seed, Purpose::kStart, static_cast<uint64_t>(member)});
  Packed genome;
  genome.numbers.resize(low_.size());
  std::vector<int> given;
  if (settings_.start_policy) given = policy_numbers(*settings_.start_policy);
  for (size_t i = 0; i < low_.size(); ++i) {
    int value = 0;
    if (settings_.start == "random") {
      value =
          low_[i] + static_cast<int>(random.below(static_cast<uint32_t>(high_[i] - low_[i] + 1)));
    } else if (!given.empty()) {
      value = given[i];
    }
    genome.numbers[i] = static_cast<int16_t>(std::clamp(value, low_[i], high_[i]));
  }
  for (const Gene& gene : settings_.genes) {
    genome.genes.push_back(gene.start ? *gene.start : draw_gene(gene, random));
  }
  return genome;
}

Genome Population::unpack(const Packed& packed) const {
  Genome genome;
  const size_t ops = settings_.space.ops.size();
  genome.policy.entries.resize(packed.numbers.size() / 2);
  for (size_t i = 0; i < genome.policy.entries.size(); ++i) {
    genome.policy.entries[i] = {static_cast<int>(i % ops), packed.numbers[2 * i] / 10.0,
                                packed.numbers[2 * i + 1]};
  }
  for (size_t i = 0; i < packed.genes.size(); ++i) {
    genome.genes[settings_.genes[i].name] = packed.genes[i];
  }
  return genome;
}

bool Population::is_due(int member) const {
  if (finished() || member < 0 || member >= settings_.population) return false;
  const Member& m = members_[member];
  return settings_.asynchronous ? m.epochs < settings_.epochs : m.rounds == round_;
}

std::vector<int> Population::due() const {
  std::vector<int> members;
  for (int i = 0; i < settings_.population; ++i) {
    if (is_due(i)) members.push_back(i);
  }
  return members;
}

RoundWork Population::work(int member) const {
  POPAUG_ASSERT(is_due(member));
  const Member& m = members_[member];
  RoundWork work;
  work.member = member;
  work.round = m.rounds;
  work.first_epoch = m.epochs;
  work.epochs = std::min(settings_.epochs_per_round, settings_.epochs - m.epochs);
  work.total_epochs = settings_.epochs;
  work.seed = settings_.seed;
  Genome genome = unpack(m.genome);
  work.policy = std::move(genome.policy);
  work.genes = std::move(genome.genes);
  return work;
}

std::optional<CheckpointId> Population::source(int member) const { return members_[member].source; }
std::optional<double> Population::score(int member) const { return members_[member].score; }
int Population::rounds_done(int member) const { return members_[member].rounds; }
int Population::epochs_done(int member) const { return members_[member].epochs; }
Genome Population::genome(int member) const { return unpack(members_[member].genome); }

void Population::check_outcome(int member, const Outcome& outcome) const {
  if (outcome.score == kDiverged) return;
  if (!std::isfinite(outcome.score)) {
    throw Error(who(member) + ", round " + std::to_string(members_[member].rounds) +
                ": the score is not a finite number");
  }
  if (settings_.selection != Selection::kSignificant) return;
  if (outcome.correct.empty()) {
    throw Error(who(member) +
                ": this trainer does not say which validation images were right, so significant "
                "selection cannot test anything; choose setting \"selection\" truncation");
  }
  for (const Member& other : members_) {
    if (!other.correct.empty() && other.correct.size() != outcome.correct.size()) {
      throw Error(who(member) + ": " + std::to_string(outcome.correct.size()) +
                  " validation images were judged, but " + std::to_string(other.correct.size()) +
                  " for others; a paired test needs the same images");
    }
  }
}

std::optional<Decision> Population::tell(int member, const Outcome& outcome) {
  POPAUG_ASSERT(is_due(member));
  check_outcome(member, outcome);
  Member& m = members_[member];
  m.epochs += std::min(settings_.epochs_per_round, settings_.epochs - m.epochs);
  m.source.reset();
  if (outcome.score != kDiverged) m.source = CheckpointId{member, m.rounds};
  ++m.rounds;
  m.score = outcome.score;
  if (settings_.selection == Selection::kSignificant) m.correct = outcome.correct;
  if (settings_.asynchronous) return decide_one(member);
  if (--waiting_ > 0) return std::nullopt;
  return decide_round();
}

// Returns the members, worst first. Ties are in a drawn order: a fixed order would favour some
// members in every round, above all at the start, when scores are often equal.
std::vector<int> Population::ranking(const std::vector<int>& members, Random& random) const {
  std::vector<int> ranked = members;
  shuffle(ranked, random);
  if (settings_.selection == Selection::kNone) {
    std::stable_partition(ranked.begin(), ranked.end(), [&](int m) { return diverged(m); });
    return ranked;
  }
  std::stable_sort(ranked.begin(), ranked.end(), [&](int a, int b) {
    return members_[a].score.value() < members_[b].score.value();
  });
  return ranked;
}

void Population::check_not_all_diverged() const {
  const auto sound = [](const Member& m) { return !m.score || *m.score != kDiverged; };
  if (std::any_of(members_.begin(), members_.end(), sound)) return;
  throw Error("all " + std::to_string(settings_.population) +
              " members diverged, so that there is nothing left to copy; start again, in another "
              "setting \"out\", with a lower setting \"lr\", a setting \"clip\" or setting "
              "\"warmup_steps\", or a narrower range of the "
              "gene \"lr\"");
}

Decision Population::decide_round() {
  Decision decision;
  decision.round = round_;
  std::vector<int> all(members_.size());
  std::iota(all.begin(), all.end(), 0);
  Random random({settings_.seed, Purpose::kExploit, 0, static_cast<uint64_t>(round_)});
  const std::vector<int> ranked = ranking(all, random);
  check_not_all_diverged();
  if (members_[0].epochs == settings_.epochs) {
    winner_ = ranked.back();
    decision.winner = winner_;
    return decision;
  }
  // Diverged members rank first, are all replaced, and are never donors.
  const int lost = static_cast<int>(
      std::count_if(all.begin(), all.end(), [&](int member) { return diverged(member); }));
  const int k = settings_.quantile();
  const int donors = std::min(k, settings_.population - lost);
  std::vector<int> targets(ranked.begin(), ranked.begin() + std::max(k, lost));
  std::sort(targets.begin(), targets.end());
  for (const int target : targets) {
    const int donor = ranked[ranked.size() - donors + random.below(static_cast<uint32_t>(donors))];
    exploit(target, donor, round_, decision);
  }
  ++order_;
  ++round_;
  waiting_ = settings_.population;
  return decision;
}

// Decides as the published search does: for this member alone, against the latest scores of those
// still training.
Decision Population::decide_one(int member) {
  Decision decision;
  decision.member = member;
  decision.round = members_[member].rounds - 1;
  std::vector<int> training, all;
  for (int i = 0; i < settings_.population; ++i) {
    all.push_back(i);
    if (members_[i].score && members_[i].epochs < settings_.epochs) training.push_back(i);
  }
  check_not_all_diverged();
  if (training.empty() && due().empty()) {
    Random random({settings_.seed, Purpose::kExploit, kNobody, 0});
    winner_ = ranking(all, random).back();
    decision.winner = winner_;
    return decision;
  }
  if (members_[member].epochs == settings_.epochs) return decision;
  Random random({settings_.seed, Purpose::kExploit, static_cast<uint64_t>(member),
                 static_cast<uint64_t>(decision.round)});
  if (diverged(member)) {
    replace(member, random, decision);
    return decision;
  }
  std::erase_if(training, [&](int m) { return diverged(m); });
  if (training.size() < 2) return decision;
  const std::vector<int> ranked = ranking(training, random);
  const int k = std::clamp(static_cast<int>(ranked.size() * settings_.fraction + 1e-9), 1,
                           static_cast<int>(ranked.size() / 2));
  if (std::find(ranked.begin(), ranked.begin() + k, member) == ranked.begin() + k) return decision;
  exploit(member, ranked[ranked.size() - k + random.below(static_cast<uint32_t>(k))],
          decision.round, decision);
  ++order_;
  return decision;
}

// Asynchronous searches: a diverged member copies one of the best that have a score, still training
// or not. If none has a score yet, it starts from new weights.
void Population::replace(int member, Random& random, Decision& decision) {
  std::vector<int> sound;
  for (int i = 0; i < settings_.population; ++i) {
    if (members_[i].score && !diverged(i)) sound.push_back(i);
  }
  int donor = member;
  if (sound.empty()) {
    members_[member].epochs = 0;
  } else {
    const std::vector<int> ranked = ranking(sound, random);
    const int k = std::max(1, static_cast<int>(ranked.size() * settings_.fraction + 1e-9));
    donor = ranked[ranked.size() - k + random.below(static_cast<uint32_t>(k))];
  }
  exploit(member, donor, decision.round, decision);
  if (donor != member) members_[member].score.reset();  // it has sound weights again
  ++order_;
}

void Population::exploit(int target, int donor, int round, Decision& decision) {
  Member& t = members_[target];
  Member& d = members_[donor];
  if (settings_.selection == Selection::kSignificant && !diverged(target)) {
    const double p = paired_p_value(d.correct, t.correct);
    if (p > settings_.significance) {
      decision.declined.push_back({target, donor, p});
      return;
    }
  }
  Random random({settings_.seed, Purpose::kExplore, static_cast<uint64_t>(target),
                 static_cast<uint64_t>(round)});
  Record record{target, donor, t.epochs, d.epochs, order_, d.genome, explore(d.genome, random)};
  t.genome = record.after;
  t.source = d.source;
  t.epochs = d.epochs;
  t.records.push_back(static_cast<uint32_t>(records_.size()));
  decision.copies.push_back(
      {target, donor, record.target_epochs, record.donor_epochs, unpack(record.after)});
  records_.push_back(std::move(record));
}

Population::Packed Population::explore(Packed genome, Random random) const {
  for (size_t i = 0; i < genome.numbers.size(); ++i) {
    genome.numbers[i] = static_cast<int16_t>(
        explore_number(genome.numbers[i], low_[i], high_[i], settings_.explore, random));
  }
  for (size_t i = 0; i < genome.genes.size(); ++i) {
    genome.genes[i] = explore_gene(genome.genes[i], settings_.genes[i], settings_.explore, random);
  }
  return genome;
}

}  // namespace popaug
