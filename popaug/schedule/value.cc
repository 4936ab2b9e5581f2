#include "popaug/schedule/value.h"

#include <algorithm>

namespace popaug {
namespace {

constexpr const char* kFormat = "popaug-schedule";
constexpr int kVersion = 2;
constexpr size_t kLineWidth = 100;

bool has_parts(const Json& value) {
  return std::any_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); });
}

// Writes lists of numbers, and objects without nested parts that fit, on one line. A policy is then
// a column of entries.
void append_value(std::string& out, const Json& value, size_t indent) {
  if (!value.is_structured() || value.empty()) {
    out += json_line(value);
    return;
  }
  if (!has_parts(value)) {
    const std::string line = json_line(value);
    if (value.is_array() || indent + line.size() <= kLineWidth) {
      out += line;
      return;
    }
  }
  const std::string pad(indent + 1, ' ');
  const bool object = value.is_object();
  out += object ? "{\n" : "[\n";
  bool first = true;
  for (const auto& [key, item] : value.items()) {
    if (!first) out += ",\n";
    first = false;
    out += pad;
    if (object) out += Json(key).dump() + ":";
    append_value(out, item, indent + 1);
  }
  out += '\n' + std::string(indent, ' ') + (object ? '}' : ']');
}

std::string text_of(const Json& schedule) {
  std::string text;
  append_value(text, schedule, 0);
  return text + "\n";
}

std::string name_of(const fs::path& path) {
  std::string name = path.filename().string();
  for (const char* ending : {".schedule.json", ".json"}) {
    if (name.size() > std::string_view(ending).size() && name.ends_with(ending)) {
      return name.substr(0, name.size() - std::string_view(ending).size());
    }
  }
  return name;
}

// The values of a segment's own space, by op, for the ops whose values are not the schedule's.
Json own_values(const Space& own, const Space& space) {
  Json values = Json::object();
  for (size_t i = 0; i < own.ops.size(); ++i) {
    if (own.ops[i].values != space.ops[i].values) values[own.ops[i].op] = own.ops[i].values;
  }
  return values;
}

Space space_with_values(Space space, const Json& values, const std::string& origin) {
  for (const auto& [name, list] : values.items()) {
    const std::vector<std::string> names = space.op_names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(origin + ": " + unknown_name("op", name, names));
    }
    SpaceOp& op = space.ops[static_cast<size_t>(space.index_of(name))];
    if (!list.is_array() || list.size() != op.values.size() ||
        !std::all_of(list.begin(), list.end(), [](const Json& v) { return v.is_number(); })) {
      throw Error(origin + ": " + quote(name) + ": expected " + std::to_string(op.values.size()) +
                  " numbers, one for each level of the space");
    }
    op.values = list.get<std::vector<double>>();
  }
  check_space(space, origin);
  return space;
}

Json segment_to_json(const Segment& segment, const Space& space) {
  Json json = {{"epochs", segment.epochs}};
  if (segment.base) json["base"] = base_to_json(*segment.base);
  if (segment.space) json["values"] = own_values(*segment.space, space);
  json["policy"] = policy_to_json(segment.policy, space);
  return json;
}

Segment segment_from_json(const Json& json, const Space& space, const std::string& origin) {
  JsonReader reader(json, origin);
  Segment segment;
  segment.epochs = int(reader.integer("epochs", 1, kMaxScheduleEpochs));
  if (reader.has("base")) {
    segment.base = base_from_json(reader.object("base"), origin + ": base");
  }
  if (reader.has("values")) {
    segment.space = space_with_values(space, reader.object("values"), origin + ": values");
  }
  segment.policy = policy_from_json(reader.array("policy"), space, origin + ": policy");
  reader.finish();
  return segment;
}

}  // namespace

int Schedule::epochs() const {
  int total = 0;
  for (const Segment& segment : segments) total += segment.epochs;
  return total;
}

size_t Schedule::segment_of(int epoch) const {
  POPAUG_ASSERT(epoch >= 0 && !segments.empty());
  size_t i = 0;
  for (; i + 1 < segments.size() && epoch >= segments[i].epochs; ++i) epoch -= segments[i].epochs;
  return i;
}

const Policy& Schedule::at(int epoch) const { return segments[segment_of(epoch)].policy; }

const BaseTransforms& Schedule::base_of(size_t segment) const {
  return segments[segment].base ? *segments[segment].base : base;
}

const Space& Schedule::space_of(size_t segment) const {
  return segments[segment].space ? *segments[segment].space : space;
}

bool Schedule::mixes() const {
  for (size_t i = 0; i < segments.size(); ++i) {
    if (base_of(i).mixes()) return true;
  }
  return false;
}

double Schedule::least_resized_crop() const {
  double least = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const double own = base_of(i).resized_crop;
    if (own > 0 && (least == 0 || own < least)) least = own;
  }
  return least;
}

namespace {

// The space of a segment differs from that of the schedule in the values of its levels alone.
void check_own_space(Space own, const Space& space, const std::string& where) {
  for (size_t i = 0; i < own.ops.size() && i < space.ops.size(); ++i) {
    const bool same_length = own.ops[i].values.size() == space.ops[i].values.size();
    if (same_length) own.ops[i].values = space.ops[i].values;
  }
  if (!(own == space)) {
    throw Error(where + ": its space has other ops, levels or signs than that of the schedule");
  }
}

}  // namespace

