// What the pages of the report are made of. Private to room report.
#ifndef POPAUG_REPORT_PARTS_H_
#define POPAUG_REPORT_PARTS_H_

#include <string>
#include <vector>

#include "popaug/report/run_view.h"
#include "popaug/report/svg.h"

namespace popaug {

// One HTML file around the parts; `figures` for its scripts.
std::string whole_page(const std::string& name, const std::string& main, const Json& figures);

// Titles, captions and cells are escaped here, bodies are HTML.
std::string section(const std::string& id, const std::string& title, const std::string& body);
std::string figure(const std::string& id, const Svg& chart, const std::string& caption);
using Rows = std::vector<std::vector<std::string>>;
// The first column names the row.
std::string table(const std::vector<std::string>& head, const Rows& rows);

// "12.70 million".
std::string count_text(double value);
std::string text_or_dash(const Json& object, const char* key);
// A row "prefix.key", value for each leaf.
void flattened_rows(const Json& object, const std::string& prefix, Rows& rows);
// config.toml behind a fold.
std::string config_part(const std::string& config);
// Nothing without rows.
std::string samples_section(const std::vector<int>& moments, const std::vector<AugmentedRow>& rows);
// The verdict and the arms of compare.json (docs/formats/compare.md), whatever of it is there.
std::string compared_part(const Json& compare);

// One line without table or markup characters.
std::string markdown_escape(std::string text);
// Its ops as a table, and its picture in plain text.
std::string schedule_markdown(const Schedule& schedule);

}  // namespace popaug

#endif  // POPAUG_REPORT_PARTS_H_
