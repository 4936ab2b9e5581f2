// A race between arms under a budget: short paired trainings, losers dropped by sequential tests,
// then a winner or the safest arm (docs/choose.md).
#ifndef POPAUG_COMPARE_RACE_H_
#define POPAUG_COMPARE_RACE_H_

#include <string>
#include <vector>

#include "popaug/compare/runs.h"

namespace popaug {

struct RaceSettings {
  std::vector<Arm> arms;
  ArmContext context;
  int64_t train_images = 0;       // that an epoch of the race trains, as the trainer counts them
  int64_t final_images = 0;       // and one of the final training, on all labels
  int64_t budget_images = 0;      // trained in all, race and final training
  double share = 0.5;             // of the budget that the race may take at most
  int epochs = 0;                 // of the final training; 0: what the budget allows, up to 200
  uint64_t seed = 0;              // round r trains under seed + r
  double alpha = 0.05;            // chance that the arm that is best is dropped
  std::string data;               // fingerprint
  Json trainer = Json::object();  // whatever else determines results
};

// none, flipcrop, TrivialAugment 0.25, 0.5 and 1, each of the three also with a clean tail,
// RandAugment, and where there is a schedule, that with and without a clean tail.
std::vector<Arm> racing_arms(const ArmContext& context);

// What the budget becomes, before anything is trained.
struct RacePlan {
  int race_epochs = 0;  // of each short training
  int final_epochs = 0;
  int64_t race_images = 0;  // at most
  int rounds = 0;           // at most: reached when all but two arms are dropped at the first look
};
// Throws UsageError naming the least budget where it does not suffice for two rounds of all arms
// and one epoch of the final training.
RacePlan plan_race(const RaceSettings& settings);
int64_t least_budget(const RaceSettings& settings);

// A look at the race: who is too far behind the leader. `values`: arms x rounds, at least two of
// each. One-sided t tests of the leader's mean against each other's, in randomised blocks with the
// pooled variance, each at `level`.
struct RaceLook {
  size_t leader = 0;
  double deviation = 0;        // of one training
  std::vector<double> behind;  // per arm: the leader's mean minus its own
  std::vector<double> p;       // per arm, uncorrected; 1/2 for the leader
  std::vector<bool> dropped;
};
RaceLook look_at_race(const std::vector<std::vector<double>>& values, double level);

// The level of each test so that the arm that is truly best is dropped with probability alpha at
// most: Bonferroni over the other arms and the looks (one after each round from the second).
double race_level(const RaceSettings& settings, const RacePlan& plan);

struct RaceArm {
  Arm arm;
  std::vector<double> accuracy;  // percent of the validation images, per round
  double mean = 0;
  int dropped_after = 0;    // round, from 1; 0: never
  std::string behind_whom;  // the leader then
  double behind = 0;        // points
  double confidence = 0;    // percent: 100 (1 - corrected p)
};

struct RaceOutcome {
  RacePlan plan;
  std::vector<RaceArm> arms;
  int rounds = 0;
  int64_t images_trained = 0, images_evaluated = 0;
  double seconds = 0;    // of one core, in all trainings; no part of the repeatable result
  double deviation = 0;  // points, of one short training, at the last look
  std::string winner;
  std::string why;         // a sentence
  bool fell_back = false;  // nothing could be told: the safest arm
};

struct RaceOptions {
  fs::path directory;
  int workers = 1;
};

// Runs the race; DIR/runs.jsonl holds what is done, and is gone on from. Judge::kValidation alone
// is asked of the factory. Throws Interrupted on `stop`.
RaceOutcome run_race(const RaceSettings& settings, const ArmTrainerFactory& factory,
                     const RaceOptions& options, Progress& progress, const StopToken& stop);

Json race_to_json(const RaceOutcome& outcome);
std::string race_text(const RaceOutcome& outcome);  // for a terminal

}  // namespace popaug

#endif  // POPAUG_COMPARE_RACE_H_
