#include "popaug/augment/space.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "popaug/augment/internal/builtin_spaces.h"
#include "popaug/augment/op.h"
#include "popaug/augment/strength.h"
#include "popaug/augment/unknown_ops.h"

namespace popaug {
namespace {

constexpr int kReferenceSide = 32;

bool truncates(PixelScale scale) {
  return scale == PixelScale::kWidthTruncated || scale == PixelScale::kHeightTruncated;
}

int scaling_side(PixelScale scale, int width, int height) {
  switch (scale) {
    case PixelScale::kNone:
      return kReferenceSide;
    case PixelScale::kWidth:
    case PixelScale::kWidthTruncated:
      return width;
    case PixelScale::kHeight:
    case PixelScale::kHeightTruncated:
      return height;
    case PixelScale::kShorter:
      return std::min(width, height);
  }
  return kReferenceSide;
}

double in_pixels(double value, PixelScale scale, int side) {
  const double scaled = value * side / kReferenceSide;
  // torchvision holds its magnitudes in float32 before it truncates them.
  if (truncates(scale)) return std::trunc(static_cast<double>(static_cast<float>(scaled)));
  return std::floor(scaled + 0.5);
}

// The most that any image can make of a value in pixels.
constexpr int kMaxSide = 16384;

void check_op(const SpaceOp& op, int levels, const std::string& where) {
  const OpRow* row = find_op(op.op);
  if (row == nullptr) {
    if (AcceptUnknownOps::active()) return;
    throw Error(where + ": " + unknown_op(op.op) + "; an op of your own needs setting \"plugin\"");
  }
  if (!row->uses_value) {
    if (!op.values.empty()) throw Error(where + ": this op ignores its level, so it has no values");
    if (op.is_signed) throw Error(where + ": this op ignores its level, so it has no sign");
    return;
  }
  if (static_cast<int>(op.values.size()) != levels) {
    throw Error(where + ": " + std::to_string(op.values.size()) +
                " values; expected one for each of " + std::to_string(levels) + " levels");
  }
  for (size_t level = 0; level < op.values.size(); ++level) {
    for (const bool negative : {false, true}) {
      if (negative && !op.is_signed) continue;
      const double value = negative ? op.centre - op.values[level] : op.centre + op.values[level];
      if (!(value >= row->low && value <= row->high)) {
        throw Error(where + ": value " + number_text(value) + " at level " + std::to_string(level) +
                    "; the op accepts " + number_text(row->low) + ".." + number_text(row->high));
      }
      if (row->unit == "bits" && value != std::floor(value)) {
        throw Error(where + ": value " + number_text(value) + " at level " + std::to_string(level) +
                    "; bits are whole numbers");
      }
    }
  }
  if (op.scale != PixelScale::kNone && row->unit != "px") {
    throw Error(where + ": only values in pixels scale with the image");
  }
}

thread_local int accepting = 0;

}  // namespace

AcceptUnknownOps::AcceptUnknownOps() { ++accepting; }
AcceptUnknownOps::~AcceptUnknownOps() { --accepting; }
bool AcceptUnknownOps::active() { return accepting > 0; }

int Space::index_of(std::string_view op) const {
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].op == op) return static_cast<int>(i);
  }
  throw Error("space " + quote(name) + ": " + unknown_name("op", op, op_names()));
}

std::vector<std::string> Space::op_names() const {
  std::vector<std::string> names;
  for (const SpaceOp& op : ops) names.push_back(op.op);
  return names;
}

double op_value(const SpaceOp& op, int level, bool negative, int width, int height,
                bool scale_pixels) {
  if (op.values.empty()) return 0;
  double value = op.values.at(level);
  if (op.scale != PixelScale::kNone && (scale_pixels || truncates(op.scale))) {
    const double limit = kMaxSide;
    const double scaled = in_pixels(value, op.scale, scaling_side(op.scale, width, height));
    value = std::clamp(scaled, -limit, limit);
  }
  return negative ? op.centre - value : op.centre + value;
}

bool is_identity(const SpaceOp& op, int level) {
  const OpRow* row = find_op(op.op);
  if (row == nullptr || !row->has_identity) return false;
  if (!row->uses_value) return true;
  return op_value(op, level, false, kReferenceSide, kReferenceSide) == row->identity;
}

std::vector<std::string> space_names() {
  return {"pba", "pba-full", "autoaugment", "randaugment", "trivial", "trivial-standard"};
}

Space space_by_name(std::string_view name) {
  if (name == "pba") return builtin::pba();
  if (name == "pba-full") return builtin::pba_full();
  if (name == "autoaugment") return builtin::autoaugment();
  if (name == "randaugment") return builtin::randaugment();
  if (name == "trivial") return builtin::trivial();
  if (name == "trivial-standard") return builtin::trivial_standard();
  const size_t colon = name.find(':');
  if (colon != std::string_view::npos) {
    const std::string strength(name.substr(colon + 1));
    char* end = nullptr;
    const double value = std::strtod(strength.c_str(), &end);
    if (strength.empty() || *end != 0) {
      throw UsageError("space " + quote(name) +
                       ": expected a strength 0..1 after the colon, as in " + "\"trivial:0.5\"");
    }
    return with_strength(space_by_name(name.substr(0, colon)), value);
  }
  throw UsageError(unknown_name("space", name, space_names()));
}

Space load_space(const std::string& name_or_path) {
  const bool is_path =
      name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml");
  if (!is_path) return space_by_name(name_or_path);
  return space_from_toml(read_file(name_or_path, uint64_t{1} << 20), show_path(name_or_path));
}

Space space_for_grey(const Space& space, std::vector<std::string>* left_out) {
  Space kept = space;
  std::erase_if(kept.ops, [&](const SpaceOp& op) {
    const OpRow* row = find_op(op.op);
    if (row == nullptr || row->changes_grey) return false;
    if (row->has_identity && !row->uses_value) return false;  // changes nothing, on purpose
    if (left_out != nullptr) left_out->push_back(op.op);
    return true;
  });
  return kept;
}

void check_space(const Space& space, const std::string& origin) {
  if (space.name.empty() || space.name.size() > 200) {
    throw Error(origin + ": a space needs a name of 1 to 200 bytes");
  }
  if (space.levels < 1 || space.levels > 1001) {
    throw Error(origin + ": " + std::to_string(space.levels) + " levels; expected 1..1001");
  }
  if (space.search_levels < 1 || space.search_levels > space.levels) {
    throw Error(origin + ": a search draws from " + std::to_string(space.search_levels) +
                " levels; expected 1.." + std::to_string(space.levels));
  }
  if (space.ops.empty() || space.ops.size() > 256) {
    throw Error(origin + ": " + std::to_string(space.ops.size()) + " ops; expected 1..256");
  }
  std::set<std::string> seen;
  for (const SpaceOp& op : space.ops) {
    const std::string where = origin + ": op " + quote(op.op);
    if (!seen.insert(op.op).second) throw Error(where + " is listed twice");
    check_op(op, space.levels, where);
  }
}

}  // namespace popaug
