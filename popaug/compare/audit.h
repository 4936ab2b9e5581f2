// The audit of ops: measures which ops suit the data (docs/audit.md).
#ifndef POPAUG_COMPARE_AUDIT_H_
#define POPAUG_COMPARE_AUDIT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "popaug/data/data.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// What is measured: one op at one level, or a whole recipe.
struct AuditCell {
  SpaceOp op;            // of a recipe only the name, that of the arm
  int level = 0;         // of the space; 0 for an op without levels
  bool in_space = true;  // false: a recipe, or added to judge the flips of the base transforms
  std::optional<Schedule> recipe = {};  // over the epochs of the audit; every image gets it
  std::string name() const;             // "Rotate 6", "FlipLR"
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
// spread, without levels that change nothing (an op whose identity lies inside its range is judged
// on both sides of it); one cell for an op without levels; and FlipLR and FlipUD.
std::vector<AuditCell> audit_cells(const Space& space, int levels);
// The cells of an audit of recipes instead of ops: one for each, an arm of a comparison that costs
// no search, and FlipLR and FlipUD. Throws UsageError for another arm, one that mixes images, and a
// name that is listed twice.
std::vector<AuditCell> recipe_cells(const std::vector<std::string>& recipes, int epochs);

// For augmentation to bytes: holes become the mean colour of these images, as a network sees them.
Normalisation mean_for_holes(const ImageSet& images, const std::vector<uint32_t>& indices);

// Returns the validation images with the op of one cell applied to every image. A signed op gives
// both signs, one after the other, so twice as many images. Labels repeat.
ImageSet augmented_images(const AuditCell& cell, const AuditSettings& settings,
                          const ImageSet& images, const std::vector<uint32_t>& indices);

// The measurements of one cell, or of the training without augmentation ("clean").
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

// Makes trainers, which train under a schedule and validate on the validation images; and predicts
// the class of each image with a checkpoint (all images of a split; nullptr: the validation
// images). Called in the threads of the workers.
struct AuditTrainers {
  std::function<std::unique_ptr<Trainer>(const Schedule& schedule)> trainer;
  std::function<std::vector<uint32_t>(const fs::path& checkpoint, const ImageSet* images)> predict;
};

struct AuditOptions {
  fs::path directory;
  bool resume = false;
  int workers = 1;
  std::shared_ptr<RunDirectory> run = {};  // already opened by the caller; else opened here
};

// Trains once without augmentation and once with each cell, under every seed (the same initial
// weights and data order for all: member 0), and evaluates the first on augmented images. Work that
// DIR/runs.jsonl already contains is not repeated. Throws Interrupted on `stop`.
AuditMeasures run_audit(const AuditSettings& settings, const ImageSet& images,
                        const std::vector<uint32_t>& indices, const AuditTrainers& trainers,
                        const AuditOptions& options, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_AUDIT_H_
