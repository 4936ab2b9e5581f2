// Turns the command line into one action and runs it.
#include "cli/program.h"

#include <cstdio>
#include <iostream>

#include "cli/help.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/augment/augment.h"

namespace popaug::cli {
namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// The innermost verb that the command line had reached.
const CLI::App& reached(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : reached(*chosen.back());
}

// Its words on the command line: " data info".
std::string words_to(const CLI::App& app) {
  const CLI::App* above = app.get_parent();
  return above == nullptr ? "" : words_to(*above) + " " + app.get_name();
}

// CLI11's message, with the nearest name where a verb or flag is unknown.
std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error, int argc,
                           char** argv) {
  const CLI::App& app = reached(program);
  // By code: the name of the error is the verb's where a verb was reached.
  const bool extras = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string flag = word.substr(0, word.find('='));
    if (flag.starts_with("--") && extras) {
      const auto known = flags_of(app);
      if (std::find(known.begin(), known.end(), flag) == known.end()) {
        return unknown_name("flag", flag, known);
      }
    }
    if (i == 1 && !word.starts_with("-")) {
      const auto known = names_of(program);
      if (std::find(known.begin(), known.end(), word) == known.end()) {
        return unknown_name("verb", word, known);
      }
    }
  }
  return error.what();
}

// --plugin for every verb that may meet ops of a user's own. A verb whose settings include the
// plugin has the flag already: its recipe loads the plugin and config.toml records it.
void offer_plugins(CLI::App& app, std::vector<std::string>& plugins) {
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == "data") continue;
    const auto nested = verb->get_subcommands([](const CLI::App*) { return true; });
    if (!nested.empty()) {
      offer_plugins(*verb, plugins);
    } else if (verb->get_option_no_throw("--plugin") == nullptr) {
      verb->add_option("--plugin", plugins,
                       "A shared object with ops of your own (docs/formats/plugin.md)")
          ->type_name("FILE.so")
          ->allow_extra_args(false);
    }
  }
}

// --out names a folder in every verb but predict.
void check_out(const CLI::App& program) {
  const CLI::App& verb = reached(program);
  const CLI::Option* out = verb.get_option_no_throw("--out");
  if (out == nullptr || out->count() == 0 || verb.get_name() == "predict") return;
  refuse_standard_output("--out", out->results().front());
}

// Every flag that has a default shows it. A number that only stands for "not given" is none: help
// that gives 0 a meaning says so ("0: all cores").
void show_defaults(CLI::App& app) {
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    show_defaults(*verb);
  }
  for (CLI::Option* option : app.get_options()) {
    if (!option->get_default_str().empty() || option->get_expected_max() == 0) continue;
    option->capture_default_str();
    const std::string text = option->get_default_str();
    const bool says_zero = option->get_description().find("0: ") != std::string::npos;
    const bool is_seed = option->check_lname("seed");
    if (text == "-1" || (text == "0" && !says_zero && !is_seed)) option->default_str("");
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App program("Learns when to apply which image augmentation how strongly, on your images.",
                   "popaug");
  set_help(program);
  program.set_version_flag("--version", std::string("popaug ") + POPAUG_VERSION);
  program.require_subcommand(1);
  program.footer("popaug VERB --help shows the flags of a verb, with examples.");
  Action action;
  for (const AddVerb add : all_verbs()) add(program, action);
  std::vector<std::string> plugins;
  offer_plugins(program, plugins);
  show_defaults(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    const int code = program.exit(success);
    std::cout.flush();
    return code;
  } catch (const CLI::ParseError& error) {
    const std::string verb = words_to(reached(program));
    print_note("popaug", usage_sentence(program, error, argc, argv));
    std::fprintf(stderr, "See: popaug%s --help\n", verb.c_str());
    return static_cast<int>(ExitCode::kUsage);
  }
  check_out(program);
  for (const std::string& path : plugins) load_plugin(path);
  return action();
}

}  // namespace popaug::cli
