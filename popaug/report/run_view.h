// A run directory in the form that a report needs. Reading never writes, and works in any state of
// the run.
#ifndef POPAUG_REPORT_RUN_VIEW_H_
#define POPAUG_REPORT_RUN_VIEW_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// Images of the user's data set as the schedule changes them, as PNG bytes.
struct AugmentedRow {
  std::string label;                // the class's name
  std::string original;             // PNG
  std::vector<std::string> stages;  // PNG, one for each of Samples::moments
};

// An image, the one that it was mixed with, and what became of them, as PNG bytes.
struct MixedRow {
  std::string label, other_label;  // the names of the classes
  double share = 1;                // of `label`; `other_label` has the rest
  std::string own, other, mixed;   // PNG
};

// Images of a data set, augmented at the start, middle and end of a schedule.
struct Samples {
  std::vector<int> moments;  // epochs of the stages of each row
  std::vector<AugmentedRow> rows;
  std::vector<MixedRow> mixed;  // of the last epoch that mixes images; empty without one
  int mixed_epoch = 0;
  std::string note;  // why there are none
};

struct RunView {
  fs::path directory;
  std::string name;  // the directory's name
  std::string config;
  SearchHistory history;
  Json result;                       // result.json, null while the search runs
  std::optional<Schedule> schedule;  // the winner's; of the best member so far while it runs
  int schedule_member = -1;
  std::optional<DriftBand> band;  // RUN/drift.band.json
  Json compare;                   // RUN/compare.json (docs/formats/report.md), else null
  RunTimes times;
  std::vector<std::string> notes;  // sentences: what is missing or could not be read

  bool finished() const { return history.population.finished(); }
  // The score of a member after a round; NaN if it is not known.
  double score(int member, int round) const;
  int rounds_done() const;  // rounds that any member has finished
  int best_member() const;  // by the latest scores; -1 before any
  double best_score() const;
  int64_t images_trained() const;
  int64_t images_evaluated() const;

  std::vector<std::vector<double>> scores;  // [member][round]
  Samples samples;                          // empty until add_images()
};

// Reads a run directory. Throws Error if it contains no search; anything else that is missing or
// broken becomes a note. Never writes.
RunView load_run(const fs::path& directory);

// The name of a run directory.
std::string run_name(const fs::path& directory);

// Reads samples of the data set `data`; if it is empty, of the path that config.toml names, at the
// size that it names.
Samples read_samples(const std::string& data, const std::string& config, const Schedule& schedule,
                     uint64_t seed, int rows);

// Fills view.samples: `rows` images of the set, augmented at the start, middle and end of the
// schedule. `data` empty: the path that config.toml names. A fault becomes a note.
void add_images(RunView& view, const std::string& data, int rows = 6);

}  // namespace popaug

#endif  // POPAUG_REPORT_RUN_VIEW_H_
