// Trains arms under seeds, on all cores.
#ifndef POPAUG_COMPARE_ARM_JOBS_H_
#define POPAUG_COMPARE_ARM_JOBS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/compare/arm_results.h"
#include "popaug/compare/arms.h"
#include "popaug/search/search.h"

namespace popaug {

// Makes the trainer of one training under a schedule; called in the worker's thread. For kTest it
// trains on all labelled images, for kValidation on those that do not validate.
using ArmTrainerFactory =
    std::function<std::unique_ptr<Trainer>(const Schedule& schedule, Judge judge)>;

// One training to be made.
struct ArmJob {
  std::string arm;
  uint64_t seed = 0;
  Judge judge = Judge::kTest;
  Schedule schedule;
  bool turned = false;  // also judge it by mirrored and turned images
};

// Trains every job that `file` lacks, one per worker at a time, checkpoints in `folder`. A job's
// result depends on its schedule, seed and images alone: member 0 of that seed. Throws UsageError
// where the file holds the job under another schedule; Interrupted on `stop`: what was finished is
// in the file.
void run_jobs(const std::vector<ArmJob>& jobs, ArmResults& file, const ArmTrainerFactory& factory,
              const fs::path& folder, int workers, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_ARM_JOBS_H_
