// Pins what settings become: config.toml of every verb and preset, the record of a trainer, the
// settings of a search. A change that is meant replaces the files in tests/golden/settings; a
// failing test writes what it found into the folder golden/settings of the build.
#include <gtest/gtest.h>

#include <cstdlib>

#include "popaug/experiment/experiment.h"
#include "popaug/experiment/resolve_test.h"

namespace popaug {
namespace {

const std::pair<const char*, Verbs> kVerbs[] = {{"search", kSearchVerb},
                                                {"train", kTrainVerb},
                                                {"compare", kCompareVerb},
                                                {"audit", kAuditVerb},
                                                {"choose", kChooseVerb}};

fs::path folder_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fs::path() : fs::path(value);
}

void expect_golden(const std::string& name, const std::string& text) {
  ASSERT_FALSE(folder_of("POPAUG_SOURCE").empty()) << "run this test by ctest";
  const fs::path path = folder_of("POPAUG_SOURCE") / "tests/golden/settings" / name;
  const std::string wanted = fs::exists(path) ? read_file(path) : std::string();
  if (text == wanted) return;
  const fs::path found = folder_of("POPAUG_BUILD") / "golden/settings" / name;
  fs::create_directories(found.parent_path());
  write_file_atomic(found, text);
  const std::vector<std::string> a = split(wanted, '\n'), b = split(text, '\n');
  size_t line = 0;
  while (line < a.size() && line < b.size() && a[line] == b[line]) ++line;
  ADD_FAILURE() << name << ", line " << line + 1 << ": expected \""
                << (line < a.size() ? a[line] : "") << "\", found \""
                << (line < b.size() ? b[line] : "") << "\"; all of it is in " << found
                << ". Copy it to " << path << " only if the change is meant";
}

// The lines of `text` that differ from `from`; both hold the same keys in the same order.
std::string changed_lines(const std::string& text, const std::string& from) {
  const std::vector<std::string> lines = split(text, '\n'), others = split(from, '\n');
  EXPECT_EQ(lines.size(), others.size());
  std::string changed;
  for (size_t i = 0; i < std::min(lines.size(), others.size()); ++i) {
    if (lines[i] != others[i]) changed += lines[i] + "\n";
  }
  return changed;
}

TEST(Golden, ConfigOfEveryVerbAndPreset) {
  std::string text;
  for (const auto& [name, verb] : kVerbs) {
    const std::string defaults = settings_toml(resolve_words(verb, {}), verb);
    text += std::string("=== ") + name + "\n" + defaults;
    std::vector<std::string> presets = preset_names();
    std::sort(presets.begin(), presets.end());
    for (const std::string& preset : presets) {
      const std::string config = settings_toml(resolve_words(verb, {"--preset", preset}), verb);
      text += std::string("=== ") + name + " --preset " + preset + "\n" +
              changed_lines(config, defaults);
    }
  }
  expect_golden("config.txt", text);
}

TEST(Golden, RecordsOfTrainers) {
  std::string text;
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"--preset", "photos"},
      {"--preset", "paper-rsvhn"},
      {"--lr", "0.03", "--lr-rule", "constant", "--weight-decay", "1e-4", "--momentum", "0.8",
       "--clip", "0", "--label-smoothing", "0.1", "--warmup-steps", "7", "--batch", "17"},
      {"--model", "own.pt", "--init", "start.safetensors", "--mixed-precision", "--conv", "exact"}};
  for (const auto& flags : cases) {
    for (const auto& [name, verb] : kVerbs) {
      text += std::string(name) + " " + join(flags, " ") + "\n" +
              json_line(trainer_json(resolve_words(verb, flags))) + "\n";
    }
  }
  expect_golden("trainer.txt", text);
}

TEST(Golden, SettingsOfSearches) {
  std::string text;
  const std::vector<std::vector<std::string>> cases = {
      {"--epochs", "30"},
      {"--preset", "pba"},
      {"--preset", "photos"},
      {"--preset", "paper-rcifar10"},
      {"--preset", "paper-rsvhn"},
      {"--rounds",
       "4",
       "--population",
       "6",
       "--epochs-per-round",
       "2",
       "--selection",
       "significant",
       "--significance",
       "0.1",
       "--fraction",
       "0.4",
       "--reset-probability",
       "0.3",
       "--amounts",
       "0, 2",
       "--genes",
       "lr=0.01..0.4,flip=0..1:start=0.25,pad=0..6",
       "--ops",
       "Rotate,ShearX",
       "--limits",
       "Rotate:p=0.2..0.6:level=2..5",
       "--copies",
       "3",
       "--start",
       "random",
       "--seed",
       "18446744"},
      {"--epochs", "3", "--async", "--metric", "loss", "--start", "rcifar10-paper",
       "--resized-crop", "0.5", "--cutout", "3", "--flip", "0.1", "--space", "pba"}};
  for (std::vector<std::string> flags : cases) {
    for (const bool grey : {false, true}) {
      text += join(flags, " ") + (grey ? " (grey)\n" : "\n");
      std::vector<std::string> notes;
      const ExperimentSettings settings = resolve_words(kSearchVerb, flags);
      const SearchSettings search =
          search_settings(settings, searched_augmentation(settings, grey, &notes), nullptr);
      Json json = settings_to_json(search);
      json["space"] = hash_hex(json_line(json["space"]));
      if (json.contains("start_policy")) {
        json["start_policy"] = hash_hex(json_line(json["start_policy"]));
      }
      json["provenance"].erase("tool");  // names the version
      text += json_line(json) + "\n" + join(notes, "\n") + "\n";
    }
  }
  expect_golden("search.txt", text);
}

}  // namespace
}  // namespace popaug
