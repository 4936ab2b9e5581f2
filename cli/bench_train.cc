// popaug bench train: images per second of training and evaluation, kinds of kernels side by side.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"

namespace popaug::cli {
namespace {

struct Options {
  std::string network = "wrn-28-2";
  int batch = 128, workers = 1, steps = 5, side = 32, channels = 3;
  bool json = false, paced = false;
  std::string only;
};

struct Seconds {
  double wall = 0, cpu = 0;
};

// Seconds of one step in the calling thread.
Seconds time_step(const std::function<void()>& step) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = thread_seconds();
  step();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          thread_seconds() - cpu_start};
}

// One way of working, one step function per worker.
struct Row {
  std::string name;
  uint64_t memory;  // bytes that a network in training is estimated to need
  std::vector<std::function<void()>> steps;
  std::vector<double> wall_rates, cpu_rates;  // of every measured step
};

struct Way {
  const char* name;
  const char* conv;
  bool evaluation, unfolded;
  double ema = 0;
};
// The first row is the fast training: what --paced and callers of --json rely on.
constexpr Way kWays[] = {{"train-fast", "fast", false, false},
                         {"train-auto", "auto", false, false},
                         {"train-auto-ema", "auto", false, false, 0.999},
                         {"train-exact", "exact", false, false},
                         {"evaluate-auto", "auto", true, false},
                         {"evaluate-fast", "fast", true, false},
                         {"evaluate-exact", "exact", true, false},
                         {"evaluate-exact-unfolded", "exact", true, true}};

std::vector<Row> make_rows(const Options& options) {
  std::vector<Row> rows;
  std::vector<std::string> names;
  for (const Way& way : kWays) {
    names.push_back(way.name);
    if (!options.only.empty() && options.only != way.name) continue;
    TrainSettings settings;
    settings.network = options.network;
    settings.batch = options.batch;
    settings.conv = way.conv;
    settings.ema = way.ema;
    Row& row = rows.emplace_back(Row{way.name, 0, {}, {}, {}});
    row.memory = training().estimate_member_memory(settings, options.channels, options.side,
                                                   options.side, 10);
    for (int w = 0; w < options.workers; ++w) {
      row.steps.push_back(training().make_speed_step(
          settings,
          {options.channels, options.side, options.side, 10, way.evaluation, way.unfolded}));
    }
  }
  if (rows.empty()) throw UsageError(unknown_name("row", options.only, names));
  return rows;
}

// One step of every worker at the same time.
Seconds run(const Row& row, int batch, std::vector<double>* wall, std::vector<double>* cpu) {
  std::vector<Seconds> taken(row.steps.size());
  std::vector<std::future<Seconds>> others;
  for (size_t w = 1; w < row.steps.size(); ++w) {
    others.push_back(std::async(std::launch::async, [&, w] { return time_step(row.steps[w]); }));
  }
  taken[0] = time_step(row.steps[0]);
  for (size_t w = 1; w < row.steps.size(); ++w) taken[w] = others[w - 1].get();
  double wall_rate = 0, cpu_rate = 0;
  for (const Seconds& t : taken) {
    wall_rate += batch / t.wall;
    cpu_rate += batch / t.cpu / double(taken.size());
  }
  if (wall) wall->push_back(wall_rate);
  if (cpu) cpu->push_back(cpu_rate);
  return taken[0];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One step of the first row for every line that is read, for a program that interleaves rivals.
int bench_paced(std::vector<Row>& rows, int batch) {
  print("ready\n");
  finish_output();
  for (std::string line; std::getline(std::cin, line);) {
    const Seconds taken = run(rows.front(), batch, nullptr, nullptr);
    print("{}\n", Json{{"wall", taken.wall}, {"cpu", taken.cpu}}.dump());
    finish_output();
  }
  return 0;
}

int bench_train(Options options) {
  if (options.workers == 0) options.workers = available_cores();
  training().check_network_name(options.network);
  std::vector<Row> rows = make_rows(options);
  for (Row& row : rows) {
    for (int i = 0; i < 2; ++i) run(row, options.batch, nullptr, nullptr);  // warms up
  }
  if (options.paced) return bench_paced(rows, options.batch);
  for (int i = 0; i < options.steps; ++i) {
    for (Row& row : rows) {
      run(row, options.batch, nullptr, nullptr);  // the caches held another row's network
      run(row, options.batch, &row.wall_rates, &row.cpu_rates);
    }
  }
  Json list = Json::array();
  for (const Row& row : rows) {
    const auto [lowest, highest] =
        std::minmax_element(row.wall_rates.begin(), row.wall_rates.end());
    list.push_back({{"name", row.name},
                    {"images_per_second", median(row.wall_rates)},
                    {"lowest", *lowest},
                    {"highest", *highest},
                    {"images_per_cpu_second", median(row.cpu_rates)},
                    {"network", options.network},
                    {"batch", options.batch},
                    {"steps", options.steps},
                    {"workers", options.workers},
                    {"estimated_memory_bytes", row.memory}});
  }
  if (options.json) {
    print_json(list);
    return 0;
  }
  print("{:<24}{:>12}{:>22}{:>16}  {}, batch {}, {} worker{}\n", "name", "images/s",
        "lowest .. highest", "per cpu second", options.network, options.batch, options.workers,
        options.workers == 1 ? "" : "s");
  for (const Json& row : list) {
    print(
        "{:<24}{:>12.1f}{:>22}{:>16.1f}\n", row["name"].get<std::string>(),
        row["images_per_second"].get<double>(),
        fmt::format("{:.1f} .. {:.1f}", row["lowest"].get<double>(), row["highest"].get<double>()),
        row["images_per_cpu_second"].get<double>());
  }
  return 0;
}

}  // namespace

void add_bench_train(CLI::App& bench, Action& action) {
  CLI::App* train = bench.add_subcommand(
      "train", "Speed of training steps and of evaluation, by kind of kernels, on drawn images");
  auto options = std::make_shared<Options>();
  train->add_option("--network", options->network, "The network")->capture_default_str();
  train->add_option("--batch", options->batch, "Images in a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  train->add_option("--workers", options->workers, "Networks that train at once (0: all cores)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  train->add_option("--steps", options->steps, "Steps per row; the median counts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  train->add_option("--side", options->side, "Side of the images")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  train->add_option("--channels", options->channels, "1 grey, 3 colour")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  train->add_option("--only", options->only, "One row by name");
  train->add_flag("--json", options->json, "A list of rows for programs");
  train->add_flag("--paced", options->paced,
                  "One step of the first row per line on stdin, its seconds on stdout");
  examples(*train,
           {{"popaug bench train --network wrn-28-2 --workers 1", "images per second of one core"},
            {"popaug bench train --network wrn-16-1 --workers 0 --json",
             "one network on every core, for a program to read"},
            {"popaug bench train --only train-fast --steps 21", "one row, measured longer"}});
  train->callback([options, &action] { action = [options] { return bench_train(*options); }; });
}

}  // namespace popaug::cli
