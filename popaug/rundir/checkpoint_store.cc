#include "popaug/rundir/checkpoint_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "popaug/rundir/internal/members_folder.h"
#include "popaug/rundir/regular_file.h"
#include "popaug/rundir/run_directory.h"

namespace popaug {

CheckpointStore::CheckpointStore(const fs::path& run, bool with_files)
    : folder_(run / "members"), with_files_(with_files) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  token_ = fmt::format("{:x}-{:x}", ::getpid(),
                       std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void CheckpointStore::open() const { make_run_folder(folder_); }

fs::path CheckpointStore::path(const CheckpointId& id) const {
  return folder_ / (members_stem(id) + ".safetensors");
}

fs::path CheckpointStore::new_attempt(const CheckpointId& id) {
  return folder_ / fmt::format("{}.try-{}-{}", members_stem(id), token_, attempts_++);
}

std::string CheckpointStore::accept(const fs::path& attempt, const CheckpointId& id) {
  const auto checksum = regular_file_checksum(attempt);
  if (!checksum) {
    throw Error(show_path(attempt) + ": the checkpoint changed while it was read");
  }
  const fs::path final_name = path(id);
  if (failpoint("checkpoint.rename") || ::rename(attempt.c_str(), final_name.c_str()) != 0) {
    throw Error(show_path(final_name) +
                ": cannot rename the checkpoint into place: " + std::strerror(errno));
  }
  checksums_[id] = *checksum;
  return *checksum;
}

std::optional<std::string> CheckpointStore::attempt_fault(const fs::path& attempt) const {
  struct stat status;
  if (::lstat(attempt.c_str(), &status) != 0) {
    return "no checkpoint was written to " + show_path(attempt);
  }
  if (!S_ISREG(status.st_mode)) {
    return "the checkpoint " + show_path(attempt) + " is not a regular file";
  }
  if (status.st_size == 0) return "the checkpoint " + show_path(attempt) + " is empty";
  return std::nullopt;
}

void CheckpointStore::sync() const {
  if (with_files_) sync_folder(folder_);
}

void CheckpointStore::expect(const CheckpointId& id, const std::string& checksum) {
  checksums_[id] = checksum;
}

std::string CheckpointStore::damage(const CheckpointId& id) const {
  if (!with_files_) return "";
  const fs::path file = path(id);
  std::error_code error;
  if (!fs::exists(file, error)) return show_path(file) + " is missing";
  if (!equals(file, id)) {
    return show_path(file) + " is damaged: its checksum is not the one in the journal";
  }
  return "";
}

bool CheckpointStore::equals(const fs::path& file, const CheckpointId& id) const {
  const auto known = checksums_.find(id);
  return known != checksums_.end() && regular_file_checksum(file) == known->second;
}

void CheckpointStore::set_source(int user, const std::optional<CheckpointId>& id) {
  const auto found = sources_.find(user);
  const auto before = found == sources_.end() ? std::nullopt : std::optional(found->second);
  if (before == id) return;
  if (id) {
    sources_[user] = *id;
    ++users_[*id];
  } else {
    sources_.erase(user);
  }
  if (!before || --users_[*before] > 0) return;
  users_.erase(*before);
  checksums_.erase(*before);
  if (with_files_) unused_.push_back(*before);
}

std::vector<CheckpointId> CheckpointStore::needed() const {
  std::vector<CheckpointId> ids;
  for (const auto& [id, count] : users_) ids.push_back(id);
  return ids;
}

void CheckpointStore::delete_unused() {
  for (const CheckpointId& id : std::exchange(unused_, {})) remove_members_file(path(id));
}

void CheckpointStore::clean(const std::vector<CheckpointId>& keep) const {
  for (const MembersEntry& entry : list_members(folder_)) {
    const bool kept = entry.name.kind == MembersFile::kCheckpoint &&
                      std::find(keep.begin(), keep.end(), entry.name.id) != keep.end();
    if (!kept && entry.name.kind != MembersFile::kEarlyResult) remove_members_file(entry.path);
  }
}

}  // namespace popaug
