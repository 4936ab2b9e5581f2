// The files of a run directory as a report reads them. A worker may have left anything under their
// names, so only regular files are read, and never through a link.
#ifndef POPAUG_REPORT_INTERNAL_RUN_FILES_H_
#define POPAUG_REPORT_INTERNAL_RUN_FILES_H_

#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

inline Json read_run_json(const fs::path& path) {
  return parse_json(read_regular_file(path, JsonLimits().bytes), show_path(path));
}

// Reads a part of a run that may be missing; a fault becomes a note.
template <typename Read>
void optional_part(const fs::path& directory, const char* file, std::vector<std::string>& notes,
                   const Read& read) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(directory / file, ignored))) return;
  try {
    read(directory / file);
  } catch (const std::exception& error) {
    notes.push_back(std::string(file) + " was left out: " + error.what());
  }
}

// The name of the schedule is that of the file: "best" of best.schedule.json.
inline Schedule read_run_schedule(const fs::path& path) {
  Schedule schedule = schedule_from_json(read_run_json(path), show_path(path));
  schedule.name = path.stem().stem().string();
  return schedule;
}

}  // namespace popaug

#endif  // POPAUG_REPORT_INTERNAL_RUN_FILES_H_
