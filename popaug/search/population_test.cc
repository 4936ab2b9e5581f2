#include "popaug/search/population.h"

#include <gtest/gtest.h>

#include <set>

#include "popaug/search/internal/explore.h"
#include "popaug/search/internal/testing.h"

namespace popaug {
namespace {

using testing_search::chi_square;
using testing_search::chi_square_limit;
using testing_search::toy_settings;

// Tells a whole round; score of member i is scores[i].
Decision tell_round(Population& population, const std::vector<double>& scores) {
  std::optional<Decision> decision;
  for (const int member : population.due()) {
    EXPECT_FALSE(decision);
    decision = population.tell(member, {scores[member], {}});
  }
  return decision.value();
}

std::vector<double> rising(int n) {
  std::vector<double> scores;
  for (int i = 0; i < n; ++i) scores.push_back(0.01 * i);
  return scores;
}

TEST(Population, AsksEveryMemberThenDecides) {
  Population population(toy_settings(16, 6, 3));
  EXPECT_EQ(population.due().size(), 16u);
  const RoundWork work = population.work(3);
  EXPECT_EQ(work.member, 3);
  EXPECT_EQ(work.epochs, 3);
  EXPECT_EQ(work.total_epochs, 6);
  EXPECT_EQ(work.policy.entries.size(), 30u);
  const Decision decision = tell_round(population, rising(16));
  ASSERT_EQ(decision.copies.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(decision.copies[i].target, i);  // the four worst, by member
    EXPECT_GE(decision.copies[i].donor, 12);
    EXPECT_EQ(decision.copies[i].donor_epochs, 3);
  }
  EXPECT_FALSE(decision.winner);
}

TEST(Population, TargetStartsFromTheDonorsWeightsAndOthersFromTheirOwn) {
  Population population(toy_settings(16, 6, 3));
  EXPECT_FALSE(population.source(0));
  const Decision decision = tell_round(population, rising(16));
  for (const Copy& copy : decision.copies) {
    EXPECT_EQ(population.source(copy.target), (CheckpointId{copy.donor, 0}));
    EXPECT_EQ(population.genome(copy.target), copy.genome);
  }
  for (int i = 4; i < 16; ++i) {
    EXPECT_EQ(population.source(i), (CheckpointId{i, 0}));
    EXPECT_EQ(population.genome(i).policy, zero_policy(population.settings().space));
  }
}

TEST(Population, LastRoundIsShorterIsEvaluatedAndIsFollowedByNoExploit) {
  Population population(toy_settings(4, 7, 3));
  tell_round(population, rising(4));
  tell_round(population, rising(4));
  EXPECT_EQ(population.work(0).epochs, 1);
  EXPECT_EQ(population.work(0).first_epoch, 6);
  const Decision last = tell_round(population, {0.1, 0.9, 0.3, 0.2});
  EXPECT_TRUE(last.copies.empty());
  EXPECT_EQ(last.winner, 1);
  EXPECT_TRUE(population.finished());
  EXPECT_TRUE(population.due().empty());
  int epochs = 0;
  for (const Segment& segment : population.fold(1).segments) epochs += segment.epochs;
  EXPECT_EQ(epochs, 7);
}

TEST(Population, OrderOfTellingWithinARoundDoesNotMatter) {
  Population forward(toy_settings()), backward(toy_settings());
  const std::vector<double> scores = {0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6};
  std::optional<Decision> a, b;
  for (int i = 0; i < 8; ++i) a = forward.tell(i, {scores[i], {}});
  for (int i = 7; i >= 0; --i) b = backward.tell(i, {scores[i], {}});
  EXPECT_EQ(a.value(), b.value());
}

TEST(Population, SmallestPopulationHasOneTargetAndOneDonor) {
  Population population(toy_settings(2, 6, 3));
  const Decision decision = tell_round(population, {0.2, 0.1});
  ASSERT_EQ(decision.copies.size(), 1u);
  EXPECT_EQ(decision.copies[0].target, 1);
  EXPECT_EQ(decision.copies[0].donor, 0);
}

TEST(Population, RefusesAScoreThatIsNoNumber) {
  Population population(toy_settings());
  EXPECT_THROW(population.tell(0, {std::nan(""), {}}), Error);
  EXPECT_THROW(population.tell(0, {INFINITY, {}}), Error);
  EXPECT_TRUE(population.is_due(0));
}

TEST(Population, TiesAreBrokenEvenly) {
  // All scores equal: each of 8 members is a target with probability 2/8 a round, a donor with
  // 2 draws of 1/8.
  std::vector<double> targets(8), donors(8);
  for (int seed = 0; seed < 2000; ++seed) {
    SearchSettings settings = toy_settings(8, 6, 3);
    settings.seed = seed;
    Population population(settings);
    for (const Copy& copy : tell_round(population, std::vector<double>(8, 0.5)).copies) {
      ++targets[copy.target];
      ++donors[copy.donor];
      EXPECT_NE(copy.target, copy.donor);
    }
  }
  EXPECT_LT(chi_square(targets, std::vector<double>(8, 500)), chi_square_limit(7));
  EXPECT_LT(chi_square(donors, std::vector<double>(8, 500)), chi_square_limit(7));
}

TEST(Population, DonorsAreDrawnUniformlyFromTheTop) {
  std::vector<double> donors(4);
  for (int seed = 0; seed < 2000; ++seed) {
    SearchSettings settings = toy_settings(16, 6, 3);
    settings.seed = seed;
    Population population(settings);
    for (const Copy& copy : tell_round(population, rising(16)).copies) ++donors[copy.donor - 12];
  }
  EXPECT_LT(chi_square(donors, std::vector<double>(4, 2000)), chi_square_limit(3));
}

// The exact distribution of one explore step from `value` in low..high.
std::vector<double> explore_law(int value, int low, int high) {
  std::vector<double> law(high - low + 1);
  for (int to = low; to <= high; ++to) law[to - low] += 0.2 / (high - low + 1);
  for (const int amount : {0, 1, 2, 3}) {
    for (const int sign : {-1, 1}) {
      law[std::clamp(value + sign * amount, low, high) - low] += 0.8 / 8;
    }
  }
  return law;
}

TEST(Explore, EveryStartHasTheStatedLaw) {
  const ExploreRates rates;
  for (const int high : {10, 9}) {
    for (int value = 0; value <= high; ++value) {
      Random random(
          {99, Purpose::kTest, static_cast<uint64_t>(value), static_cast<uint64_t>(high)});
      std::vector<double> seen(high + 1), expected = explore_law(value, 0, high);
      const int draws = 20000;
      for (int i = 0; i < draws; ++i) ++seen[explore_number(value, 0, high, rates, random)];
      for (double& e : expected) e *= draws;
      EXPECT_LT(chi_square(seen, expected), chi_square_limit(high)) << value << " of " << high;
    }
  }
}

TEST(Explore, ALawWithAnotherResetRateIsSeen) {
  ExploreRates rates;
  rates.reset = 0.23;
  Random random({99, Purpose::kTest});
  std::vector<double> seen(11), expected = explore_law(0, 0, 10);
  for (int i = 0; i < 20000; ++i) ++seen[explore_number(0, 0, 10, rates, random)];
  for (double& e : expected) e *= 20000;
  EXPECT_GT(chi_square(seen, expected), chi_square_limit(10));
}

TEST(Explore, NumbersOfOneGenomeAreIndependent) {
  // Correlation of neighbouring numbers over many explored zero policies.
  const SearchSettings settings = toy_settings(16, 6, 3);
  double xy = 0, x = 0, y = 0, xx = 0, yy = 0;
  int n = 0;
  for (int seed = 0; seed < 1500; ++seed) {
    SearchSettings s = settings;
    s.seed = seed;
    Population population(s);
    for (const Copy& copy : tell_round(population, rising(16)).copies) {
      const std::vector<int> v = policy_numbers(copy.genome.policy);
      for (size_t i = 0; i + 2 < v.size(); i += 2, ++n) {
        x += v[i];
        y += v[i + 2];
        xy += v[i] * v[i + 2];
        xx += v[i] * v[i];
        yy += v[i + 2] * v[i + 2];
      }
    }
  }
  const double cov = xy / n - x / n * y / n;
  const double r = cov / std::sqrt((xx / n - x * x / n / n) * (yy / n - y * y / n / n));
  EXPECT_LT(std::abs(r), 4 / std::sqrt(n));
}

TEST(Explore, SixteenStepsOnOneLineageReachTheStatedMeans) {
  // docs/pba.md#what-is-known-today: from 0 to a mean of about 5.0 (probability) and 4.5 (level).
  const ExploreRates rates;
  double probability = 0, level = 0;
  const int lineages = 20000;
  for (int i = 0; i < lineages; ++i) {
    Random random({5, Purpose::kTest, 0, 0, static_cast<uint64_t>(i)});
    int p = 0, m = 0;
    for (int step = 0; step < 16; ++step) {
      p = explore_number(p, 0, 10, rates, random);
      m = explore_number(m, 0, 9, rates, random);
    }
    probability += p;
    level += m;
  }
  // The drawn means have a standard error of 0.025. The exact chain gives 4.87 and 4.39.
  EXPECT_NEAR(probability / lineages, 5.0, 0.25);
  EXPECT_NEAR(level / lineages, 4.5, 0.25);
}

TEST(Explore, GenesStayInTheirRangesAndOnTheirKind) {
  const ExploreRates rates;
  const Gene lr{"lr", 0.001, 1, std::nullopt, true, false};
  const Gene pad{"pad", 0, 8, 4.0, false, true};
  Random random({1, Purpose::kTest});
  double a = 0.1, b = 4;
  std::set<double> pads;
  int small = 0;
  const int draws = 5000;
  for (int i = 0; i < draws; ++i) {
    a = explore_gene(a, lr, rates, random);
    b = explore_gene(b, pad, rates, random);
    ASSERT_GE(a, 0.001);
    ASSERT_LE(a, 1);
    ASSERT_EQ(b, std::round(b));
    pads.insert(b);
    small += a < std::sqrt(0.001);
  }
  EXPECT_EQ(pads.size(), 9u);
  EXPECT_EQ(*pads.begin(), 0);
  EXPECT_EQ(*pads.rbegin(), 8);
  EXPECT_NEAR(static_cast<double>(small) / draws, 0.5, 0.08);  // uniform in the logarithm
}

TEST(Selection, NoneMutatesLineagesAtTheRateOfASearch) {
  // 66 decisions replace a quarter of the members each: 16.5 copies on a lineage.
  SearchSettings settings = toy_settings(16, 200, 3);
  settings.selection = Selection::kNone;
  const DriftBand band = drift_band(settings, 300, 2, silent_progress());
  EXPECT_NEAR(band.mean_explores, 16.5, 4 * 3.52 / std::sqrt(300));
}

TEST(Selection, NoneLooksAtNoScore) {
  SearchSettings settings = toy_settings(8, 9, 3);
  settings.selection = Selection::kNone;
  Population a(settings), b(settings);
  EXPECT_EQ(tell_round(a, rising(8)), tell_round(b, {5, 4, 3, 2, 1, 0, -1, -2}));
}

TEST(Selection, SignificantCopiesOnlyWhatTheTestTellsApart) {
  SearchSettings settings = toy_settings(4, 6, 3);
  settings.selection = Selection::kSignificant;
  Population population(settings);
  std::vector<uint8_t> good(100, 1), middle(100, 1), slightly(100, 1);
  for (int i = 0; i < 30; ++i) middle[i] = 0;
  for (int i = 0; i < 2; ++i) slightly[i] = 0;
  population.tell(0, {1.0, good});
  population.tell(1, {0.98, slightly});
  population.tell(2, {0.98, slightly});
  const Decision far = population.tell(3, {0.7, middle}).value();
  ASSERT_EQ(far.copies.size(), 1u);
  EXPECT_EQ(far.copies[0].target, 3);
  EXPECT_EQ(far.copies[0].donor, 0);

  Population close(settings);
  close.tell(0, {1.0, good});
  close.tell(1, {1.0, good});
  close.tell(2, {1.0, good});
  const Decision near = close.tell(3, {0.98, slightly}).value();
  EXPECT_TRUE(near.copies.empty());
  ASSERT_EQ(near.declined.size(), 1u);
  EXPECT_DOUBLE_EQ(near.declined[0].p, 0.25);  // 2 of 2 fall to the donor
  EXPECT_EQ(close.source(3), (CheckpointId{3, 0}));
}

TEST(Selection, PairedTestIsTheBinomialTail) {
  // b = 8, c = 2: P(X >= 8 | 10, 1/2) = (45 + 10 + 1) / 1024.
  std::vector<uint8_t> donor, target;
  for (int i = 0; i < 8; ++i) donor.push_back(1), target.push_back(0);
  for (int i = 0; i < 2; ++i) donor.push_back(0), target.push_back(1);
  for (int i = 0; i < 5; ++i) donor.push_back(1), target.push_back(1);
  EXPECT_NEAR(paired_p_value(donor, target), 56.0 / 1024, 1e-12);
  EXPECT_EQ(paired_p_value(target, target), 1);
}

TEST(Selection, SignificantRefusesTrainersWithoutBits) {
  SearchSettings settings = toy_settings(4, 6, 3);
  settings.selection = Selection::kSignificant;
  Population population(settings);
  EXPECT_THROW(population.tell(0, {0.5, {}}), Error);
  population.tell(0, {0.5, {1, 0}});
  EXPECT_THROW(population.tell(1, {0.5, {1, 0, 1}}), Error);
}

TEST(Lineage, FoldsThePoliciesThatTheWinnersWeightsWereTrainedUnder) {
  // Follows weights by hand: each member carries the list of (policy, epochs) that it trained.
  SearchSettings settings = toy_settings(8, 25, 3);
  Population population(settings);
  std::vector<std::vector<Policy>> trained(8);
  Random random({3, Purpose::kTest});
  while (!population.finished()) {
    std::optional<Decision> decision;
    for (const int m : population.due()) {
      const RoundWork work = population.work(m);
      for (int e = 0; e < work.epochs; ++e) trained[m].push_back(work.policy);
      decision = population.tell(m, {random.uniform(), {}});
    }
    const auto before = trained;
    for (const Copy& copy : decision->copies) trained[copy.target] = before[copy.donor];
  }
  for (int m = 0; m < 8; ++m) {
    const Schedule schedule = population.fold(m);
    ASSERT_EQ(schedule.epochs(), 25);
    for (int e = 0; e < 25; ++e) ASSERT_EQ(schedule.at(e), trained[m][e]) << m << " " << e;
  }
}

TEST(Lineage, PublishedLogReadsBackAsTheSameSchedule) {
  SearchSettings settings = toy_settings(8, 30, 3);
  Population population(settings);
  Random random({4, Purpose::kTest});
  while (!population.finished()) {
    for (const int m : population.due()) population.tell(m, {random.uniform(), {}});
  }
  const int winner = population.winner();
  ASSERT_GE(population.lineage(winner).size(), 2u);
  std::vector<std::string> notes;
  const Schedule read = import_pba_log(population.published_log(winner), "log", 30, &notes);
  EXPECT_EQ(read.segments, population.fold(winner).segments);
}

TEST(Asynchronous, LineagesHaveExactlyTheEpochsOfTheSearch) {
  SearchSettings settings = toy_settings(8, 30, 3);
  settings.asynchronous = true;
  Population population(settings);
  Random random({6, Purpose::kTest});
  int told = 0;
  while (!population.finished()) {
    const std::vector<int> due = population.due();
    const int m = due[random.below(static_cast<uint32_t>(due.size()))];
    population.tell(m, {random.uniform(), {}});
    ASSERT_LT(++told, 10000);
  }
  for (int m = 0; m < 8; ++m) EXPECT_EQ(population.fold(m).epochs(), 30);
  EXPECT_GE(told, 40);
}

TEST(Settings, EveryFaultIsASentence) {
  const auto refused = [](auto change) {
    SearchSettings settings = toy_settings();
    change(settings);
    try {
      check_settings(settings);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using S = SearchSettings;
  EXPECT_NE(refused([](S& s) { s.population = 1; }).find("no member to copy from"),
            std::string::npos);
  EXPECT_NE(refused([](S& s) { s.epochs = 0; }).find("setting \"epochs\""), std::string::npos);
  EXPECT_NE(refused([](S& s) { s.epochs_per_round = 0; }).find("setting \"epochs_per_round\""),
            std::string::npos);
  EXPECT_NE(refused([](S& s) { s.limits["Rotat"] = {}; }).find("Rotate"), std::string::npos);
  EXPECT_NE(refused([](S& s) {
              s.genes.push_back({"lr", 1, 1, {}, false, false});
            }).find("range"),
            std::string::npos);
  EXPECT_NE(refused([](S& s) {
              s.genes = {{"lr", 0, 1, {}, true, false}};
            }).find("logarithmic"),
            std::string::npos);
  EXPECT_NE(refused([](S& s) {
              s.genes = {{"lr", 0, 1, {}, false, false}, {"lr", 0, 1, {}, false, false}};
            }).find("twice"),
            std::string::npos);
  EXPECT_NE(refused([](S& s) { s.fraction = 0.6; }).find("fraction"), std::string::npos);
  EXPECT_NE(refused([](S& s) { s.metric = "acuracy"; }).find("accuracy"), std::string::npos);
  EXPECT_NE(refused([](S& s) { s.explore.amounts.clear(); }).find("amounts"), std::string::npos);
  EXPECT_NE(refused([](S& s) { s.space.ops.clear(); }).find("no ops"), std::string::npos);
  EXPECT_NE(refused([](S& s) { s.rule.kind = RuleKind::kTrivial; }).find("rule"),
            std::string::npos);
  EXPECT_NE(refused([](S& s) {
              s.selection = Selection::kSignificant;
              s.metric = "loss";
            }).find("accuracy"),
            std::string::npos);
  EXPECT_EQ(refused([](S&) {}), "accepted");
}

TEST(Settings, ReadBackAsTheSameValue) {
  SearchSettings settings = toy_settings();
  settings.seed = UINT64_MAX;
  settings.genes = {{"lr", 1e-4, 1, 0.1, true, false}, {"pad", 0, 8, {}, false, true}};
  settings.limits["Rotate"] = {1, 8, 2, 7};
  settings.explore = {0.1, {1, 2}};
  settings.start = "policy";
  settings.start_policy = zero_policy(settings.space);
  settings.trainer = {{"noise", 0.1}};
  const Json json = settings_to_json(settings);
  const SearchSettings read =
      settings_from_json(parse_json(json_line(json), "settings"), "settings");
  EXPECT_EQ(json_line(settings_to_json(read)), json_line(json));
  EXPECT_EQ(settings_hash(read), settings_hash(settings));
}

// A schedule has what the winner's lineage trained with, segment by segment.
TEST(Population, FoldsGenesIntoTheSegments) {
  SearchSettings settings = toy_settings(8, 90, 3);
  settings.genes = {{"flip", 0, 1, {}, false, false},
                    {"lr", 0.01, 0.1, {}, true, false},
                    {"strength", 0, 1, 1.0, false, false},
                    {"strength_tone", 0.5, 1, {}, false, false}};
  settings.base = {.pad = 3, .flip = 0.9};
  Population population(settings);
  Random random({11, Purpose::kTest});
  while (!population.finished()) {
    for (const int m : population.due()) population.tell(m, {random.uniform(), {}});
  }
  const int winner = population.winner();
  const Schedule schedule = population.fold(winner);
  std::set<double> flips;
  size_t i = 0;
  const std::vector<LineageStep> steps = population.lineage(winner);
  for (size_t s = 0; s < steps.size(); ++s) {
    const int end = s + 1 < steps.size() ? steps[s + 1].first_epoch : 90;
    if (end == steps[s].first_epoch) continue;
    const std::map<std::string, double>& genes = steps[s].genome.genes;
    EXPECT_EQ(schedule.base_of(i).flip, genes.at("flip"));
    EXPECT_EQ(schedule.base_of(i).pad, 3);
    EXPECT_EQ(schedule.space_of(i),
              with_strengths(settings.space,
                             {.all = genes.at("strength"), .tone = genes.at("strength_tone")}));
    flips.insert(genes.at("flip"));
    ++i;
  }
  EXPECT_EQ(i, schedule.segments.size());
  EXPECT_GT(flips.size(), 1u);  // else the test sees nothing
  EXPECT_EQ(schedule.space, settings.space);
  EXPECT_EQ(schedule.base, schedule.base_of(i - 1));
  EXPECT_FALSE(schedule.segments.back().base);
}

TEST(Settings, LimitsBoundEveryNumber) {
  SearchSettings settings = toy_settings(8, 300, 3);
  settings.limits["Rotate"] = {2, 6, 3, 5};
  settings.start = "random";
  Population population(settings);
  Random random({8, Purpose::kTest});
  while (!population.finished()) {
    for (const int m : population.due()) {
      for (const PolicyEntry& entry : population.genome(m).policy.entries) {
        if (settings.space.ops[entry.op].op != "Rotate") continue;
        ASSERT_GE(entry.probability, 0.2);
        ASSERT_LE(entry.probability, 0.6);
        ASSERT_GE(entry.level, 3);
        ASSERT_LE(entry.level, 5);
      }
      population.tell(m, {random.uniform(), {}});
    }
  }
}

}  // namespace
}  // namespace popaug
