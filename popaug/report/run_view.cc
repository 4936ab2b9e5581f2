#include "popaug/report/run_view.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "popaug/augment/augment.h"
#include "popaug/report/internal/run_files.h"

namespace popaug {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

void fill_scores(RunView& view) {
  const SearchSettings& settings = view.history.settings;
  view.scores.assign(size_t(settings.population),
                     std::vector<double>(size_t(settings.rounds()), kUnknown));
  for (const JournalResult& result : view.history.results) {
    auto& row = view.scores.at(size_t(result.member));
    if (result.round >= 0 && result.round < int(row.size())) {
      row[size_t(result.round)] = std::isfinite(result.score) ? result.score : kUnknown;
    }
  }
}

void fill_schedule(RunView& view) {
  const bool finished = view.finished();
  optional_part(view.directory, "best.schedule.json", view.notes, [&](const fs::path& path) {
    if (finished) view.schedule = read_run_schedule(path);
  });
  view.schedule_member = finished ? view.history.population.winner() : view.best_member();
  if (view.schedule || view.schedule_member < 0) return;
  view.schedule = view.history.population.fold(view.schedule_member);
  view.schedule->name = finished ? "best" : "so far";
}

}  // namespace

double RunView::score(int member, int round) const {
  if (member < 0 || member >= int(scores.size())) return kUnknown;
  const auto& row = scores[size_t(member)];
  return round >= 0 && round < int(row.size()) ? row[size_t(round)] : kUnknown;
}

int RunView::rounds_done() const {
  int done = 0;
  for (const JournalResult& result : history.results) done = std::max(done, result.round + 1);
  return done;
}

int RunView::best_member() const {
  if (finished()) return history.population.winner();
  int best = -1;
  for (int member = 0; member < int(scores.size()); ++member) {
    const auto score = history.population.score(member);
    if (score && (best < 0 || *score > *history.population.score(best))) best = member;
  }
  return best;
}

double RunView::best_score() const {
  const int best = best_member();
  return best < 0 ? kUnknown : history.population.score(best).value_or(kUnknown);
}

int64_t RunView::images_trained() const {
  int64_t sum = 0;
  for (const JournalResult& result : history.results) sum += result.images_trained;
  return sum;
}

int64_t RunView::images_evaluated() const {
  int64_t sum = 0;
  for (const JournalResult& result : history.results) sum += result.images_evaluated;
  return sum;
}

std::string run_name(const fs::path& directory) {
  const fs::path absolute = fs::absolute(directory).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

RunView load_run(const fs::path& directory) {
  if (!fs::is_directory(directory)) {
    throw Error(show_path(directory) + " is not a run directory: there is no such folder");
  }
  const AcceptUnknownOps names_and_values;
  RunView view{.directory = directory,
               .name = {},
               .config = {},
               .history = load_history(directory),
               .result = {},
               .schedule = {},
               .band = {},
               .compare = {},
               .times = {},
               .notes = {},
               .scores = {},
               .samples = {}};
  view.name = run_name(directory);
  fill_scores(view);
  if (view.history.torn) {
    view.notes.push_back(
        "the journal's last line is torn: it is being written, or the run was "
        "killed; what follows the last whole line was left out");
  }
  optional_part(view.directory, "config.toml", view.notes,
                [&](const fs::path& path) { view.config = read_regular_file(path, 1 << 20); });
  optional_part(view.directory, "result.json", view.notes,
                [&](const fs::path& path) { view.result = read_result(path, "search"); });
  fill_schedule(view);
  optional_part(view.directory, "drift.band.json", view.notes, [&](const fs::path& path) {
    view.band = band_from_json(read_run_json(path), show_path(path));
  });
  optional_part(view.directory, "compare.json", view.notes,
                [&](const fs::path& path) { view.compare = read_run_json(path); });
  optional_part(view.directory, "run.log", view.notes,
                [&](const fs::path& path) { view.times = load_run_log(path); });
  return view;
}

}  // namespace popaug
