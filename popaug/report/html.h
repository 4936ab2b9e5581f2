// Runs as documents: one HTML file, Markdown, JSON (docs/formats/report.md).
#ifndef POPAUG_REPORT_HTML_H_
#define POPAUG_REPORT_HTML_H_

#include <string>

#include "popaug/report/run_view.h"

namespace popaug {

// The whole report as one file: it makes no request to any host, has a light and a dark form, and
// can be printed. Everything from outside (names of classes, files and settings) is escaped.
std::string report_html(const RunView& view);
// The parts between <main> and </main>, which the live page shows too.
std::string report_main(const RunView& view);
std::string report_markdown(const RunView& view);
// {"format":"popaug-report","version":1,...}: the figures behind the report.
Json report_json(const RunView& view);
// Scores and copies alone, for the scripts of the page.
Json report_figures(const RunView& view);

// The style sheet and scripts of the pages, and d3 (empty in a build without it).
std::string_view page_style();
std::string_view report_script();
std::string_view live_script();
std::string_view d3_script();

}  // namespace popaug

#endif  // POPAUG_REPORT_HTML_H_
