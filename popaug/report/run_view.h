// A run directory as a report needs it: read only, whatever state the run is in.
#ifndef POPAUG_REPORT_RUN_VIEW_H_
#define POPAUG_REPORT_RUN_VIEW_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/report/band_view.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// What run.log says about time (docs/formats/run.md).
struct RunTimes {
  int sessions = 0;
  int failed = 0;              // attempts that came to nothing
  double trained_seconds = 0;  // sum over accepted rounds
  double wall_seconds = 0;     // from each start or resume to its last line, summed
  std::vector<std::pair<std::string, double>> by_worker;  // seconds in accepted rounds
  std::vector<double> by_round;                           // seconds of all members' rounds
  std::string last_event;                                 // "end", "stop", "result", ...
};

// Images of the user's own set as the schedule changes them. PNG bytes.
struct AugmentedRow {
  std::string label;                // the class's name
  std::string original;             // PNG
  std::vector<std::string> stages;  // PNG, one for each of `moments`
};

struct RunView {
  fs::path directory;
  std::string name;  // the directory's name
  std::string config;
  SearchHistory history;
  Json result;                       // result.json, null while the search runs
  std::optional<Schedule> schedule;  // the winner's; of the best member so far while it runs
  int schedule_member = -1;
  std::optional<BandView> band;  // RUN/drift.band.json
  Json compare;                  // RUN/compare.json (docs/formats/report.md), else null
  RunTimes times;
  std::vector<std::string> notes;  // sentences: what is missing or could not be read

  bool finished() const { return history.population.finished(); }
  // The score of a member after a round; NaN if it is not known.
  double score(int member, int round) const;
  int rounds_done() const;  // that any member finished
  int best_member() const;  // by the latest scores; -1 before any
  double best_score() const;
  int64_t images_trained() const;
  int64_t images_evaluated() const;

  std::vector<std::vector<double>> scores;  // [member][round]
  std::vector<int> moments;                 // epochs of `images`
  std::vector<AugmentedRow> images;
};

// Reads a run directory. Throws Error where there is no search in it; whatever else is missing or
// broken becomes a note. Never writes.
RunView load_run(const fs::path& directory);

// The name of a run directory.
std::string run_name(const fs::path& directory);

// Images of a set, augmented at the start, middle and end of a schedule.
struct Samples {
  std::vector<int> moments;
  std::vector<AugmentedRow> rows;
  std::string note;  // why there are none
};
// `data` empty: the path that the run's config.toml names; read at the size that it names.
Samples read_samples(const std::string& data, const std::string& config, const Schedule& schedule,
                     uint64_t seed, int rows);

// Fills view.images: `rows` images of the set, augmented at the start, middle and end of the
// schedule. `data` empty: the path that config.toml names. Trouble becomes a note.
void add_images(RunView& view, const std::string& data, int rows = 6);

// Times from the text of run.log; lines that are no events are skipped.
RunTimes read_run_log(std::string_view text);

}  // namespace popaug

#endif  // POPAUG_REPORT_RUN_VIEW_H_
