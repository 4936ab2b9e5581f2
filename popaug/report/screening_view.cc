#include "popaug/report/screening_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "popaug/report/html.h"
#include "popaug/report/internal/charts.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/internal/run_charts.h"
#include "popaug/report/internal/run_files.h"
#include "popaug/report/train_view.h"

namespace popaug {
namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

std::string state_sentence(const ScreeningView& view) {
  if (!view.finished() && fs::exists(view.directory / "choose.json")) {
    return "The result of the screening cannot be read.";
  }
  if (!view.finished()) return "The screening is not finished: " + live_line(view) + ".";
  return fmt::format("The screening is finished: {} trainings of {} epochs.", view.results.size(),
                     text_or_dash(view.screening, "epochs"));
}

// While nothing is chosen, what the trainings so far gave.
std::string results_so_far(const ScreeningView& view) {
  Rows rows;
  for (const Json& result : view.results) {
    const auto accuracy = finite_number(result, "accuracy"), loss = finite_number(result, "loss");
    const auto fold = finite_number(result, "seed");
    rows.push_back({text_or_dash(result, "arm"), fold ? number_text(*fold) : "–",
                    accuracy ? fmt::format("{:.1f}", 100 * *accuracy) : "–",
                    loss ? fmt::format("{:.3f}", *loss) : "–"});
  }
  return rows.empty() ? "" : table({"recipe", "seed of its fold", "accuracy %", "loss"}, rows);
}

std::string screening(const ScreeningView& view) {
  return "<p class=\"answer\">" +
         html_escape(view.finished() ? screening_sentence(view.screening) : "Not known yet.") +
         "</p>\n" + (view.finished() ? screening_part(view.screening) : results_so_far(view));
}

std::string answer(const ScreeningView& view) {
  std::string body;
  if (view.compare.is_object()) {
    body = "<p class=\"question\">Does the recipe that was chosen help on these images?</p>\n" +
           comparison_part(view.compare);
  } else {
    body = "<p class=\"question\">Which simple recipe suits these images?</p>\n" + screening(view);
  }
  if (view.finished() && !view.compare.is_object()) {
    body +=
        "<p>The folds that chose the recipe flatter it. Test images say how good it is:</p>\n"
        "<pre tabindex=\"0\">popaug compare --config " +
        html_escape(shell_path(view.directory / "config.toml") + " --run " +
                    shell_path(view.directory)) +
        " --all-labels --arms schedule,flipcrop,trivial</pre>\n";
  }
  body += "<p id=\"state\">" + html_escape(state_sentence(view)) + "</p>\n";
  for (const std::string& note : view.notes) {
    body += "<p class=\"note\">" + html_escape(note) + "</p>\n";
  }
  return section("answer", "The question and the answer", body);
}

// After the comparison that is the answer.
std::string choice(const ScreeningView& view) {
  if (!view.compare.is_object()) return "";
  return section("screening", "How the recipe was chosen", screening(view));
}

std::string cost(const ScreeningView& view) {
  const Json images =
      view.screening.is_object() ? view.screening.value("images_trained", Json()) : Json();
  if (!images.is_number()) return "";
  return section("cost", "What it cost",
                 fmt::format("<p>{} images trained in {} trainings.</p>\n",
                             count_text(images.get<double>()), view.results.size()));
}

}  // namespace

bool is_screening(const fs::path& directory) {
  return !fs::exists(directory / "journal.jsonl") && !fs::exists(directory / "plan.json") &&
         !fs::exists(directory / "audit.json") && fs::exists(directory / "config.toml") &&
         fs::exists(directory / "runs.jsonl") && !is_training(directory);
}

ScreeningView load_screening(const fs::path& directory) {
  if (!is_screening(directory)) throw Error(show_path(directory) + " contains no screening");
  const AcceptUnknownOps names_and_values;
  ScreeningView view;
  view.directory = directory;
  view.name = run_name(directory);
  const auto part = [&](const char* file, const auto& read) {
    optional_part(directory, file, view.notes, read);
  };
  part("config.toml",
       [&](const fs::path& path) { view.config = read_regular_file(path, 1 << 20); });
  part("runs.jsonl", [&](const fs::path& path) {
    const auto read = ResultLines::parse(read_regular_file(path, kMostBytes), "runs.jsonl");
    // The first line has the settings.
    if (!read.lines.empty()) {
      const auto planned = finite_number(read.lines.front().json, "trainings").value_or(0);
      view.planned = static_cast<int64_t>(std::clamp(planned, 0.0, 1e9));
    }
    for (size_t i = 1; i < read.lines.size(); ++i) view.results.push_back(read.lines[i].json);
  });
  part("choose.json", [&](const fs::path& path) { view.screening = read_run_json(path); });
  part("compare.json", [&](const fs::path& path) { view.compare = read_run_json(path); });
  for (const char* file : {"used.schedule.json", "best.schedule.json"}) {
    part(file, [&](const fs::path& path) { view.schedule = read_run_schedule(path); });
  }
  return view;
}

void add_images(ScreeningView& view, const std::string& data, int rows) {
  if (!view.schedule) return;
  view.samples = read_samples(data, view.config, *view.schedule, 0, rows);
  if (!view.samples.note.empty()) view.notes.push_back(view.samples.note);
}

Json report_json(const ScreeningView& view) {
  return {{"format", "popaug-report"},   {"version", 1},
          {"kind", "screening"},         {"run", view.name},
          {"finished", view.finished()}, {"trainings", view.results.size()},
          {"screening", view.screening}, {"compare", view.compare},
          {"notes", view.notes}};
}

std::string report_main(const ScreeningView& view) {
  std::string main = answer(view) + choice(view);
  if (view.schedule) {
    std::string body = around_the_ops(*view.schedule);
    if (applies_ops(*view.schedule)) {
      body += figure("shares", share_chart(*view.schedule),
                     "How many ops an image gets on average, exactly, under the rule.");
    }
    main += section("schedule", "The chosen augmentation", body);
  }
  main += samples_section(view.samples) + cost(view) +
          section("settings", "Settings", config_part(view.config));
  return main;
}

std::string live_line(const ScreeningView& view) {
  const size_t done = view.results.size();
  if (view.finished()) return fmt::format("{} trainings, finished", done);
  if (view.planned <= 0) return fmt::format("{} trainings done", done);
  return fmt::format("{} of {} trainings", done, view.planned);
}

std::string report_html(const ScreeningView& view) {
  return whole_page(view.name, report_main(view));
}

std::string report_markdown(const ScreeningView& view) {
  std::string text = "# " + markdown_escape(view.name) + "\n\n";
  text += verdict_markdown(view.compare);
  if (view.finished()) text += markdown_escape(screening_sentence(view.screening)) + "\n\n";
  text += state_sentence(view) + "\n";
  for (const std::string& note : view.notes) text += "* note: " + markdown_escape(note) + "\n";
  return text;
}

}  // namespace popaug
