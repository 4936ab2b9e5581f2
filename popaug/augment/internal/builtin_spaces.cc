#include "popaug/augment/internal/builtin_spaces.h"

#include <optional>

#include "popaug/augment/internal/levels.h"
#include "popaug/augment/op.h"

namespace popaug::builtin {
namespace {

// What a row says about its op in one family of spaces.
using Levels = std::optional<LevelTable> OpRow::*;

// A space of these ops, in this order, with the levels of their rows.
void add_ops(Space& space, Levels levels, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const OpRow* row = find_op(name);
    POPAUG_ASSERT(row != nullptr && (row->*levels).has_value());
    const LevelTable& table = *(row->*levels);
    space.ops.push_back({name, table.is_signed, table.scale, table.values, table.centre});
  }
}

Space paper_space(const std::string& name, const std::vector<std::string>& names) {
  Space space{.name = name, .levels = levels::kPaper, .search_levels = 10, .fill = Fill::kHole};
  add_ops(space, &OpRow::paper, names);
  return space;
}

Space torchvision_space(const std::string& name, Levels levels) {
  Space space{.name = name,
              .levels = levels::kTorchvision,
              .search_levels = levels::kTorchvision,
              .fill = Fill::kBlack};
  add_ops(space, levels,
          {"Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness",
           "Color", "Contrast", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"});
  return space;
}

}  // namespace

Space pba() {
  return paper_space("pba", {"Rotate", "TranslateX", "TranslateY", "Brightness", "Color", "Invert",
                             "Sharpness", "Posterize", "ShearX", "Solarize", "ShearY", "Equalize",
                             "AutoContrast", "Cutout", "Contrast"});
}

Space autoaugment() {
  return paper_space("autoaugment", {"ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate",
                                     "AutoContrast", "Invert", "Equalize", "Solarize", "Posterize",
                                     "Contrast", "Color", "Brightness", "Sharpness", "Cutout"});
}

Space pba_full() {
  Space space = pba();
  space.name = "pba-full";
  add_ops(space, &OpRow::paper, {"FlipLR", "FlipUD", "Blur", "Smooth", "CropBilinear"});
  return space;
}

Space randaugment() { return torchvision_space("randaugment", &OpRow::randaugment); }
Space trivial() { return torchvision_space("trivial", &OpRow::trivial); }
Space trivial_standard() { return torchvision_space("trivial-standard", &OpRow::randaugment); }

}  // namespace popaug::builtin
