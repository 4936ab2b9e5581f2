#include "popaug/rundir/early_results.h"

#include <algorithm>

#include "popaug/rundir/internal/members_folder.h"
#include "popaug/rundir/regular_file.h"

namespace popaug {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 26;

}  // namespace

EarlyResults::EarlyResults(const fs::path& run) : folder_(run / "members") {}

fs::path EarlyResults::path(const CheckpointId& id) const {
  return folder_ / (members_stem(id) + ".result.json");
}

void EarlyResults::write(const CheckpointId& id, std::string_view text) const {
  write_file_atomic(path(id), text);
}

std::optional<std::string> EarlyResults::read(const CheckpointId& id) const {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path(id), error))) return std::nullopt;
  return read_regular_file(path(id), kMostBytes);
}

void EarlyResults::delete_unused() {
  for (const CheckpointId& id : std::exchange(unused_, {})) remove_members_file(path(id));
}

void EarlyResults::clean(const std::vector<CheckpointId>& keep) const {
  for (const MembersEntry& entry : list_members(folder_)) {
    if (entry.name.kind != MembersFile::kEarlyResult) continue;
    if (std::find(keep.begin(), keep.end(), entry.name.id) != keep.end()) continue;
    remove_members_file(entry.path);
  }
}

}  // namespace popaug
