// popaug: learned image augmentation. Turns the command line into one action, and whatever the
// action throws into a sentence and an exit code.
#include <cstdio>
#include <exception>

#include "cli/plugin_flag.h"
#include "cli/verbs.h"
#include "popaug/base/base.h"

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

// --plugin for every verb that may meet a schedule with ops of a user's own and has no such flag of
// its own.
void offer_plugins(CLI::App& app, std::vector<std::string>& plugins) {
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == "data") continue;
    const auto nested = verb->get_subcommands([](const CLI::App*) { return true; });
    if (!nested.empty()) {
      offer_plugins(*verb, plugins);
    } else if (verb->get_option_no_throw("--plugin") == nullptr) {
      plugin_flag(*verb, plugins);
    }
  }
}

int run(int argc, char** argv) {
  CLI::App program("Learns when to apply which image augmentation how strongly, on your images.",
                   "popaug");
  program.set_version_flag("--version", std::string("popaug ") + POPAUG_VERSION);
  program.require_subcommand(1);
  program.footer("popaug VERB --help shows the flags of a verb, with examples.");
  Action action;
  for (const AddVerb add : all_verbs()) add(program, action);
  std::vector<std::string> plugins;
  offer_plugins(program, plugins);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    const std::string verb = words_to(reached(program));
    std::fprintf(stderr, "popaug: %s\nSee: popaug%s --help\n",
                 usage_sentence(program, error, argc, argv).c_str(), verb.c_str());
    return static_cast<int>(ExitCode::kUsage);
  }
  try {
    load_plugins(plugins);
    return action();
  } catch (const Error& error) {
    std::fprintf(stderr, "popaug: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "popaug: out of memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "popaug: unexpected: %s\n", error.what());
  }
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace

}  // namespace popaug::cli

int main(int argc, char** argv) { return popaug::cli::run(argc, argv); }
