#include "popaug/rundir/internal/list_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace popaug {

std::vector<FolderEntry> list_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<FolderEntry> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    const fs::file_status own = at->symlink_status(gone), meant = at->status(gone);
    entries.push_back({at->path(), at->path().filename().string(),
                       own.type() == fs::file_type::regular, fs::is_symlink(own),
                       fs::is_other(meant)});
  }
  if (error) throw Error(show_path(folder) + ": cannot read the folder: " + error.message());
  return entries;
}

void remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw Error(show_path(path) + ": cannot delete: " + std::strerror(errno));
  }
}

}  // namespace popaug
