// Ops from a shared object (popaug/augment/plugin.h).
#ifndef POPAUG_AUGMENT_LOAD_PLUGIN_H_
#define POPAUG_AUGMENT_LOAD_PLUGIN_H_

#include <string>
#include <vector>

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

}  // namespace popaug

#endif  // POPAUG_AUGMENT_LOAD_PLUGIN_H_
