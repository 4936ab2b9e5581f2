#include "popaug/report/run_view.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

namespace popaug {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::string text_of(const Json& line, const char* key) {
  const auto at = line.find(key);
  return at != line.end() && at->is_string() ? at->get<std::string>() : "";
}

double number_of(const Json& line, const char* key, double otherwise) {
  const auto at = line.find(key);
  return at != line.end() && at->is_number() ? at->get<double>() : otherwise;
}

// Seconds since 1970 of "2026-01-31T12:34:56[.789]Z"; NaN if it is no such time.
double time_of(const std::string& text) {
  int year, month, day, hour, minute;
  double second;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return kUnknown;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return kUnknown;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return double(days) * 86400 + hour * 3600 + minute * 60 + second;
}

// Reads an optional part; trouble becomes a note.
template <typename Read>
void optional_part(RunView& view, const char* file, Read read) {
  std::error_code ignored;
  if (!fs::exists(view.directory / file, ignored)) return;
  try {
    read(view.directory / file);
  } catch (const std::exception& error) {
    view.notes.push_back(std::string(file) + " was left out: " + error.what());
  }
}

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
  optional_part(view, "best.schedule.json", [&](const fs::path& path) {
    if (finished) view.schedule = load_schedule(path);
  });
  view.schedule_member = finished ? view.history.population.winner() : view.best_member();
  if (view.schedule || view.schedule_member < 0) return;
  view.schedule = view.history.population.fold(view.schedule_member);
  view.schedule->name = finished ? "best" : "so far";
}

}  // namespace

RunTimes read_run_log(std::string_view text) {
  RunTimes times;
  std::map<std::string, double> workers;
  double session_start = kUnknown, last = kUnknown;
  const auto close_session = [&]() {
    if (std::isfinite(session_start) && last >= session_start) {
      times.wall_seconds += last - session_start;
    }
  };
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) break;  // a torn last line
    const Json line = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(end + 1);
    if (!line.is_object()) continue;
    const std::string event = text_of(line, "event");
    const double now = time_of(text_of(line, "time"));
    if (event == "start" || event == "resume") {
      close_session();
      ++times.sessions;
      session_start = now;
    }
    if (std::isfinite(now)) last = now;
    if (event == "failed") ++times.failed;
    if (event == "result") {
      const double seconds = std::max(0.0, number_of(line, "seconds", 0));
      times.trained_seconds += seconds;
      const Json worker = line.value("worker", Json());
      workers[worker.is_string() ? worker.get<std::string>() : json_line(worker)] += seconds;
      const double round = number_of(line, "round", -1);
      if (round >= 0 && round < 1e6) {
        if (times.by_round.size() <= size_t(round)) times.by_round.resize(size_t(round) + 1);
        times.by_round[size_t(round)] += seconds;
      }
    }
    if (!event.empty()) times.last_event = event;
  }
  close_session();
  times.by_worker.assign(workers.begin(), workers.end());
  return times;
}

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
               .moments = {},
               .images = {}};
  view.name = run_name(directory);
  fill_scores(view);
  if (view.history.torn) {
    view.notes.push_back(
        "the journal's last line is torn: it is being written, or the run was "
        "killed; what follows the last whole line was left out");
  }
  optional_part(view, "config.toml",
                [&](const fs::path& path) { view.config = read_file(path, 1 << 20); });
  optional_part(view, "result.json", [&](const fs::path& path) { view.result = read_json(path); });
  fill_schedule(view);
  optional_part(view, "drift.band.json",
                [&](const fs::path& path) { view.band = load_band_view(path); });
  optional_part(view, "compare.json",
                [&](const fs::path& path) { view.compare = read_json(path); });
  optional_part(view, "run.log", [&](const fs::path& path) {
    view.times = read_run_log(read_file(path, 256 << 20));
  });
  return view;
}

}  // namespace popaug
