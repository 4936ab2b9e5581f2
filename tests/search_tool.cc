// A toy search as a program, for tests that kill it: search_tool SETTINGS.json, which holds
// "directory", "population", "epochs", "epochs_per_round", "seed", "selection", "async", "workers",
// "worker_command", "silence", "attempts", "trainer". Resumes the run in the directory.
#include <cstdio>

#include "popaug/search/search.h"

namespace popaug {
namespace {

int run(const fs::path& path) {
  const Json json = read_json(path);
  JsonReader reader(json, show_path(path));
  const auto integer = [&](const char* key, int fallback) {
    return static_cast<int>(reader.integer_or(key, 0, 1 << 30, fallback));
  };
  SearchSettings settings;
  settings.space = space_by_name("pba");
  settings.population = integer("population", 6);
  settings.epochs = integer("epochs", 24);
  settings.epochs_per_round = integer("epochs_per_round", 3);
  settings.seed = static_cast<uint64_t>(integer("seed", 1));
  settings.selection = selection_by_name(reader.text_or("selection", "truncation"));
  settings.asynchronous = reader.boolean_or("async", false);
  if (reader.has("trainer")) settings.trainer = reader.object("trainer");
  RunOptions options;
  options.directory = reader.text("directory");
  options.resume = reader.boolean_or("resume", true);
  options.workers = integer("workers", 2);
  options.worker_command = reader.text_or("worker_command", "");
  options.silence_seconds = reader.number_or("silence", 0, 1e6, 300);
  options.attempts = integer("attempts", 3);
  options.config_toml = "seed = " + std::to_string(settings.seed) + "\n";
  options.resume_command = "search_tool " + path.string();
  reader.finish();
  const SignalStop stop;
  const SearchOutcome outcome = run_search(settings, make_toy_trainer_factory(settings), options,
                                           silent_progress(), stop.token());
  std::printf("winner %d score %s\n", outcome.winner, number_text(outcome.score).c_str());
  return 0;
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    return popaug::run(argv[1]);
  } catch (const popaug::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
