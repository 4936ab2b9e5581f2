#include "popaug/report/comparison_view.h"

#include <fmt/format.h>

#include "popaug/report/html.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/internal/run_files.h"

namespace popaug {
namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

std::string state_sentence(const ComparisonView& view) {
  const size_t arms = view.plan.arms.size();
  const std::string size = fmt::format("{} arm{} under {} seed{}", arms, arms == 1 ? "" : "s",
                                       view.plan.seeds, view.plan.seeds == 1 ? "" : "s");
  if (view.finished()) return "The comparison is finished: " + size + ".";
  return fmt::format("The comparison is not finished: {} trainings of {} are done.", view.trainings,
                     size);
}

std::string answer(const ComparisonView& view) {
  std::string body = "<p class=\"question\">Was it worth it: is one arm better?</p>\n";
  if (view.finished()) {
    body += comparison_part(view.compare);
  } else {
    body += "<p class=\"answer\">Not known yet.</p>\n";
  }
  body += "<p id=\"state\">" + html_escape(state_sentence(view)) + "</p>\n";
  for (const std::string& note : view.notes) {
    body += "<p class=\"note\">" + html_escape(note) + "</p>\n";
  }
  return section("answer", "The question and the answer", body);
}

std::string settings(const ComparisonView& view) {
  Rows rows = {{"arms", join(view.plan.arms, ", ")},
               {"seeds", std::to_string(view.plan.seeds)},
               {"not worse means: by at most", number_text(view.plan.margin)}};
  if (!view.plan.run.empty()) rows.push_back({"the search behind it", view.plan.run});
  return section("settings", "Settings", table({"what", "value"}, rows) + config_part(view.config));
}

}  // namespace

bool is_comparison(const fs::path& directory) {
  return !fs::exists(directory / "journal.jsonl") && fs::exists(directory / "plan.json") &&
         fs::exists(directory / "runs.jsonl");
}

ComparisonView load_comparison(const fs::path& directory) {
  if (!is_comparison(directory)) throw Error(show_path(directory) + " contains no comparison");
  ComparisonView view;
  view.directory = directory;
  view.name = fs::absolute(directory / "x").lexically_normal().parent_path().filename().string();
  const auto part = [&](const char* file, const auto& read) {
    optional_part(directory, file, view.notes, read);
  };
  part("config.toml",
       [&](const fs::path& path) { view.config = read_regular_file(path, 1 << 20); });
  part("plan.json",
       [&](const fs::path& path) { view.plan = plan_from_json(read_run_json(path), "plan.json"); });
  part("runs.jsonl", [&](const fs::path& path) {
    const auto read = ResultLines::parse(read_regular_file(path, kMostBytes), "runs.jsonl");
    // The first line has the settings.
    view.trainings = std::max<int64_t>(0, static_cast<int64_t>(read.lines.size()) - 1);
  });
  part("compare.json", [&](const fs::path& path) { view.compare = read_run_json(path); });
  return view;
}

Json report_json(const ComparisonView& view) {
  return {{"format", "popaug-report"},   {"version", 1},
          {"kind", "compare"},           {"run", view.name},
          {"finished", view.finished()}, {"arms", view.plan.arms},
          {"seeds", view.plan.seeds},    {"trainings", view.trainings},
          {"compare", view.compare},     {"notes", view.notes}};
}

std::string report_html(const ComparisonView& view) {
  return whole_page(view.name, answer(view) + settings(view));
}

std::string report_markdown(const ComparisonView& view) {
  std::string text = "# " + markdown_escape(view.name) + "\n\n";
  if (view.finished()) text += verdict_markdown(view.compare);
  text += state_sentence(view) + "\n";
  for (const std::string& note : view.notes) text += "* note: " + markdown_escape(note) + "\n";
  return text;
}

}  // namespace popaug
