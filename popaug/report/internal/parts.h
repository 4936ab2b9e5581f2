// The parts of the report's pages.
#ifndef POPAUG_REPORT_INTERNAL_PARTS_H_
#define POPAUG_REPORT_INTERNAL_PARTS_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/report/run_view.h"
#include "popaug/report/svg.h"

namespace popaug {

// The figures of a page that has no curves of a population.
Json no_figures();
// Writes one HTML file around the parts; `figures` is the data for its scripts.
std::string whole_page(const std::string& name, const std::string& main,
                       const Json& figures = no_figures());
// The verdict of compare.json as a paragraph of Markdown; "" if there is none.
std::string verdict_markdown(const Json& compare);

// Titles, captions and cells are escaped here, bodies are HTML.
std::string section(const std::string& id, const std::string& title, const std::string& body);
std::string figure(const std::string& id, const Svg& chart, const std::string& caption);
using Rows = std::vector<std::vector<std::string>>;
// Writes a table; the first column names the row.
std::string table(const std::vector<std::string>& head, const Rows& rows);

// "12.70 million".
std::string count_text(double value);
std::string text_or_dash(const Json& object, const char* key);
// The number of a key; nothing where it is missing, of another kind or not finite.
std::optional<double> finite_number(const Json& object, const char* key);
// Adds a row ("prefix.key", value) for each leaf of the object.
void flattened_rows(const Json& object, const std::string& prefix, Rows& rows);
// config.toml in a part that unfolds.
std::string config_part(const std::string& config);
// Returns nothing if there are no rows.
std::string samples_section(const Samples& samples);
// The verdict and the arms of compare.json (docs/formats/compare.md); missing keys are left out.
std::string comparison_part(const Json& compare);
// The recipes of choose.json (docs/formats/choose.md) and what each part is worth; and in a
// sentence which of them was chosen, and why.
std::string screening_part(const Json& screening);
std::string screening_sentence(const Json& screening);

// A sentence with the base transforms of a schedule: crop, flips, mixing.
std::string around_the_ops(const Schedule& schedule);

// Returns one line without table or markup characters.
std::string markdown_escape(std::string text);
// The ops of a schedule as a table, and its picture in plain text.
std::string schedule_markdown(const Schedule& schedule);

}  // namespace popaug

#endif  // POPAUG_REPORT_INTERNAL_PARTS_H_
