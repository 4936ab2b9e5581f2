#include "cli/verbs.h"

namespace popaug::cli {

// A new verb: a file cli/VERB.cc, a declaration here, a line in the list.
void add_data(CLI::App& program, Action& action);
void add_ops(CLI::App& program, Action& action);
void add_augment(CLI::App& program, Action& action);
void add_search(CLI::App& program, Action& action);
void add_train(CLI::App& program, Action& action);
void add_eval(CLI::App& program, Action& action);
void add_predict(CLI::App& program, Action& action);
void add_audit(CLI::App& program, Action& action);
void add_choose(CLI::App& program, Action& action);
void add_schedule(CLI::App& program, Action& action);
void add_bench(CLI::App& program, Action& action);
void add_compare(CLI::App& program, Action& action);
void add_report(CLI::App& program, Action& action);
void add_serve(CLI::App& program, Action& action);
void add_presets(CLI::App& program, Action& action);
void add_doctor(CLI::App& program, Action& action);
void add_weights(CLI::App& program, Action& action);
void add_worker(CLI::App& program, Action& action);

const std::vector<AddVerb>& all_verbs() {
  static const std::vector<AddVerb> verbs = {
      add_data,    add_ops,     add_augment, add_search, add_train,    add_eval,
      add_predict, add_compare, add_audit,   add_choose, add_schedule, add_presets,
      add_weights, add_report,  add_serve,   add_bench,  add_doctor,   add_worker,
  };
  return verbs;
}

void examples(CLI::App& verb, std::initializer_list<std::pair<const char*, const char*>> lines) {
  std::string text = "Examples:";
  for (const auto& [command, what] : lines) {
    text += "\n  " + std::string(command) + "\n      " + what;
  }
  verb.footer(text);
}

}  // namespace popaug::cli
