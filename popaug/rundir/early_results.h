// Results that arrived before their turn, each in a file of its own until the journal has it
// (docs/formats/run.md, members/).
#ifndef POPAUG_RUNDIR_EARLY_RESULTS_H_
#define POPAUG_RUNDIR_EARLY_RESULTS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/rundir/checkpoint_store.h"

namespace popaug {

// The files RUN/members/r0012-m0005.result.json. A text is a sealed line of the journal, which the
// room of the journal makes and opens; here it is only stored. Not thread safe.
class EarlyResults {
 public:
  explicit EarlyResults(const fs::path& run);

  fs::path path(const CheckpointId& id) const;
  // Durable when it returns.
  void write(const CheckpointId& id, std::string_view text) const;
  // Nothing where there is none. Throws Error if it cannot be read.
  std::optional<std::string> read(const CheckpointId& id) const;

  // The journal has this result: its file goes with the next delete_unused().
  void drop(const CheckpointId& id) { unused_.push_back(id); }
  void delete_unused();
  // Deletes the files of earlier processes but those in `keep`.
  void clean(const std::vector<CheckpointId>& keep) const;

 private:
  fs::path folder_;
  std::vector<CheckpointId> unused_;
};

}  // namespace popaug

#endif  // POPAUG_RUNDIR_EARLY_RESULTS_H_
