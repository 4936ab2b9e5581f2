// popaug doctor: what is installed, what works and what is missing, in ten lines.
#include <hwy/targets.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/augment/augment.h"
#include "popaug/experiment/experiment.h"
#include "popaug/kernels/kernels.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

// One line: what was looked at, how it is, and the facts or the remedy.
struct Finding {
  std::string what;
  std::string state;  // "ok", "missing" (something else works without it) or "broken"
  std::string text;
};

constexpr double kGibibyte = 1 << 30;

// The finding of `look`, which returns the facts; "broken" or `otherwise` with the reason if it
// throws.
Finding found(const std::string& what, const std::function<std::string()>& look,
              const std::string& otherwise = "broken") {
  try {
    return {what, "ok", look()};
  } catch (const std::exception& error) {
    return {what, otherwise, error.what()};
  }
}

std::string program_text() {
  return fmt::format("{}, compiled by {} {}", POPAUG_VERSION,
#ifdef __clang__
                     "clang", __clang_version__);
#else
                     "g++", __VERSION__);
#endif
}

std::string machine_text() {
  const std::vector<int64_t> targets = kernels::supported_targets();
  const std::string best = targets.empty() ? "no vectors" : hwy::TargetName(targets.front());
  return fmt::format("{} cores, {}, {:.1f} GiB of memory available", available_cores(), best,
                     available_memory() / kGibibyte);
}

std::string disk_text() {
  const fs::space_info space = fs::space(".");
  return fmt::format("{:.1f} GiB free in this folder", space.available / kGibibyte);
}

std::string ops_text() {
  int count = 0;
  for (const OpRow& row : op_rows()) {
    ++count;
    for (const std::string& fault : check_op_row(row)) throw Error(row.name + ": " + fault);
  }
  return fmt::format("{} ops keep their promises on this processor", count);
}

std::string shipped_text() {
  size_t schedules = 0;
  for (const auto& entry : fs::directory_iterator(shipped_file("schedules"))) {
    schedules += entry.path().extension() == ".json" ? 1 : 0;
  }
  return fmt::format("{} presets and {} schedules in {}", preset_names().size(), schedules,
                     shipped_folder().string());
}

std::string training_text() {
  const TrainingApi& api = training();
  return fmt::format("built for torch {}, {} families of networks, in {}", api.torch_version,
                     api.network_names().size(), training_library_file().string());
}

std::string gpu_text() {
  const int count = training().default_workers("cuda");
  return fmt::format("{} GPU{} for training (--device cuda)", count, count == 1 ? "" : "s");
}

std::string png_text() {
  const std::string empty = R"(<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>)";
  svg_to_png(empty);
  return "rsvg-convert makes PNG files of schedules and reports";
}

std::vector<Finding> examine() {
  std::vector<Finding> findings = {
      found("popaug", program_text), found("machine", machine_text), found("disk", disk_text),
      found("ops", ops_text),        found("shipped", shipped_text),
  };
  findings.push_back(found("training", training_text, "missing"));
  if (findings.back().state == "ok") findings.push_back(found("gpu", gpu_text, "missing"));
  findings.push_back(found("png", png_text, "missing"));
  // What the Python launcher adds: lines "WHAT\tSTATE\tTEXT" about the packages that it found.
  if (const char* more = std::getenv("POPAUG_DOCTOR"); more != nullptr) {
    for (const std::string& line : split(more, '\n')) {
      const std::vector<std::string> parts = split(line, '\t');
      if (parts.size() == 3) findings.push_back({parts[0], parts[1], parts[2]});
    }
  }
  return findings;
}

int run(bool json) {
  const std::vector<Finding> findings = examine();
  bool broken = false;
  Json list = Json::array();
  for (const Finding& finding : findings) {
    broken |= finding.state == "broken";
    if (json) {
      list.push_back({{"what", finding.what}, {"state", finding.state}, {"text", finding.text}});
    } else {
      print("{:<9} {:<8} {}\n", finding.what, finding.state, finding.text);
    }
  }
  if (json) print_json(list);
  return broken ? static_cast<int>(ExitCode::kFailed) : 0;
}

}  // namespace

void add_doctor(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("doctor", "What is installed, what works and what is missing");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print the findings as JSON");
  examples(*verb, {{"popaug doctor", "ten lines to read, or to add to a bug report"}});
  verb->callback([json, &action] { action = [json] { return run(*json); }; });
}

}  // namespace popaug::cli
