// The names in RUN/members. Private to room rundir.
#ifndef POPAUG_RUNDIR_INTERNAL_MEMBERS_FOLDER_H_
#define POPAUG_RUNDIR_INTERNAL_MEMBERS_FOLDER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/rundir/checkpoint_store.h"

namespace popaug {

enum class MembersFile {
  kCheckpoint,   // r0012-m0005.safetensors
  kEarlyResult,  // r0012-m0005.result.json
  kAttempt,      // r0012-m0005.try-TOKEN, and its file of bits with the ending ".correct"
  kTemporary,    // any of them while it is written: .NAME.PID.NUMBER.tmp
};

struct MembersName {
  MembersFile kind = MembersFile::kCheckpoint;
  CheckpointId id;
};

// "r0012-m0005"
std::string members_stem(const CheckpointId& id);
// What a name in the folder means; nothing for a name that this program does not make.
std::optional<MembersName> parse_members_name(std::string_view name);

// The regular files in the folder whose names this program makes. Leaves out everything else:
// folders, links, and files of others.
struct MembersEntry {
  fs::path path;
  MembersName name;
};
std::vector<MembersEntry> list_members(const fs::path& folder);

// Removes a checkpoint or an early result. Failpoint: "checkpoint.delete", before it goes.
void remove_members_file(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_INTERNAL_MEMBERS_FOLDER_H_
