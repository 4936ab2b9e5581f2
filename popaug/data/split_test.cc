#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "popaug/data/data.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

template <typename F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

Split labelled(const std::vector<size_t>& sizes) {
  Split split;
  split.name = "train";
  for (size_t c = 0; c < sizes.size(); ++c) {
    for (size_t i = 0; i < sizes[c]; ++i) split.labels.push_back(static_cast<uint32_t>(c));
  }
  return split;
}

std::map<uint32_t, size_t> counts(const Split& split, const std::vector<uint32_t>& indices) {
  std::map<uint32_t, size_t> out;
  for (const uint32_t i : indices) ++out[split.labels[i]];
  return out;
}

TEST(StratifiedSplit, SharesAreKeptAndSidesAreDisjoint) {
  const Split split = labelled({1000, 500, 250, 250});
  const SplitPlan plan = stratified_split(split, 200, 400, 7);
  EXPECT_EQ(plan.train.size(), 200u);
  EXPECT_EQ(plan.validation.size(), 400u);
  EXPECT_EQ(counts(split, plan.train),
            (std::map<uint32_t, size_t>{{0, 100}, {1, 50}, {2, 25}, {3, 25}}));
  EXPECT_EQ(counts(split, plan.validation),
            (std::map<uint32_t, size_t>{{0, 200}, {1, 100}, {2, 50}, {3, 50}}));
  std::set<uint32_t> all(plan.train.begin(), plan.train.end());
  all.insert(plan.validation.begin(), plan.validation.end());
  EXPECT_EQ(all.size(), 600u);
}

TEST(StratifiedSplit, ThePaperReducedSetsUseEveryImage) {
  const Split cifar = labelled(std::vector<size_t>(10, 5000));
  const SplitPlan plan = stratified_split(cifar, 4000, 46000, 0);
  EXPECT_EQ(plan.train.size() + plan.validation.size(), 50000u);
  for (const auto& [label, count] : counts(cifar, plan.train)) EXPECT_EQ(count, 400u) << label;
  // SVHN's classes (its training split): uneven.
  const Split svhn = labelled({4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659});
  const SplitPlan reduced = stratified_split(svhn, 1000, 7325, 0);
  EXPECT_EQ(reduced.train.size(), 1000u);
  EXPECT_EQ(reduced.validation.size(), 7325u);
  for (const auto& [label, count] : counts(svhn, reduced.train)) {
    EXPECT_NEAR(count,
                1000.0 * svhn.labels.size() / 73257 *
                    counts(svhn,
                           [&] {
                             std::vector<uint32_t> all(svhn.count());
                             for (size_t i = 0; i < all.size(); ++i)
                               all[i] = static_cast<uint32_t>(i);
                             return all;
                           }())[label] /
                    73257,
                1.0);
  }
}

TEST(StratifiedSplit, TheSeedDrawsAndRepeats) {
  const Split split = labelled({300, 300});
  EXPECT_EQ(stratified_split(split, 100, 100, 3).train, stratified_split(split, 100, 100, 3).train);
  EXPECT_NE(stratified_split(split, 100, 100, 3).train, stratified_split(split, 100, 100, 4).train);
}

TEST(StratifiedSplit, RareClassesStandOnBothSides) {
  const Split split = labelled({9990, 6, 2});
  for (const auto& [train, val] : {std::pair(size_t{100}, size_t{100}), {9000, 100}, {50, 9948}}) {
    const SplitPlan plan = stratified_split(split, train, val, 1);
    EXPECT_EQ(plan.train.size(), train);
    EXPECT_EQ(plan.validation.size(), val);
    for (uint32_t label = 0; label < 3; ++label) {
      EXPECT_GT(counts(split, plan.train)[label], 0u) << train << " " << label;
      EXPECT_GT(counts(split, plan.validation)[label], 0u) << train << " " << label;
    }
  }
}

TEST(StratifiedSplit, WhatCannotBeIsSaid) {
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({5, 5}), 8, 3, 0);
              }),
              HasSubstr("holds 10 images; 8 for training and 3 for validation are more"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 1}), 20, 20, 0);
              }),
              HasSubstr("label 1 has 1 image; at least 2 are needed"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 50, 50}), 50, 2, 0);
              }),
              HasSubstr("none would be in validation; give a larger --val-size"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 50}), ~size_t{0}, 2, 0);
              }),
              HasSubstr("are more than that"));
}

TEST(StratifiedSplit, EmptySidesAreAllowed) {
  const Split split = labelled({5, 1});
  EXPECT_EQ(stratified_split(split, 6, 0, 0).train.size(), 6u);
  EXPECT_EQ(stratified_split(split, 0, 6, 0).validation.size(), 6u);
  EXPECT_TRUE(stratified_split(split, 0, 0, 0).train.empty());
}

TEST(StratifiedSplit, NoGroupStandsOnBothSides) {
  Split split = labelled({600, 400});
  Random random({.seed = 3});
  for (size_t i = 0; i < split.count(); ++i) {
    split.groups.push_back("patient " + std::to_string(random.below(80)));
  }
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const SplitPlan plan = stratified_split(split, 700, 200, seed);
    std::set<std::string> train;
    for (const uint32_t i : plan.train) train.insert(split.groups[i]);
    for (const uint32_t i : plan.validation) EXPECT_FALSE(train.contains(split.groups[i]));
    EXPECT_EQ(plan.train.size(), 700u);
    EXPECT_LE(plan.validation.size(), 200u);
    EXPECT_GT(plan.validation.size(), 180u);
    EXPECT_NEAR(static_cast<double>(counts(split, plan.validation)[0]) /
                    static_cast<double>(plan.validation.size()),
                0.6, 0.08);
  }
}

TEST(StratifiedSplit, GroupsThatCannotBeDividedAreRefused) {
  Split split = labelled({10, 10});
  for (size_t i = 0; i < 20; ++i) split.groups.push_back(i < 10 ? "only" : std::to_string(i));
  EXPECT_THAT(message_of([&] { stratified_split(split, 10, 10, 0); }),
              HasSubstr("without dividing a group"));
}

}  // namespace
}  // namespace popaug
