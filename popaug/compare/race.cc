#include "popaug/compare/race.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "popaug/compare/blocks.h"

namespace popaug {
namespace {

constexpr int kVersion = 1;
constexpr int kFullRounds = 4;     // that short trainings are made short enough for
constexpr int kMostRounds = 10;    // looks are paid for by the tests' level
constexpr int kLeastRounds = 2;    // one round has no spread
constexpr int kLeastEpochs = 2;    // of a short training
constexpr int kUsualEpochs = 200;  // of a final training, at most, unless more are asked for
constexpr double kPoints = 100;

int64_t least_race(const RaceSettings& settings) {
  return int64_t{kLeastRounds} * kLeastEpochs * static_cast<int64_t>(settings.arms.size()) *
         settings.train_images;
}

Json common_settings(const RaceSettings& settings, const RacePlan& plan) {
  Json arms = Json::array();
  for (const Arm& arm : settings.arms) arms.push_back(arm.name);
  Json common = {{"format", "popaug-race"}, {"version", kVersion},
                 {"arms", std::move(arms)}, {"budget_images", settings.budget_images},
                 {"share", settings.share}, {"race_epochs", plan.race_epochs},
                 {"seed", settings.seed},   {"clean_share", settings.context.clean_share},
                 {"data", settings.data},   {"trainer", settings.trainer}};
  if (settings.context.schedule) {
    common["schedule"] = hash_hex(schedule_text(*settings.context.schedule));
  }
  return common;
}

// A round's progress as a part of the race's, whose length is only known at most.
class Part : public Progress {
 public:
  Part(Progress& whole, double before, double total)
      : whole_(whole), before_(before), total_(total) {}
  void update(double done, double, const std::string& note) override {
    whole_.update(before_ + done, std::max(total_, before_ + done), note);
  }
  void line(const std::string& text) override { whole_.line(text); }

 private:
  Progress& whole_;
  double before_, total_;
};

class Race {
 public:
  Race(const RaceSettings& settings, const ArmTrainerFactory& factory, const RaceOptions& options,
       Progress& progress, const StopToken& stop)
      : settings_(settings),
        factory_(factory),
        options_(options),
        progress_(progress),
        stop_(stop),
        plan_(plan_race(settings)),
        file_(options.directory / "runs.jsonl", common_settings(settings, plan_), "race", true) {
    outcome_.plan = plan_;
    for (const Arm& arm : settings.arms) {
      RaceArm racing;
      racing.arm = arm;
      outcome_.arms.push_back(racing);
    }
    running_.resize(settings.arms.size());
    std::iota(running_.begin(), running_.end(), size_t{0});
  }

  RaceOutcome run() {
    const int64_t training = plan_.race_epochs * settings_.train_images;
    const double most = std::floor(static_cast<double>(plan_.race_images) / training);
    double trained = 0;
    while (running_.size() > 1 && outcome_.rounds < plan_.rounds &&
           outcome_.images_trained + training * static_cast<int64_t>(running_.size()) <=
               plan_.race_images) {
      Part part(progress_, trained, most);
      trained += static_cast<double>(running_.size());
      run_round(part);
      if (outcome_.rounds >= kLeastRounds) look();
    }
    choose_winner();
    return std::move(outcome_);
  }

 private:
  void run_round(Progress& progress) {
    const uint64_t seed = settings_.seed + static_cast<uint64_t>(outcome_.rounds);
    std::vector<ArmJob> jobs;
    for (const size_t i : running_) {
      const Arm& arm = settings_.arms[i];
      jobs.push_back({arm.name, seed, Judge::kValidation,
                      arm_schedule(arm, settings_.context, plan_.race_epochs, seed)});
    }
    run_jobs(jobs, file_, factory_, options_.directory, options_.workers, progress, stop_);
    ++outcome_.rounds;
    for (const size_t i : running_) {
      const ArmResult* result = file_.find(settings_.arms[i].name, seed, Judge::kValidation);
      RaceArm& arm = outcome_.arms[i];
      arm.accuracy.push_back(kPoints * result->accuracy);
      arm.mean = std::accumulate(arm.accuracy.begin(), arm.accuracy.end(), 0.0) /
                 static_cast<double>(arm.accuracy.size());
      outcome_.images_trained += result->images_trained;
      outcome_.images_evaluated += result->tested;
      outcome_.seconds += result->seconds;
    }
  }

