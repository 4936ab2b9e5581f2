// What a finished search leaves.
#include <fmt/format.h>

#include "popaug/search/run_state.h"

namespace popaug {
namespace {

// progress.csv as the journal tells it: rows that a kill or a full disk swallowed come back.
std::string table_of(const fs::path& journal) {
  std::string rows;
  ProgressTable table([&](const std::string& row) { rows += row; });
  JournalVisitor visitor;
  visitor.result = [&](const JournalResult& r, const std::string&) { table.result(r); };
  visitor.decision = [&](const Decision& d, const std::string&) { table.decision(d); };
  const MappedFile file(journal);
  const auto bytes = file.bytes();
  read_journal({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, show_path(journal),
               visitor);
  return rows;
}

}  // namespace

Json SearchRun::write_results() {
  State& s = *state_;
  POPAUG_ASSERT(finished());
  const fs::path& directory = s.options.directory;
  const int winner = population().winner();
  if (s.options.checkpoints && !s.best_stands()) {
    const fs::path checkpoint = s.files.checkpoint(*population().source(winner));
    write_file_atomic(directory / "best.safetensors", read_file(checkpoint, uint64_t{1} << 40));
  }
  Schedule schedule = population().fold(winner);
  schedule.provenance["images_trained"] = s.images_trained;
  schedule.provenance["images_evaluated"] = s.images_evaluated;
  save_schedule(schedule, directory / "best.schedule.json");
  for (int m = 0; m < s.settings.population; ++m) {
    const std::string text = population().published_log(m);
    write_file_atomic(directory / fmt::format("pbt_policy_{}.txt", m), text);
  }
  s.progress_csv.reset();
  write_file_atomic(directory / "progress.csv", table_of(s.files.journal()));
  log("end", Json::object());
  const LogTotals totals = read_log(directory / "run.log");
  const bool processes = !s.options.worker_command.empty();
  Json result = {{"format", "popaug-result"},
                 {"version", 1},
                 {"kind", "search"},
                 {"winner", winner},
                 {"score", population().score(winner).value()},
                 {"metric", s.settings.metric},
                 {"population", s.settings.population},
                 {"rounds", s.settings.rounds()},
                 {"epochs", s.settings.epochs},
                 {"segments", schedule.segments.size()},
                 {"copies_in_lineage", population().lineage(winner).size() - 1},
                 {"images_trained", s.images_trained},
                 {"images_evaluated", s.images_evaluated},
                 {"seconds", totals.seconds},
                 {"worker_seconds", totals.worker_seconds},
                 {"workers", s.options.workers},
                 {"worker_kind", processes ? "process" : "thread"},
                 {"sessions", totals.sessions},
                 {"failed_attempts", totals.failed},
                 {"settings_hash", settings_hash(s.settings)},
                 {"data", s.settings.data},
                 {"machine", s.options.machine}};
  write_file_atomic(directory / "result.json", json_pretty(result));
  s.files.clean({});
  return result;
}

}  // namespace popaug
