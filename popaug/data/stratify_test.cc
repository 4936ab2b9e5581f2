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

ImageSet labelled(const std::vector<size_t>& sizes) {
  ImageSet split;
  split.name = "train";
  for (size_t c = 0; c < sizes.size(); ++c) {
    for (size_t i = 0; i < sizes[c]; ++i) split.labels.push_back(static_cast<uint32_t>(c));
  }
  return split;
}

std::map<uint32_t, size_t> counts(const ImageSet& split, const std::vector<uint32_t>& indices) {
  std::map<uint32_t, size_t> out;
  for (const uint32_t i : indices) ++out[split.labels[i]];
  return out;
}

TEST(StratifiedSplit, SharesAreKeptAndSidesAreDisjoint) {
  const ImageSet split = labelled({1000, 500, 250, 250});
  const TrainValSplit plan = stratified_split(split, 200, 400, 7);
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
  const ImageSet cifar = labelled(std::vector<size_t>(10, 5000));
  const TrainValSplit plan = stratified_split(cifar, 4000, 46000, 0);
  EXPECT_EQ(plan.train.size() + plan.validation.size(), 50000u);
  for (const auto& [label, count] : counts(cifar, plan.train)) EXPECT_EQ(count, 400u) << label;
  // SVHN's classes (its training split): uneven.
  const ImageSet svhn = labelled({4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659});
  const TrainValSplit reduced = stratified_split(svhn, 1000, 7325, 0);
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
  const ImageSet split = labelled({300, 300});
  EXPECT_EQ(stratified_split(split, 100, 100, 3).train, stratified_split(split, 100, 100, 3).train);
  EXPECT_NE(stratified_split(split, 100, 100, 3).train, stratified_split(split, 100, 100, 4).train);
}

TEST(StratifiedSplit, RareClassesStandOnBothSides) {
  const ImageSet split = labelled({9990, 6, 2});
  for (const auto& [train, val] : {std::pair(size_t{100}, size_t{100}), {9000, 100}, {50, 9948}}) {
    const TrainValSplit plan = stratified_split(split, train, val, 1);
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
              HasSubstr("has 10 images; 8 for training and 3 for validation are more"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 1}), 20, 20, 0);
              }),
              HasSubstr("label 1 has 1 image; at least 2 are needed"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 50, 50}), 50, 2, 0);
              }),
              HasSubstr("none would be in validation; give setting \"val_size\" 3 or more"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({50, 50}), ~size_t{0}, 2, 0);
              }),
              HasSubstr("are more than that"));
}

TEST(StratifiedSplit, EmptySidesAreAllowed) {
  const ImageSet split = labelled({5, 1});
  EXPECT_EQ(stratified_split(split, 6, 0, 0).train.size(), 6u);
  EXPECT_EQ(stratified_split(split, 0, 6, 0).validation.size(), 6u);
  EXPECT_TRUE(stratified_split(split, 0, 0, 0).train.empty());
}

TEST(StratifiedSplit, NoGroupStandsOnBothSides) {
  ImageSet split = labelled({600, 400});
  Random random({.seed = 3});
  for (size_t i = 0; i < split.count(); ++i) {
    split.groups.push_back("patient " + std::to_string(random.below(80)));
  }
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const TrainValSplit plan = stratified_split(split, 700, 200, seed);
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
  ImageSet split = labelled({10, 10});
  for (size_t i = 0; i < 20; ++i) split.groups.push_back(i < 10 ? "only" : std::to_string(i));
  EXPECT_THAT(message_of([&] { stratified_split(split, 10, 10, 0); }),
              HasSubstr("without dividing a group"));
}

Dataset dataset_of(const std::vector<size_t>& sizes) {
  Dataset data;
  data.path = "photos";
  for (size_t c = 0; c < sizes.size(); ++c) data.classes.push_back(std::to_string(c));
  data.splits.push_back(labelled(sizes));
  return data;
}

