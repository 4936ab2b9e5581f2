#include "popaug/experiment/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "popaug/experiment/resolve_test.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  ExperimentSettings settings;
  std::string error;
};

Parsed parse(Verbs verb, const std::vector<std::string>& words) {
  Parsed parsed;
  try {
    parsed.settings = resolve_words(verb, words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    parsed.error = error.what();
  }
  return parsed;
}

TEST(Settings, ValuesOverrideFileOverridesPreset) {
  TemporaryFolder folder;
  const std::string file = folder.path() / "c.toml";
  write_file_atomic(file, "[training]\nlr = 0.3\nbatch = 32\n");
  const Parsed p =
      parse(kSearchVerb, {"--preset", "paper-rcifar10", "--config", file, "--batch", "16"});
  EXPECT_EQ(p.error, "");
  EXPECT_EQ(p.settings.train.batch, 16);
  EXPECT_EQ(p.settings.train.lr, 0.3);
  EXPECT_EQ(p.settings.search.population, 16);
  EXPECT_EQ(p.settings.train.network, "wrn-published-28-2");
}

// REFERENCE section 4, the table of searches.
TEST(Settings, PaperSearchPresetsAreThePapers) {
  const ExperimentSettings c = parse(kSearchVerb, {"--preset", "paper-rcifar10"}).settings;
  EXPECT_EQ(c.images.train_size, 4000);
  EXPECT_EQ(c.images.val_size, 46000);
  EXPECT_EQ(c.epochs, 200);
  EXPECT_EQ(c.search.epochs_per_round, 3);
  EXPECT_EQ(c.train.lr, 0.1);
  EXPECT_EQ(c.train.weight_decay, 5e-4);
  EXPECT_EQ(c.search.base.cutout, 16);
  EXPECT_EQ(c.search.fraction, 0.25);
  EXPECT_TRUE(c.train.paper_pixels);
  const ExperimentSettings s = parse(kSearchVerb, {"--preset", "paper-rsvhn"}).settings;
  EXPECT_EQ(s.images.train_size, 1000);
  EXPECT_EQ(s.images.val_size, 7325);
  EXPECT_EQ(s.epochs, 160);
  EXPECT_EQ(s.train.weight_decay, 5e-3);
  EXPECT_EQ(s.train.lr_rule, "svhn-steps");
  EXPECT_EQ(s.search.base.cutout, 0);
  EXPECT_EQ(s.search.base.flip, 0);
}

// docs/decisions/conv-fast.md: what is measured against the paper stays exact.
TEST(Settings, ConvIsAutoUnlessThePaperIsMeant) {
  for (const Verbs verb : {kSearchVerb, kTrainVerb, kCompareVerb, kAuditVerb, kChooseVerb}) {
    EXPECT_EQ(parse(verb, {}).settings.train.conv, "auto");
    EXPECT_EQ(parse(verb, {"--preset", "best"}).settings.train.conv, "auto");
  }
  EXPECT_EQ(parse(kSearchVerb, {"--conv", "exact"}).settings.train.conv, "exact");
  for (const std::string& name : preset_names()) {
    if (!name.starts_with("paper-")) continue;
    EXPECT_EQ(parse(kSearchVerb, {"--preset", name}).settings.train.conv, "exact") << name;
    EXPECT_EQ(parse(kTrainVerb, {"--preset", name}).settings.train.conv, "exact") << name;
  }
}

TEST(Settings, EveryPresetResolves) {
  const ExperimentSettings photos = parse(kTrainVerb, {"--preset", "photos"}).settings;
  EXPECT_EQ(photos.images.size, "96");
  EXPECT_TRUE(photos.images.scaled_decoding);
  EXPECT_EQ(photos.train.resized_crop, 0.35);
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "best"}).settings.method, "screen");
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "pba"}).settings.searched.genes, "flip=0..1,pad=0..6");
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "paper-rcifar10"}).settings.searched.genes, "");
  EXPECT_EQ(preset_names().size(), 7u + 14u);
  for (const std::string& name : preset_names()) {
    EXPECT_EQ(parse(kTrainVerb, {"--preset", name}).error, "") << name;
  }
  const ExperimentSettings p =
      parse(kTrainVerb, {"--preset", "paper-cifar10-pyramidnet-272"}).settings;
  EXPECT_EQ(p.train.batch, 64);
  EXPECT_EQ(p.epochs, 1800);
  EXPECT_EQ(p.train.weight_decay, 5e-5);
}

