#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/settings_table.h"

namespace popaug::cli {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  Settings settings;
  std::string error;
};

Parsed parse(VerbSet verb, std::vector<std::string> arguments) {
  CLI::App app;
  SettingsFlags flags(verb);
  flags.add_flags(app);
  std::reverse(arguments.begin(), arguments.end());
  Parsed parsed;
  try {
    app.parse(arguments);
    parsed.settings = flags.resolve();
  } catch (const CLI::ParseError& error) {
    parsed.error = error.what();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    parsed.error = error.what();
  }
  return parsed;
}

TEST(Settings, FlagsOverrideFileOverridesPreset) {
  TemporaryFolder folder;
  const std::string file = folder.path() / "c.toml";
  write_file_atomic(file, "[training]\nlr = 0.3\nbatch = 32\n");
  const Parsed p =
      parse(kSearchVerb, {"--preset", "paper-rcifar10", "--config", file, "--batch", "16"});
  EXPECT_EQ(p.error, "");
  EXPECT_EQ(p.settings.batch, 16);
  EXPECT_EQ(p.settings.lr, 0.3);
  EXPECT_EQ(p.settings.population, 16);
  EXPECT_EQ(p.settings.network, "wrn-published-28-2");
}

// REFERENCE section 4, the table of searches.
TEST(Settings, PaperSearchPresetsAreThePapers) {
  const Settings c = parse(kSearchVerb, {"--preset", "paper-rcifar10"}).settings;
  EXPECT_EQ(c.train_size, 4000);
  EXPECT_EQ(c.val_size, 46000);
  EXPECT_EQ(c.epochs, 200);
  EXPECT_EQ(c.epochs_per_round, 3);
  EXPECT_EQ(c.lr, 0.1);
  EXPECT_EQ(c.weight_decay, 5e-4);
  EXPECT_EQ(c.cutout, 16);
  EXPECT_EQ(c.fraction, 0.25);
  EXPECT_TRUE(c.paper_pixels);
  const Settings s = parse(kSearchVerb, {"--preset", "paper-rsvhn"}).settings;
  EXPECT_EQ(s.train_size, 1000);
  EXPECT_EQ(s.val_size, 7325);
  EXPECT_EQ(s.epochs, 160);
  EXPECT_EQ(s.weight_decay, 5e-3);
  EXPECT_EQ(s.lr_rule, "svhn-steps");
  EXPECT_EQ(s.cutout, 0);
  EXPECT_EQ(s.flip, 0);
}

// docs/decisions/conv-fast.md: what is measured against the paper stays exact.
TEST(Settings, SearchesAreFastUnlessThePaperIsMeant) {
  EXPECT_EQ(parse(kSearchVerb, {}).settings.conv, "fast");
  EXPECT_EQ(parse(kTrainVerb, {}).settings.conv, "exact");
  EXPECT_EQ(parse(kCompareVerb, {}).settings.conv, "exact");
  EXPECT_EQ(parse(kSearchVerb, {"--conv", "exact"}).settings.conv, "exact");
  for (const std::string& name : preset_names()) {
    if (!name.starts_with("paper-")) continue;
    EXPECT_EQ(parse(kSearchVerb, {"--preset", name}).settings.conv, "exact") << name;
    EXPECT_EQ(parse(kTrainVerb, {"--preset", name}).settings.conv, "exact") << name;
  }
}

TEST(Settings, EveryPresetResolves) {
  const Settings photos = parse(kTrainVerb, {"--preset", "photos"}).settings;
  EXPECT_EQ(photos.size, "96");
  EXPECT_TRUE(photos.scaled_decoding);
  EXPECT_EQ(photos.resized_crop, 0.35);
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "best"}).settings.genes, "flip=0..1,pad=0..6");
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "paper-rcifar10"}).settings.genes, "");
  EXPECT_EQ(preset_names().size(), 6u + 14u);
  for (const std::string& name : preset_names()) {
    EXPECT_EQ(parse(kTrainVerb, {"--preset", name}).error, "") << name;
  }
  const Settings p = parse(kTrainVerb, {"--preset", "paper-cifar10-pyramidnet-272"}).settings;
  EXPECT_EQ(p.batch, 64);
  EXPECT_EQ(p.epochs, 1800);
  EXPECT_EQ(p.weight_decay, 5e-5);
}

TEST(Settings, ConfigTextReadsBackAsTheSameSettings) {
  for (const VerbSet verb : {kSearchVerb, kTrainVerb, kCompareVerb}) {
    Settings settings =
        parse(verb, {"--preset", "demo", "--data", "a \"b\"\n", "--seed", "7"}).settings;
    const std::string text = settings_toml(settings, verb);
    EXPECT_EQ(settings_toml(settings_from_toml(text, "again", verb), verb), text);
  }
}

TEST(Settings, RoundsAndEpochsAreOneLength) {
  EXPECT_EQ(parse(kSearchVerb, {"--rounds", "10"}).settings.epochs, 30);
  EXPECT_EQ(parse(kSearchVerb, {"--preset", "demo", "--rounds", "2"}).settings.epochs, 4);
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
              HasSubstr("--population: 1 is not in 2 .."));
  EXPECT_THAT(parse(kSearchVerb, {"--lr", "fast"}).error, HasSubstr("expected a number"));
  EXPECT_THAT(parse(kSearchVerb, {"--selection", "truncatoin"}).error,
              HasSubstr("(nearest: \"truncation\")"));
  EXPECT_THAT(parse(kSearchVerb, {"--preset", "paper-cifar"}).error, HasSubstr("unknown preset"));
}

TEST(Settings, KeysOfOtherVerbsAreLeftAside) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "c.toml", "[search]\npopulation = 4\n[training]\nlr = 0.2\n");
  EXPECT_EQ(parse(kTrainVerb, {"--config", folder.path() / "c.toml"}).settings.lr, 0.2);
}

TEST(Settings, FlagsAreUnique) {
  std::set<std::string> flags;
  for (const SettingRow& row : setting_rows()) EXPECT_TRUE(flags.insert(row.flag()).second);
}

}  // namespace
}  // namespace popaug::cli
