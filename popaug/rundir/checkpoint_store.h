// The checkpoints of a search's members: names, checksums, who still needs which, and deletions
// (docs/formats/run.md, members/).
#ifndef POPAUG_RUNDIR_CHECKPOINT_STORE_H_
#define POPAUG_RUNDIR_CHECKPOINT_STORE_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Identifies weights: those of `member` after its round `round`, both from 0.
struct CheckpointId {
  int member = 0;
  int round = 0;
  auto operator<=>(const CheckpointId&) const = default;
};

// Keeps the checkpoints in RUN/members that some user will start from. A user is a member of the
// search; several may need the same checkpoint. Not thread safe.
class CheckpointStore {
 public:
  // `with_files`: false if the trainer keeps no weights; then only the references are counted.
  CheckpointStore(const fs::path& run, bool with_files);
  // Makes the folder.
  void open() const;

  const fs::path& folder() const { return folder_; }
  fs::path path(const CheckpointId& id) const;
  // A name that no other attempt of this or any process has had.
  fs::path new_attempt(const CheckpointId& id);

  // Why a file that a worker left cannot be taken over, as a sentence; nothing if it can. Follows
  // no link and never waits.
  std::optional<std::string> attempt_fault(const fs::path& attempt) const;
  // Gives an attempt its final name and returns its checksum. Throws Error where it cannot.
  // Failpoint: "checkpoint.rename".
  std::string accept(const fs::path& attempt, const CheckpointId& id);
  // Makes the renames durable.
  void sync() const;

  // States the checksum that a checkpoint must have.
  void expect(const CheckpointId& id, const std::string& checksum);
  // Why a checkpoint cannot be used, as the beginning of a sentence; "" if it is whole.
  std::string damage(const CheckpointId& id) const;
  // Whether a file has the bytes of a checkpoint.
  bool equals(const fs::path& file, const CheckpointId& id) const;

  // From now on `user` starts from `id` (nothing: from no checkpoint). A checkpoint without users
  // will be deleted.
  void set_source(int user, const std::optional<CheckpointId>& id);
  // The checkpoints that have users, in order.
  std::vector<CheckpointId> needed() const;
  // Deletes what lost its last user since the last call. Failpoint: "checkpoint.delete".
  void delete_unused();
  // Deletes leftovers of earlier processes: attempts, and checkpoints but those in `keep`.
  void clean(const std::vector<CheckpointId>& keep) const;

 private:
  fs::path folder_;
  bool with_files_;
  std::string token_;  // of this process, part of the names of its attempts
  uint64_t attempts_ = 0;
  std::map<CheckpointId, std::string> checksums_;  // of files that are there
  std::map<int, CheckpointId> sources_;            // by user
  std::map<CheckpointId, int> users_;              // how many
  std::vector<CheckpointId> unused_;
};

}  // namespace popaug

#endif  // POPAUG_RUNDIR_CHECKPOINT_STORE_H_
