// Whether a training fits into this machine's memory, asked before it starts.
#ifndef POPAUG_EXPERIMENT_MEMORY_CHECK_H_
#define POPAUG_EXPERIMENT_MEMORY_CHECK_H_

#include <cstdint>

#include "popaug/experiment/images.h"

namespace popaug {

// Bytes that this process can still take: what the kernel calls available, less where a control
// group or a limit of address space (ulimit -v) allows less. `root` stands before /proc and /sys.
uint64_t available_memory(const fs::path& root = "/");

// Error in one sentence if `networks` of the settings, in training at once on the CPU on the images
// of `inputs`, are estimated to need more than is available.
void check_memory(const ExperimentSettings& settings, const Inputs& inputs, int networks);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_MEMORY_CHECK_H_