  void look() {
    std::vector<std::vector<double>> values;
    for (const size_t i : running_) values.push_back(outcome_.arms[i].accuracy);
    const RaceLook look = look_at_race(values, race_level(settings_, plan_));
    outcome_.deviation = look.deviation;
    const std::string leader = settings_.arms[running_[look.leader]].name;
    std::vector<size_t> left;
    for (size_t k = 0; k < running_.size(); ++k) {
      RaceArm& arm = outcome_.arms[running_[k]];
      if (!look.dropped[k]) {
        left.push_back(running_[k]);
        continue;
      }
      arm.dropped_after = outcome_.rounds;
      arm.behind_whom = leader;
      arm.behind = look.behind[k];
      const double corrected = look.p[k] * settings_.alpha / race_level(settings_, plan_);
      arm.confidence = 100 * (1 - std::min(1.0, corrected));
      progress_.line(fmt::format("round {}: {} is dropped, {:.1f} points behind {} ({:.1f} % sure)",
                                 outcome_.rounds, arm.arm.name, arm.behind, leader,
                                 arm.confidence));
    }
    running_ = left;
  }

  const RaceArm* find(const std::string& name) const {
    for (const RaceArm& arm : outcome_.arms) {
      if (arm.arm.name == name) return &arm;
    }
    return nullptr;
  }

  // The leader where the safest arm was shown to be worse; else the safest arm.
  void choose_winner() {
    const auto leader = std::max_element(running_.begin(), running_.end(), [&](size_t a, size_t b) {
      return outcome_.arms[a].mean < outcome_.arms[b].mean;
    });
    const RaceArm& best = outcome_.arms[*leader];
    outcome_.winner = best.arm.name;
    const RaceArm* safe = find("flipcrop");
    const RaceArm* none = find("none");
    if (safe != nullptr && safe->dropped_after > 0) {
      const bool flips_hurt =
          none != nullptr && none->dropped_after == 0 && none->mean > safe->mean;
      safe = flips_hurt ? none : nullptr;
    }
    if (running_.size() == 1) {
      outcome_.why = "every other arm was shown to be worse";
    } else if (safe == nullptr) {
      outcome_.why = fmt::format(
          "flip + crop was shown to be worse; of the {} arms that are left, this one had the "
          "highest mean, which is no proof that it beats the others",
          running_.size());
    } else {
      outcome_.fell_back = true;
      outcome_.winner = safe->arm.name;
      outcome_.why = fmt::format(
          "no arm was shown to beat it, so the safest one is taken{} ({} arms were left after {} "
          "rounds{})",
          safe == none ? ", without flips and crops, which were shown to hurt" : "",
          running_.size(), outcome_.rounds,
          best.arm.name == safe->arm.name
              ? ", and it led"
              : fmt::format("; {} led by {:.1f} points", best.arm.name, best.mean - safe->mean));
    }
  }