TEST(Settings, WhatTheMethodDoesNotReadIsRefused) {
  const auto said = [](const std::vector<std::string>& words) {
    return parse(kSearchVerb, words).error;
  };
  for (const std::string key : {"population", "rounds", "vflip"}) {
    const std::vector<std::string> flag = {"--" + key, key == "population" ? "4" : "1"};
    EXPECT_THAT(said({"--preset", "best", flag[0], flag[1]}),
                HasSubstr("\"" + key + "\" belongs to setting \"method\" pba"));
    EXPECT_EQ(said({"--preset", "pba", flag[0], flag[1]}), "");
  }
  EXPECT_THAT(said({"--preset", "best", "--space", "own.toml"}),
              HasSubstr("give setting \"method\" pba"));
  EXPECT_THAT(said({"--trainings", "8"}), HasSubstr("belongs to setting \"method\" screen"));
  EXPECT_EQ(said({"--preset", "best", "--trainings", "8", "--resized-crop", "0.3"}), "");
}

TEST(Settings, ConfigTextReadsBackAsTheSameSettings) {
  for (const Verbs verb : {kSearchVerb, kTrainVerb, kCompareVerb}) {
    ExperimentSettings settings =
        parse(verb, {"--preset", "best", "--data", "a \"b\"\n", "--seed", "7"}).settings;
    const std::string text = settings_toml(settings, verb);
    EXPECT_EQ(settings_toml(settings_from_toml(text, "again", verb), verb), text);
  }
}

TEST(Settings, RoundsAndEpochsAreOneLength) {
  EXPECT_EQ(parse(kSearchVerb, {"--rounds", "10"}).settings.epochs, 30);
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "pba", "--rounds", "2"}).settings.epochs, 6);
  EXPECT_EQ(parse(kSearchVerb, {"--epochs", "200"}).settings.epochs, 200);
  EXPECT_THAT(parse(kSearchVerb, {"--epochs", "200", "--rounds", "5"}).error,
              HasSubstr("give one"));
}

TEST(Settings, BadInputIsRefusedWithTheNearestName) {
  TemporaryFolder folder;
  const auto with_file = [&](const char* text) {
    write_file_atomic(folder.path() / "c.toml", text);
    return parse(kSearchVerb, {"--config", folder.path() / "c.toml"}).error;
  };
  EXPECT_THAT(with_file("[training]\nbatchs = 3\n"),
              HasSubstr("unknown key \"training.batchs\" (nearest: \"training.batch\")"));
  EXPECT_THAT(with_file("[trainig]\nbatch = 3\n"), HasSubstr("(nearest: \"training\")"));
  EXPECT_THAT(with_file("batch = 3\n"), HasSubstr("outside a table"));
  EXPECT_THAT(with_file("[training]\nbatch = \"x\"\n"), HasSubstr("expected a whole number"));
  EXPECT_THAT(with_file("[training]\nlr = nan\n"), HasSubstr("is not in"));
  EXPECT_THAT(with_file("[training\n"), HasSubstr("line 1"));
  EXPECT_THAT(parse(kSearchVerb, {"--population", "1"}).error,
              HasSubstr("setting \"population\": 1 is not in 2 .."));
  EXPECT_THAT(with_file("[training]\nlr = \"fast\"\n"), HasSubstr("expected a number"));
  EXPECT_THAT(parse(kSearchVerb, {"--lrr", "1"}).error, HasSubstr("(nearest: \"lr\")"));
  EXPECT_THAT(parse(kAuditVerb, {"--genes", ""}).error, HasSubstr("unknown setting \"genes\""));
  EXPECT_THAT(parse(kSearchVerb, {"--selection", "truncatoin"}).error,
              HasSubstr("(nearest: \"truncation\")"));
  EXPECT_THAT(parse(kSearchVerb, {"--preset", "paper-cifar"}).error, HasSubstr("unknown preset"));
}

TEST(Settings, KeysOfOtherVerbsAreLeftAside) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "c.toml", "[search]\npopulation = 4\n[training]\nlr = 0.2\n");
  EXPECT_EQ(parse(kTrainVerb, {"--config", folder.path() / "c.toml"}).settings.train.lr, 0.2);
}

TEST(Settings, KeysAreUnique) {
  std::set<std::string> keys;
  for (const ExperimentRow& row : experiment_rows()) {
    EXPECT_TRUE(keys.insert(row.setting.key).second) << row.setting.key;
  }
}

// The values that no one has changed lie within the rows' own ranges.
TEST(Settings, DefaultsAreAllowed) {
  for (const Verbs verb : {kSearchVerb, kTrainVerb, kCompareVerb, kAuditVerb, kChooseVerb}) {
    const ExperimentSettings settings = parse(verb, {}).settings;
    for (const ExperimentRow& row : experiment_rows()) {
      EXPECT_NO_THROW(check_setting(row.setting, row.kind, row.get(settings), row.name()));
    }
  }
}

TEST(Settings, TheLengthOfAPresetIsNotThatOfManyShortTrainings) {
  EXPECT_EQ(parse(kTrainVerb, {"--preset", "best"}).settings.epochs, 60);
  EXPECT_EQ(parse(kAuditVerb, {"--preset", "best"}).settings.epochs, 0);
  EXPECT_EQ(parse(kChooseVerb, {"--preset", "best", "--epochs", "7"}).settings.epochs, 7);
}

}  // namespace
}  // namespace popaug
