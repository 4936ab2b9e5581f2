// A comparison around own training code: its run directory and its verdict, for a Python loop to
// feed.
#include "popaug/compare/compare.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

std::vector<OwnArm> read_arms(JsonReader& reader) {
  std::vector<OwnArm> arms;
  for (const Json& json : reader.array("arms")) {
    JsonReader arm(json, "arms");
    OwnArm& own = arms.emplace_back();
    own.name = arm.text("name");
    own.transform = arm.text_or("transform", "");
    if (arm.has("schedule")) own.schedule = schedule_from_json(arm.any("schedule"), own.name);
    if (own.schedule) own.schedule->name = own.name;
    arm.finish();
  }
  return arms;
}

OwnComparisonSettings read_settings(const std::string& text) {
  const Json json = parse_json(text, "comparison");
  JsonReader reader(json, "comparison");
  OwnComparisonSettings settings;
  settings.arms = read_arms(reader);
  if (reader.has("schedule")) {
    settings.schedule = schedule_from_json(reader.any("schedule"), "schedule");
  }
  for (const Json& seed : reader.array("seeds")) {
    if (!seed.is_number_unsigned()) reader.fail("seeds", "expected whole numbers from 0 on");
    settings.seeds.push_back(seed.get<uint64_t>());
  }
  settings.epochs = static_cast<int>(reader.integer("epochs", 1, kMaxScheduleEpochs));
  settings.clean_share = reader.number_or("clean_share", 0, 1, settings.clean_share);
  if (reader.has("margin")) settings.margin = reader.number("margin", 0, 1e300);
  settings.metric.name = reader.text("metric");
  settings.metric.lower_is_better = reader.boolean("lower_is_better");
  settings.metric.share = reader.boolean("share");
  settings.data = reader.text("data");
  settings.trainer = reader.object("trainer");
  settings.run = reader.text_or("run", "");
  reader.finish();
  return settings;
}

OwnComparisonOptions read_options(const std::string& text) {
  const Json json = parse_json(text, "options");
  JsonReader reader(json, "options");
  OwnComparisonOptions options;
  options.directory = reader.text("directory");
  options.resume = reader.boolean("resume");
  options.config_toml = reader.text("config_toml");
  reader.finish();
  return options;
}

// An OwnComparison that can be closed before Python lets go of it.
class Comparing {
 public:
  Comparing(const std::string& settings, const std::string& options)
      : comparison_(
            std::make_unique<OwnComparison>(read_settings(settings), read_options(options))) {}

  void close() { comparison_.reset(); }
  OwnComparison& open() {
    if (!comparison_) throw UsageError("this comparison is closed; open it again with resume=True");
    return *comparison_;
  }

  std::optional<std::string> take() {
    const std::optional<OwnTraining> training = open().take();
    if (!training) return std::nullopt;
    Json json = {{"number", training->number}, {"arm", training->arm}, {"seed", training->seed}};
    if (training->schedule) json["schedule"] = schedule_to_json(*training->schedule);
    return json_line(json);
  }

 private:
  std::unique_ptr<OwnComparison> comparison_;
};

}  // namespace

void bind_comparison(nb::module_& m) {
  nb::class_<Comparing>(m, "OwnComparison")
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("settings"),
           nb::arg("options"))
      .def("close", &Comparing::close)
      .def("take", &Comparing::take)
      .def("tell",
           [](Comparing& c, int number, double score, int64_t images, double seconds) {
             c.open().tell(number, {score, images, seconds});
           })
      .def("give_back", [](Comparing& c, int number) { c.open().give_back(number); })
      .def("finished", [](Comparing& c) { return c.open().finished(); })
      .def("done", [](Comparing& c) { return c.open().done(); })
      .def("total", [](Comparing& c) { return c.open().total(); })
      .def("finish", [](Comparing& c) { return json_line(comparison_to_json(c.open().finish())); });
  m.def("free_arms", &free_arms);
  m.def("default_plan", [] { return json_line(plan_to_json(ComparisonPlan())); });
}

}  // namespace popaug::python
