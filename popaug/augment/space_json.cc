// Spaces as JSON (schedule files, worker protocol) and as a user's TOML (docs/formats/space.md).
#include <cmath>
#include <utility>

#include "popaug/augment/op.h"
#include "popaug/augment/space.h"

namespace popaug {
namespace {

const std::vector<std::pair<PixelScale, std::string>> kScales = {
    {PixelScale::kNone, "none"},
    {PixelScale::kWidth, "width"},
    {PixelScale::kHeight, "height"},
    {PixelScale::kShorter, "shorter"},
    {PixelScale::kWidthTruncated, "width-truncated"},
    {PixelScale::kHeightTruncated, "height-truncated"},
};

std::string scale_text(PixelScale scale) {
  for (const auto& [known, text] : kScales) {
    if (known == scale) return text;
  }
  return "none";
}

PixelScale read_scale(JsonReader& reader, PixelScale fallback) {
  if (!reader.has("scale")) return fallback;
  const std::string text = reader.text("scale");
  std::vector<std::string> names;
  for (const auto& [scale, name] : kScales) {
    if (name == text) return scale;
    names.push_back(name);
  }
  reader.fail("scale", unknown_name("scale", text, names));
}

Fill read_fill(JsonReader& reader) {
  const std::string text = reader.text_or("fill", "hole");
  if (text == "hole") return Fill::kHole;
  if (text == "black") return Fill::kBlack;
  reader.fail("fill", unknown_name("fill", text, std::vector<std::string>{"hole", "black"}));
}

std::vector<double> read_numbers(JsonReader& reader, const std::string& key) {
  std::vector<double> numbers;
  for (const Json& item : reader.array(key)) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) {
      reader.fail(key, "every value is a finite number");
    }
    if (numbers.size() == 1001) reader.fail(key, "more than 1001 values");
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

// An op of a TOML file: what is not said comes from the space `like`, else from the op's row.
class TomlOps {
 public:
  TomlOps(const Space& space, const Space& like, std::string origin)
      : space_(space), like_(like), origin_(std::move(origin)) {}

  SpaceOp from_name(const std::string& name) const {
    const OpRow& row = row_of(name, origin_);
    SpaceOp op = inherited(row);
    if (row.uses_value && op.values.empty()) {
      throw Error(origin_ + ": op " + quote(name) + " needs values: write it as an [[op]] with " +
                  "range = [at level 0, at the last level] or values = [...]");
    }
    return op;
  }

  SpaceOp from_table(const Json& json, size_t index) const {
    JsonReader reader(json, origin_ + ": op " + std::to_string(index + 1));
    const std::string name = reader.text("name");
    const OpRow& row = row_of(name, reader.origin());
    SpaceOp op = inherited(row);
    op.is_signed = reader.boolean_or("signed", op.is_signed);
    op.scale = read_scale(reader, op.scale);
    op.centre = reader.number_or("centre", -1e6, 1e6, op.centre);
    const bool whole = reader.boolean_or("whole", row.unit == "bits");
    if (reader.has("values") && reader.has("range")) {
      reader.fail("range", "a range and a list of values contradict each other; keep one");
    }
    if (reader.has("values")) op.values = read_numbers(reader, "values");
    if (reader.has("range")) op.values = ramp(reader, whole);
    reader.finish();
    if (row.uses_value && op.values.empty()) {
      reader.fail("range", "is missing; expected [value at level 0, value at the last level]");
    }
    return op;
  }

 private:
  static const OpRow& row_of(const std::string& name, const std::string& where) {
    const OpRow* row = find_op(name);
    if (row == nullptr)
      throw Error(where + ": " + unknown_op(name) + "; an op of your own needs setting \"plugin\"");
    return *row;
  }

  // The op in the space `like`, if that has as many levels; else a bare op.
  SpaceOp inherited(const OpRow& row) const {
    for (const SpaceOp& op : like_.ops) {
      if (op.op == row.name && (op.values.empty() || like_.levels == space_.levels)) return op;
    }
    SpaceOp op{row.name};
    op.is_signed = row.uses_value && row.mirrors;
    return op;
  }

  std::vector<double> ramp(JsonReader& reader, bool whole) const {
    const std::vector<double> ends = read_numbers(reader, "range");
    if (ends.size() != 2)
      reader.fail("range", "expected [value at level 0, value at the last level]");
    std::vector<double> values;
    const int last = space_.levels - 1;
    for (int level = 0; level <= last; ++level) {
      const double value = last == 0 ? ends[0] : ends[0] + (ends[1] - ends[0]) * level / last;
      values.push_back(whole ? std::trunc(value) : value);
    }
    return values;
  }

  const Space& space_;
  const Space& like_;
  std::string origin_;
};

}  // namespace

Json space_to_json(const Space& space) {
  Json json = {{"name", space.name},
               {"levels", space.levels},
               {"search_levels", space.search_levels},
               {"fill", space.fill == Fill::kHole ? "hole" : "black"},
               {"ops", Json::array()}};
  for (const SpaceOp& op : space.ops) {
    Json item = {{"op", op.op}, {"signed", op.is_signed}};
    if (op.scale != PixelScale::kNone) item["scale"] = scale_text(op.scale);
    if (op.centre != 0) item["centre"] = op.centre;
    item["values"] = op.values;
    json["ops"].push_back(std::move(item));
  }
  return json;
}

Space space_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  Space space;
  space.name = reader.text("name");
  space.levels = static_cast<int>(reader.integer("levels", 1, 1001));
  space.search_levels = static_cast<int>(reader.integer("search_levels", 1, space.levels));
  space.fill = read_fill(reader);
  const Json& ops = reader.array("ops");
  for (size_t i = 0; i < ops.size() && i <= 256; ++i) {
    JsonReader item(ops[i], origin + ": ops[" + std::to_string(i) + "]");
    SpaceOp op;
    op.op = item.text("op");
    op.is_signed = item.boolean_or("signed", false);
    op.scale = read_scale(item, PixelScale::kNone);
    op.centre = item.number_or("centre", -1e6, 1e6, 0);
    if (item.has("values")) op.values = read_numbers(item, "values");
    item.finish();
    space.ops.push_back(std::move(op));
  }
  reader.finish();
  check_space(space, origin);
  return space;
}

Space space_from_toml(std::string_view text, const std::string& origin) {
  const Json json = parse_toml(text, origin);
  JsonReader reader(json, origin);
  const std::string like_name = reader.text_or("like", "pba");
  const Space like = space_by_name(like_name);
  Space space;
  space.name = reader.text("name");
  space.levels = static_cast<int>(reader.integer_or("levels", 1, 1001, like.levels));
  const int fallback = space.levels == like.levels ? like.search_levels : space.levels;
  space.search_levels =
      static_cast<int>(reader.integer_or("search_levels", 1, space.levels, fallback));
  space.fill = reader.has("fill") ? read_fill(reader) : like.fill;
  const TomlOps ops(space, like, origin);
  if (reader.has("ops")) {
    for (const Json& name : reader.array("ops")) {
      if (!name.is_string()) reader.fail("ops", "expected a list of names of ops");
      space.ops.push_back(ops.from_name(name.get<std::string>()));
    }
  }
  if (reader.has("op")) {
    const Json& tables = reader.array("op");
    for (size_t i = 0; i < tables.size(); ++i) space.ops.push_back(ops.from_table(tables[i], i));
  }
  reader.finish();
  check_space(space, origin);
  return space;
}

}  // namespace popaug
