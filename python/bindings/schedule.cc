// Spaces, policies and schedules. Texts are the JSON of docs/formats/schedule.md and space.md.
#include "popaug/schedule/schedule.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "popaug/augment/augment.h"
#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

Schedule read(const std::string& text) { return schedule_from_text(text, "schedule"); }

std::string write(const Schedule& schedule) { return json_line(schedule_to_json(schedule)); }

// (name, text): a file does not hold the name.
using Named = std::tuple<std::string, std::string>;
Named named(const Schedule& schedule) { return {schedule.name, write(schedule)}; }

}  // namespace

void bind_schedule(nb::module_& m) {
  m.def("space_names", &space_names);
  m.def("load_space",
        [](const std::string& name) { return json_line(space_to_json(load_space(name))); });
  m.def("check_space", [](const std::string& text) {
    return json_line(space_to_json(space_from_json(parse_json(text, "space"), "space")));
  });
  m.def("space_for_grey", [](const std::string& text) {
    std::vector<std::string> left_out;
    const Space space = space_from_json(parse_json(text, "space"), "space");
    const Space grey = space_for_grey(space, &left_out);
    return std::make_tuple(json_line(space_to_json(grey)), left_out);
  });
  m.def("base_names", &base_names);
  m.def("base_by_name",
        [](const std::string& name) { return json_line(base_to_json(base_by_name(name))); });

  m.def("check_schedule", [](const std::string& text) { return write(read(text)); });
  m.def("find_schedule", [](const std::string& name) { return named(find_schedule(name)); });
  // To look at: its ops may be unknown to this process.
  m.def("view_schedule", [](const std::string& path) {
    const AcceptUnknownOps names_and_values;
    return named(find_schedule(path));
  });
  m.def("save_schedule",
        [](const std::string& text, const std::string& path) { save_schedule(read(text), path); });
  m.def("shipped_schedule_names", &shipped_schedule_names);
  m.def("baseline_names", &baseline_names);
  m.def("baseline_schedule",
        [](const std::string& name) { return named(baseline_schedule(name)); });
  m.def("randaugment_schedule",
        [](int count, int level) { return write(randaugment_schedule(count, level)); });
  m.def("trivial_schedule", [] { return write(trivial_schedule()); });
  m.def("stretch",
        [](const std::string& text, int epochs) { return write(stretch(read(text), epochs)); });
  m.def("last_policy", [](const std::string& text) { return write(last_policy(read(text))); });
  m.def("import_schedule", [](const std::string& text, const std::string& origin, int epochs) {
    std::vector<std::string> notes;
    const std::string json = write(import_schedule(text, origin, epochs, &notes));
    return std::make_tuple(json, notes);
  });
  m.def("export_pba_log", [](const std::string& text) { return export_pba_log(read(text)); });
  m.def("export_csv", [](const std::string& text) { return export_csv(read(text)); });

  // Per segment and op of the space: (probability, level, applied).
  m.def("summarise", [](const std::string& text) {
    const AcceptUnknownOps names_and_values;
    std::vector<std::vector<std::tuple<double, double, double>>> rows;
    for (const auto& segment : summarise_schedule(read(text))) {
      auto& row = rows.emplace_back();
      for (const OpSummary& op : segment) row.emplace_back(op.probability, op.level, op.applied);
    }
    return rows;
  });
}

}  // namespace popaug::python
