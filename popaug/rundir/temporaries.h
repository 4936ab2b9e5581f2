// The temporary files that a killed process leaves (write_file_atomic in popaug/base/file.h).
#ifndef POPAUG_RUNDIR_TEMPORARIES_H_
#define POPAUG_RUNDIR_TEMPORARIES_H_

#include <functional>
#include <optional>
#include <string_view>

#include "popaug/base/base.h"

namespace popaug {

// The NAME in ".NAME.PID.NUMBER.tmp", which write_file_atomic() uses until NAME is complete;
// nothing for any other text.
std::optional<std::string_view> temporary_of(std::string_view name);

// Removes from a folder the temporary files whose NAME is `ours`. Leaves every other file alone,
// and links and folders too. For the process that holds the folder's lock. Throws Error if one
// cannot be removed.
void remove_temporaries(const fs::path& folder,
                        const std::function<bool(std::string_view name)>& ours);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_TEMPORARIES_H_
