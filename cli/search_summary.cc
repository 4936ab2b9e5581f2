#include "cli/search_summary.h"

#include <fmt/format.h>
#include <unistd.h>

#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

bool applies_no_op(const Schedule& schedule) {
  for (const Segment& segment : schedule.segments) {
    for (const PolicyEntry& entry : segment.policy.entries) {
      if (entry.probability > 0) return false;
    }
  }
  return true;
}

}  // namespace

void print_plan(const SearchPlan& plan, bool json) {
  if (json) {
    fmt::print("{}", json_pretty({{"members", plan.members},
                                  {"rounds", plan.rounds},
                                  {"epochs", plan.epochs},
                                  {"workers", plan.workers},
                                  {"images_trained", plan.images_trained},
                                  {"images_evaluated", plan.images_evaluated},
                                  {"seconds", plan.seconds},
                                  {"memory_bytes", plan.memory_bytes},
                                  {"disk_bytes", plan.disk_bytes}}));
    return;
  }
  fmt::print("{} members x {} rounds, {} epochs each, on {} workers\n", plan.members, plan.rounds,
             plan.epochs, plan.workers);
  fmt::print("images: {} trained, {} evaluated\n", plan.images_trained, plan.images_evaluated);
  fmt::print("about {} of time, {} of memory, {} of disk (from a short measurement here)\n",
             duration_text(plan.seconds), bytes_text(plan.memory_bytes),
             bytes_text(plan.disk_bytes));
}

void print_search_summary(const Settings& settings, const SearchOutcome& outcome,
                          const fs::path& out) {
  const Schedule& schedule = outcome.schedule;
  const bool colour = ::isatty(STDOUT_FILENO) != 0;
  fmt::print(
      "\nSearched {} members over {} epochs, a decision every {}: best {} {:.4g}, member {}\n",
      settings.population, settings.epochs, settings.epochs_per_round, settings.metric,
      outcome.score, outcome.winner);
  fmt::print(
      "The winner's lineage copied {} time{}; its schedule has {} segment{} over {} epochs.\n",
      schedule.segments.size() - 1, schedule.segments.size() == 2 ? "" : "s",
      schedule.segments.size(), schedule.segments.size() == 1 ? "" : "s", schedule.epochs());
  fmt::print("{}\n", terminal_picture(schedule, colour, 100));
  if (applies_no_op(schedule)) {
    fmt::print(
        "It applies no op: nothing that the search tried came out above its start. Training with\n"
        "it is training with the base transforms alone (flip, crop).\n\n");
  }
  fmt::print(
      "The validation score chose the schedule, so it flatters it; and curves rise by\n"
      "mutation alone. Whether it helps, only training with it and with the baselines shows.\n\n");
  fmt::print("schedule  {}\nweights   {}\njournal   {}\n", show_path(out / "best.schedule.json"),
             show_path(out / "best.safetensors"), show_path(out / "journal.jsonl"));
  if (!settings.data.empty()) {
    // Images are read as the search read them.
    const std::string size = settings.size.empty() ? "" : " --size " + settings.size;
    fmt::print("\nNext:\n  popaug train --data {}{}{} --schedule {} --out trained\n",
               show_path(settings.data), size, settings.scaled_decoding ? " --scaled-decoding" : "",
               show_path(out / "best.schedule.json"));
  }
}

}  // namespace popaug::cli
