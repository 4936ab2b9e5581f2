// popaug bench: how fast this machine augments and trains. Every row has "name" and
// "images_per_second" (of one core with --workers 1); the first row is the one to compare. The rows
// limit-store-* write outputs of the same size by memset and do nothing else.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <numeric>
#include <type_traits>

#include "cli/bench_workloads.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/augment/augment.h"

namespace popaug::cli {
namespace {

struct Seconds {
  double wall = 0;
  double cpu = 0;  // of the thread: what a machine that others use at the same time still tells
};

class Stopwatch {
 public:
  Seconds read() const {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
    return {wall.count(), thread_seconds() - cpu_start_};
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double cpu_start_ = thread_seconds();
};

struct Row {
  std::string name;
  std::vector<double> rates;      // images per second of each run, sorted
  std::vector<double> cpu_rates;  // images per second of processor time and worker, sorted
};

double median(const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; }

constexpr int kBatchSize = 128;

// On a cache line, as tensors are.
template <typename T>
class BatchMemory {
 public:
  explicit BatchMemory(size_t count) : memory_(count + kLine / sizeof(T)) {}
  T* data() {
    const size_t over = reinterpret_cast<uintptr_t>(memory_.data()) % kLine;
    return memory_.data() + (kLine - over) % kLine / sizeof(T);
  }

 private:
  static constexpr size_t kLine = 64;
  std::vector<T> memory_;
};

// One thread's part: batches of 128 random images into one buffer, as a training loop asks for
// them.
class Runner {
 public:
  Runner(const Workload& work, const std::vector<uint8_t>& bytes, int images)
      : work_(work),
        augmenter_(space_by_name(work.space), work.rule, work.policy, work.base, bench_colours(),
                   work.side, work.side, 3),
        bytes_(bytes),
        images_(images),
        epoch_(static_cast<size_t>(images)) {
    std::iota(epoch_.begin(), epoch_.end(), 0u);
  }

  // Augments `batches` batches.
  Seconds run(int worker, int batches, uint32_t epoch) const {
    switch (work_.type) {
      case NumberType::kFloat32:
        return run_into<FloatBatch>(worker, batches, epoch);
      case NumberType::kBFloat16:
        return run_into<BFloat16Batch>(worker, batches, epoch);
      default:
        return run_into<ByteOutput>(worker, batches, epoch);
    }
  }

 private:
  template <typename Output>
  Seconds run_into(int worker, int batches, uint32_t epoch) const {
    const ptrdiff_t side = work_.side, size = 3 * side * side;
    BatchMemory<std::remove_pointer_t<decltype(Output::data)>> memory(
        static_cast<size_t>(kBatchSize * size));
    const Output to = work_.layout == Layout::kChannelsLast
                          ? Output{memory.data(), size, 1, 3 * side, 3}
                          : Output{memory.data(), size, side * side, side, 1};
    Random random({.purpose = Purpose::kTest, .sample = static_cast<uint64_t>(worker)});
    std::vector<uint32_t> indices(kBatchSize);
    std::vector<Mixed> mixed(kBatchSize);
    const ByteBatch view{bytes_.data(), work_.side, work_.side, 3, static_cast<size_t>(size)};
    const Stopwatch watch;
    for (int i = 0; i < batches; ++i) {
      for (uint32_t& index : indices) index = random.below(static_cast<uint32_t>(images_));
      augmenter_.run(view, indices,
                     {.seed = 1,
                      .stream = static_cast<uint32_t>(worker),
                      .epoch = epoch + static_cast<uint32_t>(i)},
                     to, 1, {epoch_, mixed.data()});
    }
    return watch.read();
  }

