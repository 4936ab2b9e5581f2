// A config file: what is read survives the way back, and what it says of a search is checked.
#include <cstdint>
#include <string>

#include "popaug/experiment/search.h"
#include "popaug/experiment/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    ExperimentSettings settings = settings_from_toml(text, "fuzz", kSearchVerb);
    const std::string written = settings_toml(settings, kSearchVerb);
    POPAUG_ASSERT(settings_toml(settings_from_toml(written, "back", kSearchVerb), kSearchVerb) ==
                  written);
    // No file that the text names is opened.
    settings.plugin.clear();
    if (settings.searched.space.find('/') != std::string::npos ||
        settings.searched.space.ends_with(".toml"))
      return 0;
    if (settings.searched.start != "zero" && settings.searched.start != "random")
      settings.searched.start = "zero";
    settings.search.population = std::min(settings.search.population, 8);
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
