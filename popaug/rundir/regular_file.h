// Files that another program left, which may be anything.
#ifndef POPAUG_RUNDIR_REGULAR_FILE_H_
#define POPAUG_RUNDIR_REGULAR_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "popaug/base/base.h"

namespace popaug {

// The whole file. Throws Error if it is a link, a folder, a FIFO, a device or anything else but a
// regular file, if it cannot be read, or if it has more than `limit` bytes. Never waits.
std::string read_regular_file(const fs::path& path, uint64_t limit);

// hash_hex() of a regular file, read piece by piece and not mapped: whoever wrote it may cut it at
// any moment, which would end this process. Nothing if it is not a regular file, cannot be read, or
// changes its size meanwhile.
std::optional<std::string> regular_file_checksum(const fs::path& path);

// Throws Error if `path` is a FIFO, a device or a socket, or a link to one: to read it may wait for
// ever or never end. For files of a run directory whose reader takes files of any place.
void refuse_special_file(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_REGULAR_FILE_H_