// Every class is in both parts, and no image is in two.
void expect_good_division(const std::vector<size_t>& sizes, const TrainValSplit& division) {
  const ImageSet split = labelled(sizes);
  auto train = counts(split, division.train);
  auto validation = counts(split, division.validation);
  for (uint32_t c = 0; c < sizes.size(); ++c) {
    EXPECT_GT(train[c], 0u) << c;
    EXPECT_GT(validation[c], 0u) << c;
    EXPECT_LE(train[c] + validation[c], sizes[c]) << c;
  }
}

TEST(DefaultValidation, IsAQuarterWithinBounds) {
  const auto validate = [](size_t classes, size_t images_of_each) {
    const Dataset data = dataset_of(std::vector<size_t>(classes, images_of_each));
    return divide(data, 0, 0, 1).validation.size();
  };
  EXPECT_EQ(validate(3, 100), 75u);
  EXPECT_EQ(validate(3, 50), 50u);       // at least 50 ...
  EXPECT_EQ(validate(3, 20), 30u);       // ... unless that is more than half
  EXPECT_EQ(validate(10, 5000), 2000u);  // at most 2,000 ...
  EXPECT_EQ(validate(3000, 4), 3000u);   // ... unless there are more classes
  EXPECT_EQ(validate(10, 2), 10u);
  EXPECT_EQ(divide(dataset_of({700, 500, 313}), 0, 0, 1).validation.size(), 378u);
}

TEST(DefaultValidation, DividesEverySetOfTwoImagesAClass) {
  Random random({.seed = 11});
  for (int trial = 0; trial < 600; ++trial) {
    std::vector<size_t> sizes(1 + random.below(12));
    const uint32_t most = 1 + random.below(trial % 2 == 0 ? 4 : 600);
    for (size_t& size : sizes) size = 2 + random.below(most);
    const Dataset data = dataset_of(sizes);
    const TrainValSplit division = divide(data, 0, 0, static_cast<uint64_t>(trial));
    EXPECT_EQ(division.train.size() + division.validation.size(), data.splits[0].count());
    expect_good_division(sizes, division);
    ASSERT_FALSE(HasFailure()) << testing::PrintToString(sizes);
  }
}

TEST(DefaultValidation, TakesUpToHalfWhereGroupsAreLarge) {
  Dataset data = dataset_of({200, 200});
  for (size_t i = 0; i < 400; ++i) {
    data.splits[0].groups.push_back("place " + std::to_string(i / 100));
  }
  // A quarter is one group, and so one class.
  const TrainValSplit division = divide(data, 0, 0, 3);
  EXPECT_EQ(division.validation.size(), 200u);
  expect_good_division({200, 200}, division);
}

// The number that an error names must work: it is read from the message and tried.
TEST(DefaultValidation, ErrorsNameASizeThatWorks) {
  const auto number_after = [](const std::string& text, const std::string& words) -> size_t {
    const size_t at = text.find(words, text.find("give "));
    return at == text.npos ? 0 : std::strtoul(text.c_str() + at + words.size(), nullptr, 10);
  };
  Random random({.seed = 12});
  int refused = 0;
  for (int trial = 0; trial < 600; ++trial) {
    std::vector<size_t> sizes(2 + random.below(9));
    for (size_t& size : sizes) size = 2 + random.below(30);
    const Dataset data = dataset_of(sizes);
    const auto images = static_cast<uint32_t>(data.splits[0].count());
    size_t train_size = random.below(images + 5), val_size = random.below(images + 5);
    std::string message = message_of([&] { divide(data, train_size, val_size, 1); });
    for (int tries = 0; message != "no error" && tries < 3; ++tries) {
      ++refused;
      const size_t val = number_after(message, "setting \"val_size\" ");
      const size_t train = number_after(message, "setting \"train_size\" ");
      ASSERT_TRUE(val > 0 || train > 0) << message;
      if (val > 0) val_size = val;
      if (train > 0) train_size = train;
      if (message.find("leave out setting \"train_size\"") != message.npos) train_size = 0;
      message = message_of([&] { divide(data, train_size, val_size, 1); });
    }
    ASSERT_EQ(message, "no error") << testing::PrintToString(sizes);
    expect_good_division(sizes, divide(data, train_size, val_size, 1));
  }
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace popaug
