#include "popaug/augment/builtin_spaces.h"

#include <cmath>
#include <functional>

namespace popaug::builtin {
namespace {

constexpr int kPbaLevels = 11;
constexpr int kBins = 31;

std::vector<double> table(int levels, const std::function<double(int)>& value) {
  std::vector<double> values;
  for (int m = 0; m < levels; ++m) values.push_back(value(m));
  return values;
}

// REFERENCE 2. The arithmetic is the published one, so that the values are the same doubles.
SpaceOp pba_op(const std::string& name) {
  const auto enhancer = [](int m) { return m * 1.8 / 10 + 0.1; };
  const auto make = [&](bool is_signed, PixelScale scale, const std::function<double(int)>& value) {
    return SpaceOp{name, is_signed, scale, table(kPbaLevels, value)};
  };
  if (name == "Rotate") return make(true, PixelScale::kNone, [](int m) { return 3 * m; });
  if (name == "TranslateX") return make(true, PixelScale::kWidth, [](int m) { return m; });
  if (name == "TranslateY") return make(true, PixelScale::kHeight, [](int m) { return m; });
  if (name == "ShearX" || name == "ShearY") {
    return make(true, PixelScale::kNone, [](int m) { return m * 3 / 100.0; });
  }
  if (name == "Posterize")
    return make(false, PixelScale::kNone, [](int m) { return 4 - m * 4 / 10; });
  if (name == "Solarize") {
    return make(false, PixelScale::kNone, [](int m) { return 256 - m * 256 / 10; });
  }
  if (name == "Cutout") return make(false, PixelScale::kShorter, [](int m) { return 2 * m; });
  if (name == "CropBilinear") return make(false, PixelScale::kShorter, [](int m) { return m; });
  if (name == "Invert" || name == "Equalize" || name == "AutoContrast") return SpaceOp{name};
  return make(false, PixelScale::kNone, enhancer);
}

Space levels_of_reference(const std::string& name, const std::vector<std::string>& ops) {
  Space space{.name = name, .levels = kPbaLevels, .search_levels = 10, .fill = Fill::kHole};
  for (const std::string& op : ops) space.ops.push_back(pba_op(op));
  return space;
}

// torch.linspace(0, end, 31) in float32: counted from the nearer end, and from the far end with one
// rounding for multiply and subtract together (exact here in double, then rounded).
double linspace(float end, int bin) {
  const float step = end / static_cast<float>(kBins - 1);
  if (bin < kBins / 2) return step * static_cast<float>(bin);
  return static_cast<float>(double{end} - double{step} * (kBins - 1 - bin));
}

struct Ranges {
  double shear, translate, rotate, enhance;
  int posterize;  // bits lost at the last bin
  PixelScale along_x, along_y;
};

Space torchvision_space(const std::string& name, const Ranges& ranges) {
  Space space{.name = name, .levels = kBins, .search_levels = kBins, .fill = Fill::kBlack};
  const auto add = [&](const char* op, bool is_signed, double end, double centre = 0,
                       PixelScale scale = PixelScale::kNone) {
    const auto value = [end](int bin) { return linspace(static_cast<float>(end), bin); };
    space.ops.push_back({op, is_signed, scale, table(kBins, value), centre});
  };
  space.ops.push_back({"Identity"});
  add("ShearX", true, ranges.shear);
  add("ShearY", true, ranges.shear);
  add("TranslateX", true, ranges.translate, 0, ranges.along_x);
  add("TranslateY", true, ranges.translate, 0, ranges.along_y);
  add("Rotate", true, ranges.rotate);
  for (const char* op : {"Brightness", "Color", "Contrast", "Sharpness"}) {
    add(op, true, ranges.enhance, 1);
  }
  // bin * bits / 30 never lies on a half, so the way of rounding does not matter.
  space.ops.push_back({"Posterize", false, PixelScale::kNone, table(kBins, [&](int bin) {
                         return 8 - std::round(bin * ranges.posterize / 30.0);
                       })});
  space.ops.push_back({"Solarize", false, PixelScale::kNone, table(kBins, [](int bin) {
                         return bin < kBins / 2 ? 255.0f - 8.5f * static_cast<float>(bin)
                                                : 8.5f * static_cast<float>(kBins - 1 - bin);
                       })});
  space.ops.push_back({"AutoContrast"});
  space.ops.push_back({"Equalize"});
  return space;
}

constexpr Ranges kRandAugment = {.shear = 0.3,
                                 .translate = 150.0 / 331.0 * 32,
                                 .rotate = 30,
                                 .enhance = 0.9,
                                 .posterize = 4,
                                 .along_x = PixelScale::kWidthTruncated,
                                 .along_y = PixelScale::kHeightTruncated};
constexpr Ranges kTrivialWide = {.shear = 0.99,
                                 .translate = 32,
                                 .rotate = 135,
                                 .enhance = 0.99,
                                 .posterize = 6,
                                 .along_x = PixelScale::kNone,
                                 .along_y = PixelScale::kNone};

}  // namespace

Space pba() {
  return levels_of_reference("pba", {"Rotate", "TranslateX", "TranslateY", "Brightness", "Color",
                                     "Invert", "Sharpness", "Posterize", "ShearX", "Solarize",
                                     "ShearY", "Equalize", "AutoContrast", "Cutout", "Contrast"});
}

Space autoaugment() {
  return levels_of_reference(
      "autoaugment", {"ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "AutoContrast",
                      "Invert", "Equalize", "Solarize", "Posterize", "Contrast", "Color",
                      "Brightness", "Sharpness", "Cutout"});
}

Space pba_full() {
  Space space = pba();
  space.name = "pba-full";
  for (const char* op : {"FlipLR", "FlipUD", "Blur", "Smooth"}) space.ops.push_back({op});
  space.ops.push_back(pba_op("CropBilinear"));
  return space;
}

Space randaugment() { return torchvision_space("randaugment", kRandAugment); }
Space trivial() { return torchvision_space("trivial", kTrivialWide); }
Space trivial_standard() { return torchvision_space("trivial-standard", kRandAugment); }

}  // namespace popaug::builtin
