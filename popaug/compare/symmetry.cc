#include "popaug/compare/symmetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/search/search.h"

namespace popaug {
namespace {

constexpr double kStays = 0.5;  // of what is recognised beyond guessing
constexpr double kCertain = 2;  // standard errors
constexpr const char* kFlip = "flip";
constexpr const char* kDihedral = "dihedral";

// Of a share of so many images. One image more on either side (Laplace): no share is certain.
double standard_error(double share, double images) {
  const double shrunk = (share * images + 1) / (images + 2);
  return std::sqrt(shrunk * (1 - shrunk) / (images + 2));
}

}  // namespace

void SymmetryTests::add(const ArmResult& result) {
  const int64_t images = std::min(result.tested, kTurnedImages);
  const auto count = [&](Sum& sum, const std::optional<double>& turned) {
    if (!turned) return;
    sum.plain += result.accuracy * static_cast<double>(images);
    sum.turned += *turned * static_cast<double>(images);
    sum.images += images;
  };
  count(mirrored_, result.mirrored);
  count(turned_, result.turned);
}

SymmetryTest SymmetryTests::test_of(const std::string& symmetry, const Sum& sum) const {
  const auto images = static_cast<double>(sum.images);
  SymmetryTest test{symmetry, sum.plain / images, sum.turned / images, sum.images};
  const double known = test.plain - guessed_, left = test.turned - guessed_;
  test.left_out = known > kCertain * standard_error(test.plain, images) &&
                  left + kCertain * standard_error(test.turned, images) < kStays * known;
  return test;
}

std::vector<SymmetryTest> SymmetryTests::tests() const {
  std::vector<SymmetryTest> found;
  if (mirrored_.images > 0) found.push_back(test_of(kFlip, mirrored_));
  if (turned_.images > 0) {
    found.push_back(test_of(kDihedral, turned_));
    // All eight flips and turns contain the mirror.
    found.back().left_out = found.back().left_out || found.front().left_out;
  }
  return found;
}

bool SymmetryTests::allows(const std::string& symmetry) const {
  const std::vector<SymmetryTest> found = tests();
  return std::none_of(found.begin(), found.end(), [&](const SymmetryTest& test) {
    return test.symmetry == symmetry && test.left_out;
  });
}

std::string symmetry_sentence(const SymmetryTest& test) {
  return fmt::format("{}, {:.0f} % of the images are recognised instead of {:.0f} %{}",
                     test.symmetry == kFlip ? "mirrored" : "turned", 100 * test.turned,
                     100 * test.plain, test.left_out ? ": left out" : "");
}

}  // namespace popaug
