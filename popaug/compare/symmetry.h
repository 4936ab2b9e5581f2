// Which flips and turns the labels allow, asked of networks that never saw such images.
#ifndef POPAUG_COMPARE_SYMMETRY_H_
#define POPAUG_COMPARE_SYMMETRY_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "popaug/compare/arm_results.h"

namespace popaug {

// What trainings without flips make of turned images.
struct SymmetryTest {
  std::string symmetry;  // "flip", "dihedral"
  double plain = 0;      // share of the judging images recognised as they are, 0..1
  double turned = 0;     // and mirrored; for "dihedral", the mean of the six other flips and turns
  int64_t images = 0;    // looked at turned, by each network
  int networks = 0;
  bool left_out = false;
};

// A network that was trained without flips still recognises mirrored images as long as those look
// like images of their class. Where a flip changes the label, it takes them for others: of mirrored
// Arabic letters it recognised 21 % instead of 91 %, of mirrored photographs of CIFAR-10 as many as
// before (docs/decisions/choose.md#symmetries). So a symmetry is left out where less than half is
// left of what the network recognises beyond guessing, by two standard errors at least, and where
// it recognises anything. The errors are those of the images of one network, since networks may be
// judged by the same images.
class SymmetryTests {
 public:
  explicit SymmetryTests(int classes) : guessed_(1.0 / classes) {}
  // Of a training without flips; without effect where its trainer did not look at turned images.
  void add(const ArmResult& result);
  // Leaves out what the results so far forbid, for good; returns what is new.
  std::vector<SymmetryTest> decide();
  // Those that there is a result for.
  std::vector<SymmetryTest> tests() const;
  bool leaves_out(const std::string& symmetry) const { return left_out_.contains(symmetry); }

 private:
  struct Sum {
    double plain = 0, turned = 0;  // shares, summed over the networks
    int64_t images = 0;
    int networks = 0;
  };
  bool forbids(const SymmetryTest& test) const;

  double guessed_;
  Sum mirrored_, turned_;
  std::set<std::string> left_out_;
};

// One sentence for people: "mirrored, 21 % of the images are recognised instead of 91 %".
std::string symmetry_sentence(const SymmetryTest& test);

}  // namespace popaug

#endif  // POPAUG_COMPARE_SYMMETRY_H_
