// Ops from a shared object (popaug/augment/plugin.h), and the checks that every op passes.
#ifndef POPAUG_AUGMENT_LOAD_PLUGIN_H_
#define POPAUG_AUGMENT_LOAD_PLUGIN_H_

#include <string>
#include <vector>

#include "popaug/augment/op.h"
#include "popaug/base/base.h"

namespace popaug {

struct PluginInfo {
  std::string path, name, version;
  std::vector<std::string> ops;
};

// Opens the shared object and registers its ops; it stays open for the life of the process. The
// same file again gives the same answer and registers nothing. Call before any Augmenter is made.
// Throws Error for a file that cannot be opened, exports no popaug_plugin_entry, speaks another
// version of the interface, or has an op whose name is taken or whose row contradicts itself; no op
// is then registered. A plugin is code: it can do whatever the process can.
PluginInfo load_plugin(const fs::path& path);

// Runs an op over sizes 1x1 to 300x200, hole patterns, grey images, its values and its limits, and
// gives a sentence for each promise of its row that it breaks: it keeps the size, writes nothing
// outside the pixels, draws only if it says so, gives the same bytes for the same draws on any
// thread, ignores its value if it says so, changes nothing at its identity value, leaves grey
// images grey, and unchanged if it says so.
std::vector<std::string> check_op_row(const OpRow& row, uint64_t seed = 1);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_LOAD_PLUGIN_H_
