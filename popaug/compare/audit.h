// The audit of ops: which suit these data, by measurement (docs/audit.md).
#ifndef POPAUG_COMPARE_AUDIT_H_
#define POPAUG_COMPARE_AUDIT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/data/data.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// One op at one level: what is measured.
struct AuditCell {
  SpaceOp op;
  int level = 0;             // of the space; 0 for an op without levels
  bool in_space = true;      // false: added to judge the flip of the base transforms, and its like
  std::string name() const;  // "Rotate 6", "FlipLR"
};

struct AuditSettings {
  Space space;  // that a search would draw from
  std::vector<AuditCell> cells;
  std::vector<std::string> classes;
  std::vector<uint64_t> seeds;  // at least two
  int epochs = 8;               // of every training
  double probability = 0.5;     // that a training image gets the op
  double alpha = 0.05;          // chance that any harmless op is touched
  bool scale_pixels = true;
  std::string data;               // fingerprint
  Json trainer = Json::object();  // whatever else determines results
};

// The cells of a space: for each op about `levels` of the levels that a search draws, evenly
// spread, without those that change nothing (ops whose identity lies inside the range are judged on
// both sides of it); one cell for an op without levels; and FlipLR and FlipUD.
std::vector<AuditCell> audit_cells(const Space& space, int levels);

// The validation images under one cell, each op applied to every image; both signs one after the
// other where the op is signed (then twice as many images). Labels repeat.
Split augmented_images(const AuditCell& cell, const AuditSettings& settings, const Split& images,
                       const std::vector<uint32_t>& indices);

// What was measured of one cell, or of the training without augmentation ("clean").
struct CellMeasure {
  std::vector<double> accuracy, train_loss;  // of the trainings with it, per seed, clean images
  // Of the networks trained without augmentation, on images with it: [label][predicted], summed
  // over seeds and signs.
  std::vector<std::vector<int64_t>> confusion;
};

struct AuditMeasures {
  CellMeasure clean;
  std::vector<CellMeasure> cells;
};

// Who trains, under a schedule, validating on the validation images; and who says which class a
// checkpoint takes each image for (all images of a split; nullptr: the validation images). Called
// in the workers' threads.
struct AuditTrainers {
  std::function<std::unique_ptr<Trainer>(const Schedule& schedule)> trainer;
  std::function<std::vector<uint32_t>(const fs::path& checkpoint, const Split* images)> predict;
};

struct AuditOptions {
  fs::path directory;
  bool resume = false;
  int workers = 1;
};

// Trains once without augmentation and once with each cell, under every seed (the same initial
// weights and data order for all: member 0), and evaluates the first on augmented images. What
// DIR/runs.jsonl holds is not done again. Throws Interrupted on `stop`.
AuditMeasures run_audit(const AuditSettings& settings, const Split& images,
                        const std::vector<uint32_t>& indices, const AuditTrainers& trainers,
                        const AuditOptions& options, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_AUDIT_H_
