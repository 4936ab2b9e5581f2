#include "popaug/experiment/search_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/experiment/search.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string usage_error(const std::function<void()>& body) {
  try {
    body();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

ExperimentSettings toy() {
  ExperimentSettings settings;
  settings.trainer = "toy";
  settings.epochs = 6;
  return settings;
}

SearchSettings searched(const ExperimentSettings& settings, bool grey = false) {
  std::vector<std::string> notes;
  return search_settings(settings, searched_augmentation(settings, grey, &notes), nullptr);
}

TEST(Searched, GenesHaveRangesStartsAndSteps) {
  const std::vector<Gene> genes =
      parse_genes("lr=0.01..0.4, weight_decay=0..1e-2,flip=0..1:start=0.5 ,cutout=0..20", true);
  ASSERT_EQ(genes.size(), 4u);
  EXPECT_EQ(genes[0], (Gene{"lr", 0.01, 0.4, {}, true, false}));
  EXPECT_EQ(genes[1], (Gene{"weight_decay", 0, 0.01, {}, false, false}));
  EXPECT_EQ(genes[2], (Gene{"flip", 0, 1, 0.5, false, false}));
  EXPECT_EQ(genes[3], (Gene{"cutout", 0, 20, {}, false, true}));
  EXPECT_FALSE(parse_genes("lr=0.01..0.4:linear", true)[0].log);
  EXPECT_EQ(parse_genes("depth=1..9:whole", false)[0].integer, true);
}

TEST(Searched, GenesThatCannotBeSearchedAreRefused) {
  const auto error = [](const std::string& text) {
    return usage_error([&] {
      ExperimentSettings settings;
      settings.epochs = 6;
      settings.searched.genes = text;
      searched(settings);
    });
  };
  EXPECT_THAT(error("lr"), HasSubstr("\"lr\" has no range; write lr=LOW..HIGH"));
  EXPECT_THAT(error("lr=0.1"), HasSubstr("expected a range LOW..HIGH, found \"0.1\""));
  EXPECT_THAT(error("lr=0.4..0.1"), HasSubstr("low below high"));
  EXPECT_THAT(error("lr=0.1..0.1"), HasSubstr("low below high"));
  EXPECT_THAT(error("lr=a..0.1"), HasSubstr("expected a number, found \"a\""));
  EXPECT_THAT(error("lr=nan..1"), HasSubstr("expected a number"));
  EXPECT_THAT(error("lrr=0.1..0.4"), HasSubstr("unknown gene \"lrr\" (nearest: \"lr\")"));
  EXPECT_THAT(error("momentum=0.5..2"),
              HasSubstr("is not within what setting \"momentum\" accepts"));
  EXPECT_THAT(error("lr=0.1..0.4,lr=0.1..0.4"), HasSubstr("listed twice"));
  EXPECT_THAT(error("flip=0..1:begin=1"), HasSubstr("unknown option \"begin\""));
  EXPECT_THAT(error("flip=0..1:start=2"), HasSubstr("outside"));
  EXPECT_THAT(error("weight_decay=0..1:log"), HasSubstr("must begin above 0"));
}

TEST(Searched, OpsAndLimitsNarrowTheSpace) {
  ExperimentSettings settings = toy();
  settings.searched.ops = "ShearX, Rotate";
  settings.searched.limits = "Rotate:p=0.2..0.5:level=1..6,ShearX:level=3..3";
  settings.search.copies = 3;
  settings.searched.amounts = "0, 2";
  settings.searched.start = "random";
  const SearchSettings search = searched(settings);
  EXPECT_THAT(search.space.op_names(), ElementsAre("Rotate", "ShearX"));
  EXPECT_EQ(search.limits.at("Rotate"), (OpLimits{2, 5, 1, 6}));
  EXPECT_EQ(search.limits.at("ShearX"), (OpLimits{0, 10, 3, 3}));
  EXPECT_THAT(search.explore.amounts, ElementsAre(0, 2));
  Population population(search);
  while (!population.finished()) {
    for (const int m : population.due()) {
      const Policy policy = population.work(m).policy;
      ASSERT_EQ(policy.entries.size(), 6u);
      for (const PolicyEntry& entry : policy.entries) {
        const bool rotate = entry.op == 0;
        EXPECT_GE(entry.level, rotate ? 1 : 3);
        EXPECT_LE(entry.level, rotate ? 6 : 3);
        if (!rotate) continue;
        EXPECT_GE(entry.probability, 0.2);
        EXPECT_LE(entry.probability, 0.5);
      }
      population.tell(m, {m / 16.0, {}});
    }
  }
}

TEST(Searched, OpsAndLimitsThatDoNotFitAreRefused) {
  const auto error = [](auto set) {
    return usage_error([&] {
      ExperimentSettings settings = toy();
      set(settings);
      searched(settings);
    });
  };
  EXPECT_THAT(error([](ExperimentSettings& s) { s.searched.ops = "Rotat"; }),
              HasSubstr("setting \"ops\": unknown op \"Rotat\" (nearest: \"Rotate\")"));
  EXPECT_THAT(error([](ExperimentSettings& s) { s.searched.ops = "Rotate,Rotate"; }),
              HasSubstr("twice"));
  const auto limits = [&](const char* text) {
    return error([&](ExperimentSettings& s) { s.searched.limits = text; });
  };
  EXPECT_THAT(limits("Rotat:p=0..1"), HasSubstr("setting \"limits\": unknown op \"Rotat\""));
  EXPECT_THAT(limits("Rotate"), HasSubstr("has no limit"));
  EXPECT_THAT(limits("Rotate:p=0..1.1"), HasSubstr("in tenths of 0 .. 1, not at 1.1"));
  EXPECT_THAT(limits("Rotate:p=0..0.25"), HasSubstr("in tenths"));
  EXPECT_THAT(limits("Rotate:p=0.5..0.2"), HasSubstr("from low to high"));
  EXPECT_THAT(limits("Rotate:level=0..11"), HasSubstr("within 0 .. 10"));
  EXPECT_THAT(limits("Rotate:level=0.5..3"), HasSubstr("whole number"));
  EXPECT_THAT(limits("Rotate:size=0..3"), HasSubstr("unknown limit \"size\""));
  EXPECT_THAT(error([](ExperimentSettings& s) { s.searched.amounts = "1,x"; }),
              HasSubstr("setting \"amounts\""));
  EXPECT_THAT(error([](ExperimentSettings& s) { s.searched.amounts = ""; }),
              HasSubstr("amounts is empty"));
  EXPECT_THAT(error([](ExperimentSettings& s) { s.searched.amounts = "-1"; }),
              HasSubstr("not in 0 .. 1000"));
}

TEST(Searched, AGreySetDropsWhatItLeavesOut) {
  ExperimentSettings settings = toy();
  settings.searched.limits = "Color:p=0..0.5,Rotate:p=0..0.5";
  const SearchSettings search = searched(settings, true);
  EXPECT_EQ(search.limits.size(), 1u);
  settings.searched.ops = "Color";
  settings.searched.limits = "";
  EXPECT_THAT(usage_error([&] { searched(settings, true); }), HasSubstr("no ops to search"));
}

TEST(Searched, StartsFromTheLastPolicyOfASchedule) {
  ExperimentSettings settings = toy();
  settings.searched.start = "rcifar10-paper";
  const Schedule schedule = find_schedule("rcifar10-paper");
  const SearchSettings search = searched(settings);
  EXPECT_EQ(search.start, "policy");
  const Population population(search);
  EXPECT_EQ(policy_numbers(population.genome(3).policy),
            policy_numbers(schedule.segments.back().policy));
  settings.searched.ops = "Rotate";
  EXPECT_THAT(usage_error([&] { searched(settings); }), HasSubstr("is not searched here"));
  settings.searched.ops = "";
  settings.search.copies = 1;
  EXPECT_THAT(usage_error([&] { searched(settings); }), HasSubstr("more entries of"));
  settings.searched.start = "zerro";
  EXPECT_THAT(usage_error([&] { searched(settings); }), HasSubstr("(nearest: \"zero\")"));
  settings.searched.start = "randaugment-none.json";
  EXPECT_THAT(usage_error([&] { searched(settings); }), HasSubstr("no such schedule file"));
}

}  // namespace
}  // namespace popaug
