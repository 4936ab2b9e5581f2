// The folder of a screening (popaug choose, popaug search --method screen) in the form that a
// report needs. Reading never writes.
#ifndef POPAUG_REPORT_SCREENING_VIEW_H_
#define POPAUG_REPORT_SCREENING_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "popaug/report/run_view.h"

namespace popaug {

struct ScreeningView {
  fs::path directory;
  std::string name;  // the directory's name
  std::string config;
  Json screening;                    // choose.json, null until the screening is over
  Json compare;                      // compare.json, else null
  std::optional<Schedule> schedule;  // best.schedule.json, or what the final training uses
  std::vector<Json> results;         // of the finished trainings, as in runs.jsonl
  int64_t planned = 0;               // trainings in all; 0: not known
  std::vector<std::string> notes;    // sentences: what is missing or could not be read
  Samples samples;                   // empty until add_images()

  bool finished() const { return screening.is_object(); }
};

// Whether a directory contains a screening whose network, if there is to be one, does not train
// yet.
bool is_screening(const fs::path& directory);
// Throws Error if the directory contains no screening; anything else that is missing or broken
// becomes a note.
ScreeningView load_screening(const fs::path& directory);
// As add_images() of a run.
void add_images(ScreeningView& view, const std::string& data, int rows = 6);

std::string report_html(const ScreeningView& view);
std::string report_main(const ScreeningView& view);  // its parts, without the page around them
// How far it is: "6 of 16 trainings".
std::string live_line(const ScreeningView& view);
std::string report_markdown(const ScreeningView& view);
Json report_json(const ScreeningView& view);

}  // namespace popaug

#endif  // POPAUG_REPORT_SCREENING_VIEW_H_
