// Exports that are Python source: a shipped template with the schedule in its place.
#include "popaug/schedule/exchange.h"

namespace popaug {
namespace {

// The line of a template that the schedule replaces.
constexpr std::string_view kPlace = "SCHEDULE_TEXT = \"{}\"\n";

// Writes the schedule file as one Python string literal, with one line of the file per line of
// source. JSON text in ASCII is also a Python literal, because the outer escapes double the inner
// ones.
std::string python_literal(const Schedule& schedule) {
  const std::string ascii = Json::parse(schedule_text(schedule)).dump(-1, ' ', true);
  const Json json = Json::parse(ascii);
  std::string lines;
  const auto add = [&](const std::string& text) { lines += "    " + Json(text).dump() + "\n"; };
  std::string head = "{";
  for (const auto& [key, value] : json.items()) {
    if (key == "segments") {
      add(head + "\"segments\":[");
      for (size_t i = 0; i < value.size(); ++i) {
        add(value[i].dump(-1, ' ', true) + (i + 1 < value.size() ? "," : ""));
      }
      head = "],";
      continue;
    }
    add(head + Json(key).dump(-1, ' ', true) + ":" + value.dump(-1, ' ', true) +
        (key == "provenance" ? "}" : ","));
    head.clear();
  }
  return lines;
}

std::string filled_template(const std::string& name, const Schedule& schedule) {
  std::string source = read_file(shipped_file("export_templates/" + name));
  const size_t at = source.find(kPlace);
  if (at == std::string::npos) {
    throw Error("export_templates/" + name +
                " of the shipped data has no place for a schedule: reinstall");
  }
  return source.replace(at, kPlace.size(),
                        "SCHEDULE_TEXT = (\n" + python_literal(schedule) + ")\n");
}

// Checks that the table of the template knows every op: an op of the user has no twin in the file.
void check_ops(const Schedule& schedule, const std::string& source, const std::string& target) {
  for (const SpaceOp& op : schedule.space.ops) {
    if (source.find("\n    \"" + op.op + "\": ") == std::string::npos) {
      throw Error("the op " + quote(op.op) + " has no twin in " + target +
                  ", so this schedule cannot be exported to it");
    }
  }
}

// Refuses what a transform of albumentations, which sees one image, cannot do.
void check_base(const BaseTransforms& base) {
  const char* what = base.cutmix > 0  ? "CutMix"
                     : base.mixup > 0 ? "mixup"
                     : base.erase > 0 ? "random erasing"
                                      : nullptr;
  if (what == nullptr) return;
  throw Error(
      std::string("this schedule has ") + what +
      ", which the export to albumentations cannot express, so it cannot be exported to it" +
      (base.mixes() ? "; popaug.torch.loader and the export to python give mixed images "
                      "with their labels"
                    : ""));
}

}  // namespace

std::string export_python(const Schedule& schedule) {
  std::string source = filled_template("schedule_transform.py", schedule);
  check_ops(schedule, source, "Pillow");
  return source;
}

std::string export_albumentations(const Schedule& schedule, std::vector<std::string>* deviations) {
  for (size_t i = 0; i < schedule.segments.size(); ++i) check_base(schedule.base_of(i));
  std::string source = filled_template("schedule_albumentations.py", schedule);
  check_ops(schedule, source, "albumentations");
  // The sentences of the template's tuple DEVIATIONS, one a line.
  const size_t begin = source.find("DEVIATIONS = (\n"), end = source.find("\n)\n", begin);
  for (const std::string& line : split(source.substr(begin, end - begin), '\n')) {
    const size_t first = line.find('"'), last = line.rfind('"');
    if (deviations && first < last && last != line.npos) {
      deviations->push_back(line.substr(first + 1, last - first - 1));
    }
  }
  return source;
}

}  // namespace popaug
