// popaug presets: what the presets are for, and what is in them.
#include <map>
#include <memory>

#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Flags {
  std::string name, verb;
  bool json = false;
};

const std::map<std::string, Verbs> kVerbs = {{"search", kSearchVerb},
                                             {"train", kTrainVerb},
                                             {"compare", kCompareVerb},
                                             {"audit", kAuditVerb},
                                             {"choose", kChooseVerb}};

bool is_search(const std::string& name) {
  return preset_toml(name).find("[search]") != std::string::npos;
}

void print_group(const std::string& title, const std::vector<std::string>& names) {
  size_t width = 0;
  for (const std::string& name : names) width = std::max(width, name.size());
  print("{}\n", title);
  for (const std::string& name : names) {
    print("  {:<{}}  {}\n", name, width, preset_purpose(name));
  }
  print("\n");
}

void print_list() {
  std::vector<std::string> own, searches, rows;
  for (const std::string& name : preset_names()) {
    (!is_paper_preset(name) ? own : is_search(name) ? searches : rows).push_back(name);
  }
  print_group("For your own images (search, train, compare, audit, choose):", own);
  print_group("The searches of the paper, with its numbers (search):", searches);
  print_group("The final trainings of the paper (train):", rows);
  print("popaug presets NAME prints a preset as a file for --config. Flags override it.\n");
}

int presets(const Flags& flags) {
  if (flags.json) {
    Json list = Json::array();
    for (const std::string& name : preset_names()) {
      list.push_back({{"name", name},
                      {"purpose", preset_purpose(name)},
                      {"verb", is_search(name) ? "search" : "train"}});
    }
    print_json(list);
    return 0;
  }
  if (flags.name.empty()) {
    print_list();
    return 0;
  }
  const std::string purpose = preset_purpose(flags.name);
  const std::string verb = !flags.verb.empty()     ? flags.verb
                           : is_search(flags.name) ? "search"
                                                   : "train";
  print("# {}: {}\n# for popaug {} --config FILE; defaults included\n{}", flags.name, purpose, verb,
        resolved_preset(flags.name, kVerbs.at(verb)));
  return 0;
}

}  // namespace

void add_presets(CLI::App& program, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = program.add_subcommand("presets", "List the presets, or print one as TOML");
  verb->add_option("NAME", flags->name, "The preset to print with every setting resolved");
  std::vector<std::string> verbs;
  for (const auto& [name, set] : kVerbs) verbs.push_back(name);
  verb->add_option("--verb", flags->verb,
                   "The verb whose settings are printed (default: search, or train where the "
                   "preset is a training)")
      ->check(CLI::IsMember(verbs));
  verb->add_flag("--json", flags->json, "Print the list as JSON");
  examples(*verb, {{"popaug presets", "what each preset is for"},
                   {"popaug presets best > my.toml", "a file to change, for --config my.toml"},
                   {"popaug presets best --verb compare", "what a comparison takes from it"}});
  verb->callback([flags, &action] { action = [flags] { return presets(*flags); }; });
}

}  // namespace popaug::cli
