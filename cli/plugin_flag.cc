#include "cli/plugin_flag.h"

#include "popaug/augment/augment.h"

namespace popaug::cli {

void plugin_flag(CLI::App& verb, std::vector<std::string>& paths) {
  verb.add_option("--plugin", paths,
                  "A shared object with ops of your own (docs/formats/plugin.md)")
      ->type_name("FILE.so")
      ->allow_extra_args(false);
}

void load_plugins(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) load_plugin(path);
}

}  // namespace popaug::cli
