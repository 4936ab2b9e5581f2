// The entries of a folder, with a sentence where it cannot be read. Private to room rundir.
#ifndef POPAUG_RUNDIR_INTERNAL_LIST_FOLDER_H_
#define POPAUG_RUNDIR_INTERNAL_LIST_FOLDER_H_

#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

struct FolderEntry {
  fs::path path;
  std::string name;
  bool is_regular = false;  // a file, and not a link to one
  bool is_link = false;
  bool is_special = false;  // a FIFO, a device or a socket, or a link to one: opening it may wait
};

// In no particular order. Throws Error if the folder cannot be read.
std::vector<FolderEntry> list_folder(const fs::path& folder);

// Removes a file that may be gone already. Throws Error where it cannot.
void remove_file(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_INTERNAL_LIST_FOLDER_H_