  const RaceSettings& settings_;
  const ArmTrainerFactory& factory_;
  const RaceOptions& options_;
  Progress& progress_;
  const StopToken& stop_;
  RacePlan plan_;
  RunsFile file_;
  RaceOutcome outcome_;
  std::vector<size_t> running_;  // arms not dropped, in the order of the settings
};

}  // namespace

std::vector<Arm> racing_arms(const ArmContext& context) {
  std::vector<Arm> arms;
  for (const char* name :
       {"flipcrop", "none", "trivial-0.25", "trivial-0.5", "trivial", "trivial-0.25+clean",
        "trivial-0.5+clean", "trivial+clean", "randaugment"}) {
    arms.push_back(make_arm(name, context));
  }
  if (context.schedule) {
    for (const char* name : {"schedule", "schedule+clean"}) arms.push_back(make_arm(name, context));
  }
  return arms;
}

int64_t least_budget(const RaceSettings& settings) {
  const double race = std::ceil(static_cast<double>(least_race(settings)) / settings.share);
  const double final = std::ceil(static_cast<double>(settings.final_images) / (1 - settings.share));
  return static_cast<int64_t>(std::max(race, final)) + 1;
}

RacePlan plan_race(const RaceSettings& settings) {
  const double budget = static_cast<double>(settings.budget_images);
  RacePlan plan;
  plan.race_images = static_cast<int64_t>(settings.share * budget);
  const double left = (1 - settings.share) * budget;
  const int affordable =
      static_cast<int>(std::min(1e6, left / static_cast<double>(settings.final_images)));
  plan.final_epochs = std::min(affordable, settings.epochs > 0 ? settings.epochs : kUsualEpochs);
  if (plan.race_images < least_race(settings) || plan.final_epochs < 1) {
    throw UsageError(fmt::format(
        "the budget of {} images is too small: {} rounds of {} arms, {} epochs each, and a final "
        "training need at least {}",
        settings.budget_images, kLeastRounds, settings.arms.size(), kLeastEpochs,
        least_budget(settings)));
  }
  const auto arms = static_cast<int64_t>(settings.arms.size());
  const int64_t epochs = plan.race_images / (arms * settings.train_images * kFullRounds);
  plan.race_epochs = static_cast<int>(
      std::clamp<int64_t>(epochs, kLeastEpochs, std::max(kLeastEpochs, plan.final_epochs)));
  const int64_t training = plan.race_epochs * settings.train_images;
  const int64_t spare = plan.race_images - kLeastRounds * arms * training;
  plan.rounds =
      static_cast<int>(std::min<int64_t>(kMostRounds, kLeastRounds + spare / (2 * training)));
  return plan;
}

double race_level(const RaceSettings& settings, const RacePlan& plan) {
  const double others = std::max<double>(1, static_cast<double>(settings.arms.size()) - 1);
  return settings.alpha / (others * (plan.rounds - kLeastRounds + 1));
}

RaceLook look_at_race(const std::vector<std::vector<double>>& values, double level) {
  const Blocks blocks = randomised_blocks(values);
  RaceLook look;
  look.deviation = std::sqrt(blocks.variance);
  look.leader = static_cast<size_t>(std::max_element(blocks.means.begin(), blocks.means.end()) -
                                    blocks.means.begin());
  const double error = difference_error(blocks);
  for (const double mean : blocks.means) {
    look.behind.push_back(blocks.means[look.leader] - mean);
    look.p.push_back(upper_p(look.behind.back(), error, blocks.degrees));
    look.dropped.push_back(look.p.back() < level);
  }
  return look;
}

RaceOutcome run_race(const RaceSettings& settings, const ArmTrainerFactory& factory,
                     const RaceOptions& options, Progress& progress, const StopToken& stop) {
  if (settings.arms.size() < 2) throw UsageError("a race needs at least two arms");
  return Race(settings, factory, options, progress, stop).run();
}

Json race_to_json(const RaceOutcome& outcome) {
  Json json = {{"format", "popaug-choose"},
               {"version", kVersion},
               {"winner", outcome.winner},
               {"why", outcome.why},
               {"fell_back", outcome.fell_back},
               {"rounds", outcome.rounds},
               {"race_epochs", outcome.plan.race_epochs},
               {"final_epochs", outcome.plan.final_epochs},
               {"race_images", outcome.images_trained},
               {"deviation", outcome.deviation},
               {"arms", Json::array()}};
  for (const RaceArm& arm : outcome.arms) {
    Json item = {{"name", arm.arm.name},
                 {"title", arm.arm.title},
                 {"mean", arm.mean},
                 {"accuracy", arm.accuracy}};
    if (arm.dropped_after > 0) {
      item["dropped_after"] = arm.dropped_after;
      item["behind_whom"] = arm.behind_whom;
      item["behind"] = arm.behind;
      item["confidence"] = arm.confidence;
    }
    json["arms"].push_back(std::move(item));
  }
  return json;
}

std::string race_text(const RaceOutcome& outcome) {
  std::string text = fmt::format("{:<44} {:>10} {:>7}\n", "arm", "validation", "rounds");
  for (const RaceArm& arm : outcome.arms) {
    text += fmt::format("{:<44} {:>8.2f} % {:>7}  ", arm.arm.title, arm.mean, arm.accuracy.size());
    text += arm.arm.name == outcome.winner ? "chosen\n"
            : arm.dropped_after == 0
                ? "not shown to be worse\n"
                : fmt::format("dropped: {:.1f} points behind {}, {:.1f} % sure\n", arm.behind,
                              arm.behind_whom, arm.confidence);
  }
  text += fmt::format("\nchosen: {}: {}.\n", outcome.winner, outcome.why);
  return text + fmt::format(
                    "The race trained {} epochs a time, the final training {}: what shows "
                    "only in long trainings, a race cannot see.\n",
                    outcome.plan.race_epochs, outcome.plan.final_epochs);
}

}  // namespace popaug
