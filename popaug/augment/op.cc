#include "popaug/augment/op.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <utility>

#include "popaug/augment/ops_plain.h"

namespace popaug {
namespace {

OpRow geometry(const char* name, const char* summary, const char* unit, double reach,
               OpFunction plain) {
  return {.name = name,
          .summary = summary,
          .unit = unit,
          .mirrors = true,
          .low = -reach,
          .high = reach,
          .has_identity = true,
          .identity = 0,
          .plain = std::move(plain)};
}

// Factors above 10 would be legal for Pillow too, but no space needs them.
OpRow factor(const char* name, const char* summary, OpFunction plain) {
  return {.name = name,
          .summary = summary,
          .unit = "factor",
          .low = -10,
          .high = 10,
          .has_identity = true,
          .identity = 1,
          .plain = std::move(plain)};
}

OpRow ignores_level(const char* name, const char* summary, OpFunction plain) {
  return {
      .name = name, .summary = summary, .unit = "", .uses_value = false, .plain = std::move(plain)};
}

// REFERENCE section 2, in its order, then the extra ops of the published list.
std::vector<OpRow> built_in_rows() {
  constexpr double kMaxPixels = 16384;
  std::vector<OpRow> rows = {
      geometry("Rotate", "turns about the centre", "degrees", 360, plain::rotate),
      geometry("TranslateX", "moves sideways", "px", kMaxPixels, plain::translate_x),
      geometry("TranslateY", "moves up or down", "px", kMaxPixels, plain::translate_y),
      factor("Brightness", "blends with black", plain::brightness),
      factor("Color", "blends with the grey image", plain::color),
      ignores_level("Invert", "255 minus each colour", plain::invert),
      factor("Sharpness", "blends with the smoothed image", plain::sharpness),
      {.name = "Posterize",
       .summary = "keeps the upper bits of each colour",
       .unit = "bits",
       .low = 0,
       .high = 8,
       .plain = plain::posterize},
      geometry("ShearX", "slants sideways", "share", 10, plain::shear_x),
      {.name = "Solarize",
       .summary = "inverts colours from the threshold up",
       .unit = "threshold",
       .low = 0,
       .high = 256,
       .plain = plain::solarize},
      geometry("ShearY", "slants up or down", "share", 10, plain::shear_y),
      ignores_level("Equalize", "flattens each channel's histogram", plain::equalize),
      ignores_level("AutoContrast", "stretches each channel to 0..255", plain::auto_contrast),
      {.name = "Cutout",
       .summary = "makes a square of holes",
       .unit = "px",
       .draws = true,
       .low = 0,
       .high = kMaxPixels,
       .has_identity = true,
       .identity = 0,
       .plain = plain::cutout},
      factor("Contrast", "blends with the mean grey", plain::contrast),
      ignores_level("FlipLR", "mirrors left and right", plain::flip_lr),
      ignores_level("FlipUD", "mirrors top and bottom", plain::flip_ud),
      {.name = "CropBilinear",
       .summary = "crops the border and resizes back",
       .unit = "px",
       .low = 0,
       .high = kMaxPixels,
       .has_identity = true,
       .identity = 0,
       .plain = plain::crop_bilinear},
      ignores_level("Blur", "means over a ring of 16 neighbours", plain::blur),
      ignores_level("Smooth", "means over 3x3, the centre counting 5", plain::smooth),
      ignores_level("Identity", "changes nothing", plain::identity),
  };
  for (OpRow& row : rows) {
    if (row.name == "Color" || row.name == "Identity") row.changes_grey = false;
  }
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
  if (find_op(row.name) != nullptr) throw Error(who + " is already known; choose another name");
  if (!row.plain) throw Error(who + " has no function");
  const bool range = std::isfinite(row.low) && std::isfinite(row.high) && row.low <= row.high;
  if (row.uses_value && !range) {
    throw Error(who + " accepts values from " + number_text(row.low) + " to " +
                number_text(row.high) + "; expected two finite numbers, the lower first");
  }
  if (row.has_identity && !(row.identity >= row.low && row.identity <= row.high)) {
    throw Error(who + ": the identity value " + number_text(row.identity) +
                " lies outside its own range");
  }
}

}  // namespace

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
  for (OpRow& row : rows) mutable_rows().push_back(std::move(row));
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