std::unique_ptr<Augmenter> make_augmenter(const Schedule& schedule, size_t segment,
                                          const Normalisation& normalisation, int width, int height,
                                          int channels) {
  return std::make_unique<Augmenter>(
      schedule.space_of(segment), schedule.rule, schedule.segments.at(segment).policy,
      schedule.base_of(segment), normalisation, width, height, channels);
}

void check_schedule(const Schedule& schedule, const std::string& origin) {
  if (schedule.segments.empty()) throw Error(origin + ": a schedule needs at least one segment");
  int64_t total = 0;
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    const std::string where = origin + ": segment " + std::to_string(i + 1);
    if (schedule.segments[i].epochs < 1) throw Error(where + " lasts less than one epoch");
    total += schedule.segments[i].epochs;
    check_policy(schedule.segments[i].policy, schedule.rule, schedule.space, where);
    check_own_space(schedule.space_of(i), schedule.space, where);
  }
  if (total > kMaxScheduleEpochs) {
    throw Error(origin + ": " + std::to_string(total) + " epochs are more than the " +
                std::to_string(kMaxScheduleEpochs) + " that a schedule may have");
  }
}

void check_schedule_fits(const Schedule& schedule, int width, int height,
                         const std::string& origin) {
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    check_base_fits(schedule.base_of(i), width, height, origin);
  }
}

namespace {

// Whether version 1 of the format can express the schedule.
bool fits_version_1(const Schedule& schedule) {
  const Json base = base_to_json(schedule.base);
  const std::vector<std::string>& later = base_keys_of_version_2();
  return std::none_of(later.begin(), later.end(),
                      [&](const std::string& key) { return base.contains(key); }) &&
         std::none_of(schedule.segments.begin(), schedule.segments.end(),
                      [](const Segment& s) { return s.base || s.space; });
}

Json to_json(const Schedule& schedule, int version) {
  Json json = {{"format", kFormat}, {"version", version}};
  json["space"] = space_to_json(schedule.space);
  json["rule"] = rule_to_json(schedule.rule);
  json["base"] = base_to_json(schedule.base);
  json["segments"] = Json::array();
  for (const Segment& segment : schedule.segments) {
    json["segments"].push_back(segment_to_json(segment, schedule.space));
  }
  json["provenance"] = schedule.provenance;
  return json;
}

// A file of version 1 that has a key of version 2 was written by hand.
void check_version_1(const Json& part, const std::vector<std::string>& later,
                     const std::string& origin) {
  for (const std::string& key : later) {
    if (!part.contains(key)) continue;
    throw Error(origin + ": version 1 of schedule files does not have " + quote(key) +
                "; write \"version\": 2 in the file if it was meant");
  }
}

}  // namespace

Json schedule_to_json(const Schedule& schedule) { return to_json(schedule, kVersion); }

Json schedule_identity(const Schedule& schedule) {
  return to_json(schedule, fits_version_1(schedule) ? 1 : kVersion);
}

Schedule schedule_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  if (const std::string format = reader.text("format"); format != kFormat) {
    reader.fail("format", "expected \"" + std::string(kFormat) + "\", found " + quote(format));
  }
  const int64_t version = reader.integer("version", 0, INT64_MAX);
  if (version < 1 || version > kVersion) {
    reader.fail("version", "this program reads versions 1 to " + std::to_string(kVersion) +
                               " of schedule files, this one has version " +
                               std::to_string(version) +
                               (version > kVersion ? ": use a newer popaug" : ""));
  }
  Schedule schedule;
  schedule.space = space_from_json(reader.object("space"), origin + ": space");
  schedule.rule = rule_from_json(reader.object("rule"), origin + ": rule");
  if (version == 1) {
    check_version_1(reader.object("base"), base_keys_of_version_2(), origin + ": base");
  }
  schedule.base = base_from_json(reader.object("base"), origin + ": base");
  const Json& segments = reader.array("segments");
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string where = origin + ": segment " + std::to_string(i + 1);
    if (version == 1) check_version_1(segments[i], {"base", "values"}, where);
    schedule.segments.push_back(segment_from_json(segments[i], schedule.space, where));
  }
  schedule.provenance = reader.object("provenance");
  reader.finish();
  check_schedule(schedule, origin);
  return schedule;
}

std::string schedule_text(const Schedule& schedule) { return text_of(schedule_to_json(schedule)); }

std::string schedule_hash(const Schedule& schedule) {
  return hash_hex(text_of(schedule_identity(schedule)));
}

Schedule schedule_from_text(std::string_view text, const std::string& origin) {
  return schedule_from_json(parse_json(text, origin), origin);
}

void save_schedule(const Schedule& schedule, const fs::path& path) {
  check_schedule(schedule, show_path(path));
  write_file_atomic(path, schedule_text(schedule));
}

Schedule load_schedule(const fs::path& path) {
  Schedule schedule = schedule_from_json(read_json(path), show_path(path));
  schedule.name = name_of(path);
  return schedule;
}

}  // namespace popaug
