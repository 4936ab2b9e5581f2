// A config file: what is read survives the way back, and what it says of a search is checked.
#include <cstdint>
#include <string>

#include "cli/settings.h"
#include "cli/setup.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::cli;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    Settings settings = settings_from_toml(text, "fuzz", kSearchVerb);
    const std::string written = settings_toml(settings, kSearchVerb);
    POPAUG_ASSERT(settings_toml(settings_from_toml(written, "back", kSearchVerb), kSearchVerb) ==
                  written);
    // No file that the text names is opened.
    settings.plugin.clear();
    if (settings.space.find('/') != std::string::npos || settings.space.ends_with(".toml"))
      return 0;
    if (settings.start != "zero" && settings.start != "random") settings.start = "zero";
    settings.population = std::min<int64_t>(settings.population, 8);
    std::vector<std::string> notes;
    const SearchSettings search =
        search_settings(settings, searched_augmentation(settings, false, &notes), nullptr);
    POPAUG_ASSERT(settings_hash(settings_from_json(settings_to_json(search), "back")) ==
                  settings_hash(search));
    const Population population(search);
    for (const int member : population.due()) {
      check_policy(population.work(member).policy, search.rule, search.space, "work");
    }
  } catch (const Error&) {
  }
  return 0;
}
