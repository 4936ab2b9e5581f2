#include "popaug/compare/audit_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "popaug/compare/blocks.h"
#include "popaug/compare/internal/audited_space.h"

namespace popaug {
namespace {

constexpr double kPoints = 100;
constexpr double kGainShare = 0.8, kExchangeShare = 0.2;  // of alpha

using Confusion = std::vector<std::vector<int64_t>>;

double accuracy_of(const Confusion& confusion) {
  int64_t right = 0, all = 0;
  for (size_t c = 0; c < confusion.size(); ++c) {
    right += confusion[c][c];
    for (const int64_t count : confusion[c]) all += count;
  }
  return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all);
}

int64_t images_of(const Confusion& confusion, size_t label) {
  int64_t all = 0;
  for (const int64_t count : confusion[label]) all += count;
  return all;
}

double share(const Confusion& confusion, size_t label, size_t predicted) {
  const int64_t all = images_of(confusion, label);
  return all == 0 ? 0 : static_cast<double>(confusion[label][predicted]) / static_cast<double>(all);
}

// The probability that a true share of one half gives at least `share` of `images`.
double half_or_more_p(double share, int64_t images) {
  if (images == 0 || share <= 0.5) return 1;
  const boost::math::binomial fair(static_cast<double>(images), 0.5);
  const double hits = std::floor(share * static_cast<double>(images) + 1e-9);
  return hits < 1 ? 1 : boost::math::cdf(boost::math::complement(fair, hits - 1));
}

// Finds pairs of classes whose images are mostly taken for the other class. An image counts once,
// however many networks and signs saw it. A class has at most one such partner.
std::vector<Exchange> exchanges_of(const Confusion& with, const Confusion& clean, int seeds,
                                   double level) {
  std::vector<Exchange> found;
  for (size_t a = 0; a < with.size(); ++a) {
    for (size_t b = a + 1; b < with.size(); ++b) {
      const double there = share(with, a, b), back = share(with, b, a);
      if (there <= 0.5 || back <= 0.5) continue;
      if (share(clean, a, b) > 0.5 || share(clean, b, a) > 0.5) continue;
      if (half_or_more_p(there, images_of(clean, a) / seeds) > level) continue;
      if (half_or_more_p(back, images_of(clean, b) / seeds) > level) continue;
      found.push_back({static_cast<int>(a), static_cast<int>(b), there, back});
    }
  }
  return found;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

// The error of the gain of a cell: pooled, or the cell's own if its trainings vary more.
double gain_error(const Blocks& blocks, const std::vector<double>& cell,
                  const std::vector<double>& clean) {
  const PairedDifference own = paired_difference(cell, clean);
  return std::max(difference_error(blocks),
                  own.deviation / std::sqrt(static_cast<double>(cell.size())));
}

CellFinding describe(const AuditCell& cell, const CellMeasure& measure, const CellMeasure& clean) {
  CellFinding f;
  f.cell = cell;
  const double clean_accuracy = accuracy_of(clean.confusion);
  const double accuracy = accuracy_of(measure.confusion);
  f.affinity = kPoints * (accuracy - clean_accuracy);
  f.affinity_ratio = clean_accuracy > 0 ? accuracy / clean_accuracy : 1;
  for (size_t c = 0; c < measure.confusion.size(); ++c) {
    f.class_affinity.push_back(kPoints *
                               (share(measure.confusion, c, c) - share(clean.confusion, c, c)));
  }
  const double loss = mean_of(clean.train_loss);
  f.diversity = loss > 0 ? mean_of(measure.train_loss) / loss : 1;
  f.gain = kPoints * (mean_of(measure.accuracy) - mean_of(clean.accuracy));
  return f;
}

void test_gains(const AuditSettings& settings, const AuditMeasures& measures, Audit& audit) {
  std::vector<std::vector<double>> rows = {measures.clean.accuracy};
  for (const CellMeasure& cell : measures.cells) rows.push_back(cell.accuracy);
  const Blocks blocks = randomised_blocks(rows);
  audit.deviation = kPoints * std::sqrt(blocks.variance);
  audit.degrees = blocks.degrees;
  const double half = upper_quantile(0.025, blocks.degrees);
  std::vector<double> p;
  for (size_t i = 0; i < audit.cells.size(); ++i) {
    CellFinding& f = audit.cells[i];
    const double error =
        kPoints * gain_error(blocks, measures.cells[i].accuracy, measures.clean.accuracy);
    f.gain_interval = {f.gain - half * error, f.gain + half * error};
    f.p = upper_p(-f.gain, error, blocks.degrees);
    p.push_back(f.p);
  }
  const std::vector<double> adjusted = holm(p);
  const double level =
      kExchangeShare * settings.alpha /
      static_cast<double>(std::max<size_t>(1, audit.cells.size() * settings.classes.size()));
  for (size_t i = 0; i < audit.cells.size(); ++i) {
    CellFinding& f = audit.cells[i];
    f.adjusted_p = adjusted[i];
    f.exchanges = exchanges_of(measures.cells[i].confusion, measures.clean.confusion,
                               static_cast<int>(settings.seeds.size()), level);
    f.harmful = f.adjusted_p < kGainShare * settings.alpha || (!f.exchanges.empty() && f.gain <= 0);
  }
}

}  // namespace

Audit judge_audit(const AuditSettings& settings, const AuditMeasures& measures) {
  Audit audit;
  audit.classes = settings.classes;
  audit.seeds = static_cast<int>(settings.seeds.size());
  audit.epochs = settings.epochs;
  audit.alpha = settings.alpha;
  audit.clean_accuracy = kPoints * mean_of(measures.clean.accuracy);
  audit.clean_loss = mean_of(measures.clean.train_loss);
  for (size_t i = 0; i < settings.cells.size(); ++i) {
    audit.cells.push_back(describe(settings.cells[i], measures.cells[i], measures.clean));
  }
  test_gains(settings, measures, audit);
  audit.ops = decide_ops(settings, audit.cells, audit.classes);
  audit.space = audited_space(settings.space, audit.ops);
  for (const OpFinding& op : audit.ops) {
    audit.flip_hurts =
        audit.flip_hurts || (op.op == "FlipLR" && op.decision == OpDecision::kLeaveOut);
  }
  audit.sentences = audit_sentences(audit);
  return audit;
}

}  // namespace popaug
