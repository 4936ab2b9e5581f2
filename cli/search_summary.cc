#include "cli/search_summary.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/settings_flags.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

// The genes of the winner that a schedule does not contain: "lr 0.043, head_dropout 0.31".
std::string genes_of_training(const Schedule& schedule) {
  const Json every = schedule.provenance.value("genes", Json::array());
  if (!every.is_array() || every.empty() || !every.back().is_object()) return "";
  std::vector<std::string> words;
  for (const auto& [name, value] : every.back().items()) {
    BaseTransforms base;
    Strengths strengths;
    if (!value.is_number() || apply_base_gene(base, name, 0) ||
        apply_strength_gene(strengths, name, 0)) {
      continue;
    }
    words.push_back(fmt::format("{} {:.3g}", name, value.get<double>()));
  }
  return join(words, ", ");
}

// The training with the schedule. Images are read as the search read them.
void print_next(const ExperimentSettings& settings, const fs::path& out) {
  if (settings.images.data.empty()) return;
  print("\nNext:\n  popaug train --data {}{} --schedule {}{}{} --out trained\n",
        shell_path(settings.images.data), next_flags(settings, kTrainVerb, "data"),
        shell_path(out / "best.schedule.json"), plugin_flag(settings),
        next_flags(settings, kTrainVerb, "training"));
}

void print_screening_plan(const SearchPlan& plan, bool json) {
  if (json) {
    print_json({{"trainings", plan.members},
                {"epochs", plan.epochs},
                {"workers", plan.workers},
                {"images_trained", plan.images_trained},
                {"images_evaluated", plan.images_evaluated},
                {"seconds", plan.seconds},
                {"memory_bytes", plan.memory_bytes}});
    return;
  }
  print("{} trainings of {} epochs, on {} workers\n", plan.members, plan.epochs, plan.workers);
  print("images: {} trained, {} evaluated\n", plan.images_trained, plan.images_evaluated);
  print("about {} of time, {} of memory (from a short measurement here)\n",
        duration_text(plan.seconds), bytes_text(plan.memory_bytes));
}

}  // namespace

void print_plan(const SearchPlan& plan, bool json) {
  if (plan.screens) return print_screening_plan(plan, json);
  if (json) {
    print_json({{"members", plan.members},
                {"rounds", plan.rounds},
                {"epochs", plan.epochs},
                {"workers", plan.workers},
                {"images_trained", plan.images_trained},
                {"images_evaluated", plan.images_evaluated},
                {"seconds", plan.seconds},
                {"memory_bytes", plan.memory_bytes},
                {"disk_bytes", plan.disk_bytes}});
    return;
  }
  print("{} members x {} rounds, {} epochs each, on {} workers\n", plan.members, plan.rounds,
        plan.epochs, plan.workers);
  print("images: {} trained, {} evaluated\n", plan.images_trained, plan.images_evaluated);
  print("about {} of time, {} of memory, {} of disk (from a short measurement here)\n",
        duration_text(plan.seconds), bytes_text(plan.memory_bytes), bytes_text(plan.disk_bytes));
}

void print_search_summary(const ExperimentSettings& settings, const SearchOutcome& outcome,
                          const fs::path& out) {
  const Schedule& schedule = outcome.schedule;
  const bool colour = ::isatty(STDOUT_FILENO) != 0;
  print("\nSearched {} members over {} epochs, a decision every {}: best {} {:.4g}, member {}\n",
        settings.search.population, settings.epochs, settings.search.epochs_per_round,
        settings.search.metric, outcome.score, outcome.winner);
  print("The winner's lineage copied {} time{}; its schedule has {} segment{} over {} epochs.\n",
        schedule.segments.size() - 1, schedule.segments.size() == 2 ? "" : "s",
        schedule.segments.size(), schedule.segments.size() == 1 ? "" : "s", schedule.epochs());
  print_coloured(terminal_picture(schedule, colour, 100) + "\n");
  if (!applies_ops(schedule)) {
    print(
        "It applies no op: nothing that the search tried came out above its start. Training with\n"
        "it is training with the base transforms alone: {}.\n\n",
        base_words(schedule));
  }
  if (const std::string genes = genes_of_training(schedule); !genes.empty()) {
    print(
        "The search also varied settings of the training, which a schedule does not contain. At "
        "the\n"
        "end the winner had {}. Give them to the training as flags.\n\n",
        genes);
  }
  print(
      "The validation score chose the schedule, so it flatters it; and curves rise by\n"
      "mutation alone. Whether it helps, only training with it and with the baselines shows.\n\n");
  print("schedule  {}\nweights   {}\njournal   {}\n", show_path(out / "best.schedule.json"),
        show_path(out / "best.safetensors"), show_path(out / "journal.jsonl"));
  print_next(settings, out);
}

void print_screened(const ScreenedSchedule& found, const fs::path& out) {
  print("{}\n", screen_text(found.screening));
  print("schedule  {}\nscreening {}\n", show_path(out / "best.schedule.json"),
        show_path(out / "choose.json"));
  print_next(found.settings, out);
}

}  // namespace popaug::cli
