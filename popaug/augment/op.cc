#include "popaug/augment/op.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <utility>

#include "popaug/augment/internal/built_in_ops.h"

namespace popaug {
namespace {

std::vector<OpRow> built_in_rows() {
  std::vector<OpRow> rows;
  for (const auto make_row : ops::kBuiltIn) rows.push_back(make_row());
  return rows;
}

std::vector<OpRow>& mutable_rows() {
  static std::vector<OpRow> rows = built_in_rows();
  return rows;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::isalpha(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

void check_row(const OpRow& row) {
  const std::string who = row.origin + ": op " + quote(row.name);
  if (!is_plain_name(row.name)) {
    throw Error(who +
                ": a name starts with a letter and has letters, digits, - and _ (at most 64)");
  }
  const OpRow* known = find_op(row.name);
  // An op of a Python program may be defined again, as a notebook does with every run of a cell.
  const bool again = known != nullptr && known->origin == "Python" && row.origin == "Python";
  if (known != nullptr && !again) throw Error(who + " is already known; choose another name");
  if (!row.plain) throw Error(who + " has no function");
  const bool range = std::isfinite(row.low) && std::isfinite(row.high) && row.low <= row.high;
  if (row.uses_value && !range) {
    throw Error(who + " accepts values from " + number_text(row.low) + " to " +
                number_text(row.high) + "; expected two finite numbers, the lower first");
  }
  if (row.has_identity && !(row.identity >= row.low && row.identity <= row.high)) {
    throw Error(who + ": the identity value " + number_text(row.identity) +
                " is outside its own range");
  }
}

}  // namespace

std::string group_name(OpGroup group) {
  switch (group) {
    case OpGroup::kGeometry:
      return "geometry";
    case OpGroup::kColour:
      return "colour";
    case OpGroup::kTone:
      return "tone";
    case OpGroup::kOther:
      break;
  }
  return "other";
}

const std::vector<OpRow>& op_rows() { return mutable_rows(); }

const OpRow* find_op(std::string_view name) {
  for (const OpRow& row : op_rows()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

void register_op(OpRow row) { register_ops({std::move(row)}); }

void register_ops(std::vector<OpRow> rows) {
  std::set<std::string> names;
  for (const OpRow& row : rows) {
    check_row(row);
    if (!names.insert(row.name).second) {
      throw Error(row.origin + ": op " + quote(row.name) + " is given twice");
    }
  }
  for (OpRow& row : rows) {
    row.prepare = nullptr;
    row.run = nullptr;
    auto& all = mutable_rows();
    const auto known = std::find_if(all.begin(), all.end(),
                                    [&](const OpRow& other) { return other.name == row.name; });
    if (known == all.end()) {
      all.push_back(std::move(row));
    } else {
      *known = std::move(row);
    }
  }
}

std::string unknown_op(std::string_view name) {
  std::vector<std::string> names;
  for (const OpRow& row : op_rows()) names.push_back(row.name);
  return unknown_name("op", name, names);
}

void apply_op(Image& image, std::string_view op, double value, OpContext& context) {
  const OpRow* row = find_op(op);
  if (row == nullptr) throw UsageError(unknown_op(op));
  if (image.width() < 1 || image.height() < 1) {
    throw Error("op " + row->name + ": the image is empty; expected at least 1x1 pixels");
  }
  if (row->uses_value && !(value >= row->low && value <= row->high)) {
    throw UsageError("op " + row->name + ": value " + number_text(value) + " is outside " +
                     number_text(row->low) + ".." + number_text(row->high));
  }
  row->plain(image, value, context);
}

}  // namespace popaug
