// The folder of a comparison in the form that a report needs. Reading never writes.
#ifndef POPAUG_REPORT_COMPARISON_VIEW_H_
#define POPAUG_REPORT_COMPARISON_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"

namespace popaug {

struct ComparisonView {
  fs::path directory;
  std::string name;  // the directory's name
  std::string config;
  ComparisonPlan plan;
  Json compare;                    // compare.json, null until the comparison is over
  int64_t trainings = 0;           // results in runs.jsonl
  std::vector<std::string> notes;  // sentences: what is missing or could not be read

  bool finished() const { return compare.is_object(); }
};

// Whether a directory contains a comparison, and no search.
bool is_comparison(const fs::path& directory);
// Throws Error if the directory contains no comparison; anything else that is missing or broken
// becomes a note.
ComparisonView load_comparison(const fs::path& directory);

std::string report_html(const ComparisonView& view);
std::string report_markdown(const ComparisonView& view);
Json report_json(const ComparisonView& view);

}  // namespace popaug

#endif  // POPAUG_REPORT_COMPARISON_VIEW_H_
