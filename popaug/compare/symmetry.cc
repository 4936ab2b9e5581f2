#include "popaug/compare/symmetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/compare/statistics.h"
#include "popaug/search/search.h"

namespace popaug {
namespace {

constexpr double kStays = 0.5;  // of what is recognised beyond guessing
constexpr double kCertain = 2;  // standard errors
constexpr const char* kFlip = "flip";
constexpr const char* kDihedral = "dihedral";

}  // namespace

void SymmetryTests::add(const ArmResult& result) {
  const auto count = [&](Sum& sum, const std::optional<double>& turned) {
    if (!turned) return;
    sum.plain += result.accuracy;
    sum.turned += *turned;
    sum.images += std::min(result.tested, kTurnedImages);
    ++sum.networks;
  };
  count(mirrored_, result.mirrored);
  count(turned_, result.turned);
}

bool SymmetryTests::forbids(const SymmetryTest& test) const {
  const double plain_error = std::sqrt(share_variance(test.plain, test.images));
  const double turned_error = std::sqrt(share_variance(test.turned, test.images));
  const double known = test.plain - guessed_;
  // What is left beyond the half of what is known, and its error.
  const double left = test.turned - guessed_ - kStays * known;
  const double error = std::hypot(turned_error, kStays * plain_error);
  return known > kCertain * plain_error && left + kCertain * error < 0;
}

std::vector<SymmetryTest> SymmetryTests::decide() {
  std::vector<SymmetryTest> found;
  for (SymmetryTest& test : tests()) {
    // All eight flips and turns contain the mirror.
    const bool mirror = test.symmetry == kDihedral && leaves_out(kFlip);
    if (test.left_out || !(mirror || forbids(test))) continue;
    left_out_.insert(test.symmetry);
    test.left_out = true;
    found.push_back(std::move(test));
  }
  return found;
}

std::vector<SymmetryTest> SymmetryTests::tests() const {
  std::vector<SymmetryTest> found;
  const auto tell = [&](const char* symmetry, const Sum& sum) {
    if (sum.networks == 0) return;
    found.push_back({symmetry, sum.plain / sum.networks, sum.turned / sum.networks,
                     sum.images / sum.networks, sum.networks, leaves_out(symmetry)});
  };
  tell(kFlip, mirrored_);
  tell(kDihedral, turned_);
  return found;
}

std::string symmetry_sentence(const SymmetryTest& test) {
  return fmt::format("{}, {:.0f} % of the images are recognised instead of {:.0f} %{}",
                     test.symmetry == kFlip ? "mirrored" : "turned", 100 * test.turned,
                     100 * test.plain, test.left_out ? ": left out" : "");
}

}  // namespace popaug