  const Workload& work_;
  Augmenter augmenter_;
  const std::vector<uint8_t>& bytes_;
  int images_;
  std::vector<uint32_t> epoch_;  // all images, from which partners are drawn
};

// Writes batches as large as those of images of `side`, with numbers of `number` bytes.
Seconds store(int side, size_t number, int batches) {
  const size_t image = number * 3 * static_cast<size_t>(side) * static_cast<size_t>(side);
  BatchMemory<uint8_t> memory(kBatchSize * image);
  const Stopwatch watch;
  for (int batch = 0; batch < batches; ++batch) {
    for (size_t i = 0; i < kBatchSize; ++i) {
      uint8_t* const out = memory.data() + i * image;
      std::memset(out, batch & 255, image);
      asm volatile(""
                   :
                   : "r"(out)
                   : "memory");  // the bytes are looked at, for all the compiler knows
    }
  }
  return watch.read();
}

// What a row measures: run(worker, batches, epoch).
using Run = std::function<Seconds(int worker, int batches, uint32_t epoch)>;

Row measure(const std::string& name, const Run& run, int workers, int runs, double seconds) {
  run(0, 1, 0);  // warms up
  const double once = std::max(run(0, 2, 1).cpu / 2, 1e-9);
  const int batches = std::max(1, static_cast<int>(seconds / once));
  Row row{name, {}, {}};
  for (int r = 0; r < runs; ++r) {
    std::vector<Seconds> taken(workers);
    std::vector<std::future<Seconds>> others;
    for (int w = 1; w < workers; ++w) {
      others.push_back(std::async(std::launch::async, [&, w] { return run(w, batches, 100); }));
    }
    taken[0] = run(0, batches, 100);
    for (int w = 1; w < workers; ++w) taken[w] = others[w - 1].get();
    const double count = batches * double{kBatchSize};
    double rate = 0, cpu_rate = 0;
    for (const Seconds& t : taken) {
      rate += count / t.wall;
      cpu_rate += count / t.cpu / workers;
    }
    row.rates.push_back(rate);
    row.cpu_rates.push_back(cpu_rate);
  }
  std::sort(row.rates.begin(), row.rates.end());
  std::sort(row.cpu_rates.begin(), row.cpu_rates.end());
  return row;
}

Row measure(const Workload& work, int workers, int runs, double seconds) {
  const int images = work.side <= 64 ? 4000 : 256;
  const std::vector<uint8_t> bytes = pictures(images, work.side);
  const Runner runner(work, bytes, images);
  const Run run = [&](int worker, int batches, uint32_t epoch) {
    return runner.run(worker, batches, epoch);
  };
  return measure(work.name, run, workers, runs, seconds);
}

// A row of the table: what is measured, and which limit its output has.
struct Entry {
  std::string name, limit;
  std::function<Row(int workers, int runs, double seconds)> measure;
};

std::string limit_name(NumberType type, int side) {
  return "limit-store-" + number_name(type) + (side == 32 ? "" : "-224");
}

std::vector<Entry> entries() {
  std::vector<Entry> all;
  for (const Workload& work : workloads()) {
    all.push_back({work.name, limit_name(work.type, work.side),
                   [work](int workers, int runs, double seconds) {
                     return measure(work, workers, runs, seconds);
                   }});
  }
  for (const int side : {32, 224}) {
    for (const NumberType type :
         {NumberType::kFloat32, NumberType::kBFloat16, NumberType::kUint8}) {
      const std::string name = limit_name(type, side);
      const Run run = [side, type](int, int batches, uint32_t) {
        return store(side, number_bytes(type), batches);
      };
      all.push_back({name, "", [name, run](int workers, int runs, double seconds) {
                       return measure(name, run, workers, runs, seconds);
                     }});
    }
  }
  return all;
}

struct Options {
  int workers = 1;
  int runs = 7;
  double seconds = 0.3;
  bool json = false;
  std::string only;
};

// How much of the limit of its output each row reaches, where both were measured.
void add_shares(const std::map<std::string, double>& rates, bool json, Json& list) {
  for (const Entry& entry : entries()) {
    const auto row = rates.find(entry.name), limit = rates.find(entry.limit);
    if (row == rates.end() || limit == rates.end()) continue;
    const double share = row->second / limit->second;
    for (Json& one : list) {
      if (one["name"] == entry.name) one["share_of_limit"] = share;
    }
    if (!json) print("{:<24}{:>13.0f}% of {}\n", entry.name, 100 * share, entry.limit);
  }
}

int bench_augment(const Options& options) {
  const int workers = options.workers > 0 ? options.workers : available_cores();
  if (!(options.seconds > 0 && options.seconds <= 60)) {
    throw UsageError("--seconds: expected a number above 0, at most 60");
  }
  Json list = Json::array();
  if (!options.json) {
    print("{:<24}{:>14}{:>28}  {} worker{}\n", "name", "images/s", "lowest .. highest", workers,
          workers == 1 ? "" : "s");
  }
  std::vector<std::string> names;
  std::map<std::string, double> rates;  // of processor time, medians
  for (const Entry& entry : entries()) {
    names.push_back(entry.name);
    if (!options.only.empty() && options.only != entry.name) continue;
    const Row row = entry.measure(workers, options.runs, options.seconds);
    rates[row.name] = median(row.cpu_rates);
    list.push_back({{"name", row.name},
                    {"images_per_second", median(row.rates)},
                    {"lowest", row.rates.front()},
                    {"highest", row.rates.back()},
                    {"images_per_cpu_second", median(row.cpu_rates)},
                    {"runs", options.runs},
                    {"workers", workers}});
    if (options.json) continue;
    const std::string spread = fmt::format("{:.0f} .. {:.0f}", row.rates.front(), row.rates.back());
    print("{:<24}{:>14.0f}{:>28}{:>16.0f}\n", row.name, median(row.rates), spread,
          median(row.cpu_rates));
    finish_output();
  }
  add_shares(rates, options.json, list);
  if (list.empty()) throw UsageError(unknown_name("workload", options.only, names));
  if (options.json) print_json(list);
  return 0;
}

}  // namespace

void add_bench_train(CLI::App& bench, Action& action);  // bench_train.cc

void add_bench(CLI::App& program, Action& action) {
  CLI::App* bench = program.add_subcommand("bench", "Measure this machine");
  bench->require_subcommand(1);
  examples(*bench, {{"popaug bench augment --workers 1", "images per second of one core"},
                    {"popaug bench train", "images per second of training and evaluation"}});
  CLI::App* augment =
      bench->add_subcommand("augment", "Speed of the augmentation engine, synthetic pictures");
  auto options = std::make_shared<Options>();
  augment->add_option("--workers", options->workers, "Threads (0: all cores)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  augment->add_option("--runs", options->runs, "Runs per row; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  augment->add_option("--seconds", options->seconds, "Length of a run")->capture_default_str();
  augment->add_option("--only", options->only, "One row by name");
  augment->add_flag("--json", options->json, "A list of rows for programs");
  examples(*augment,
           {{"popaug bench augment --workers 1", "images per second of one core, row by row"},
            {"popaug bench augment --workers 0 --json", "all cores, for a program to read"},
            {"popaug bench augment --only pipeline-32 --runs 21", "one row, measured longer"}});
  augment->callback([options, &action] { action = [options] { return bench_augment(*options); }; });
  add_bench_train(*bench, action);
}

}  // namespace popaug::cli
