#include "cli/settings_flags.h"

#include <gtest/gtest.h>

namespace popaug::cli {
namespace {

// What the help shows in brackets is what a run without the flag takes.
TEST(SettingsFlags, HelpShowsEveryDefault) {
  for (const Verbs verb : {kSearchVerb, kTrainVerb, kCompareVerb, kAuditVerb, kChooseVerb}) {
    CLI::App app;
    SettingsFlags flags(verb);
    flags.add_flags(app);
    const ExperimentSettings defaults = flags.resolve();
    for (const ExperimentRow& row : experiment_rows()) {
      if (!(row.setting.verbs & verb) || row.kind == SettingKind::kSwitch) continue;
      const Json value = row.get(defaults);
      const std::string shown = app.get_option(flag_of(row.setting.key))->get_default_str();
      if (value.is_string()) {
        EXPECT_EQ(shown, value.get<std::string>()) << row.setting.key;
      } else {
        EXPECT_EQ(std::stod(shown), value.get<double>()) << row.setting.key;
      }
    }
  }
}

}  // namespace
}  // namespace popaug::cli
