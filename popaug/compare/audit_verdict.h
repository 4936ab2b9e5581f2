// The findings of an audit: which ops to keep, to limit and to leave out, and why.
#ifndef POPAUG_COMPARE_AUDIT_VERDICT_H_
#define POPAUG_COMPARE_AUDIT_VERDICT_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/compare/audit.h"
#include "popaug/compare/statistics.h"

namespace popaug {

// An op makes the networks take most images of `a` for `b` and most of `b` for `a`: it changes the
// label ("6 becomes 9"). Shares of images, 0..1.
struct Exchange {
  int a = 0, b = 0;
  double a_to_b = 0, b_to_a = 0;
};

struct CellFinding {
  AuditCell cell;
  double affinity = 0;        // points: accuracy on images with the op minus that on clean ones
  double affinity_ratio = 1;  // the same as a ratio
  std::vector<double> class_affinity;  // points, per class
  double diversity = 1;                // training loss with the op over that without
  double gain = 0;               // points of clean accuracy: trained with the op minus without
  Interval gain_interval;        // 95 %, for this cell alone
  double p = 1, adjusted_p = 1;  // one-sided, of "the op does no harm"; Holm over all cells
  std::vector<Exchange> exchanges;
  bool harmful = false;  // by gain, or by an exchange without gain
};

enum class OpDecision { kKeep, kLimit, kLeaveOut };

struct OpFinding {
  std::string op;
  bool in_space = true;
  OpDecision decision = OpDecision::kKeep;
  int low = 0, high = 0;  // levels kept, of those that a search draws
  std::string why;        // one sentence; empty for kKeep
};

struct Audit {
  std::vector<std::string> classes;
  int seeds = 0, epochs = 0;
  double clean_accuracy = 0;  // percent, mean over seeds
  double clean_loss = 0;
  double deviation = 0;  // points: noise of one training's accuracy, pooled
  int degrees = 0;       // behind it
  double alpha = 0.05;
  std::vector<CellFinding> cells;
  std::vector<OpFinding> ops;
  bool flip_hurts = false;             // FlipLR is harmful: search with --flip 0
  std::optional<Space> space;          // audited; nothing where no op is left
  std::vector<std::string> sentences;  // the strongest findings first
};

// The decision rule (docs/decisions/audit.md). Two tests share `alpha`, so that the chance that any
// op is touched where none does harm is at most alpha:
//   4/5: the gain of every cell is tested against 0, one-sided, in randomised blocks (cells x
//        seeds) with the pooled variance, or the cell's own where that is larger; Holm over cells;
//   1/5: an exchange of two classes is claimed where both shares are above one half by an exact
//        binomial test over the images, Bonferroni over cells and classes; it counts as harm unless
//        the cell's mean gain is positive.
// An op is cut at the harmful level nearest to its mildest level, on either side of it. If nothing
// of the tested range is left, the op is left out.
Audit judge_audit(const AuditSettings& settings, const AuditMeasures& measures);

Json audit_to_json(const Audit& audit);
std::string audit_text(const Audit& audit);  // for a terminal

// The audited space as a file that `search --space` reads back as the same space
// (docs/formats/space.md), with the reasons as comments.
std::string audited_space_toml(const Audit& audit);

}  // namespace popaug

#endif  // POPAUG_COMPARE_AUDIT_VERDICT_H_
