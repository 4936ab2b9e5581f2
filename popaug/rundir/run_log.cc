#include "popaug/rundir/run_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>

#include "popaug/rundir/regular_file.h"

namespace popaug {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kMostSeconds = 1e12;
constexpr double kMostRounds = 1e6;
constexpr uint64_t kMostBytes = uint64_t{256} << 20;

std::string text_of(const Json& line, const char* key) {
  const auto at = line.find(key);
  return at != line.end() && at->is_string() ? at->get<std::string>() : "";
}

double number_of(const Json& line, const char* key, double otherwise) {
  const auto at = line.find(key);
  return at != line.end() && at->is_number() ? at->get<double>() : otherwise;
}

// Durations are at least 0 and finite, whatever a line says.
double seconds_of(const Json& line, const char* key) {
  const double seconds = number_of(line, key, 0);
  return std::isfinite(seconds) ? std::clamp(seconds, 0.0, kMostSeconds) : 0;
}

// Seconds since 1970 of "2026-01-31T12:34:56[.789]Z"; NaN for any other text.
double seconds_since_1970(const std::string& text) {
  int year, month, day, hour, minute;
  double second;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return kUnknown;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return kUnknown;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return double(days) * 86400 + hour * 3600 + minute * 60 + second;
}

// Trainings of earlier versions wrote whole seconds since 1970.
double time_of(const Json& line) {
  const double number = number_of(line, "time", kUnknown);
  return std::isfinite(number) ? number : seconds_since_1970(text_of(line, "time"));
}

void add_seconds(std::vector<double>& list, double place, double seconds) {
  if (!(place >= 0 && place < kMostRounds)) return;
  const auto at = static_cast<size_t>(place);
  if (list.size() <= at) list.resize(at + 1);
  list[at] += seconds;
}

class LogReader {
 public:
  void read(const Json& line) {
    const std::string event = text_of(line, "event");
    const double now = time_of(line);
    if (event == "start" || event == "resume") {
      end_session();
      ++times_.sessions;
      began_ = now;
    }
    if (std::isfinite(now)) last_ = now;
    if (std::isfinite(number_of(line, "clock", kUnknown))) clock_ = seconds_of(line, "clock");
    if (event == "failed") ++times_.failed;
    if (event == "result") read_result(line);
    if (event == "epoch") {
      add_seconds(times_.by_epoch, number_of(line, "epoch", 0) - 1, seconds_of(line, "seconds"));
    }
    if (!event.empty()) times_.last_event = event;
  }

  RunTimes take() {
    end_session();
    times_.by_worker.assign(workers_.begin(), workers_.end());
    return std::move(times_);
  }

 private:
  void read_result(const Json& line) {
    const double seconds = seconds_of(line, "seconds");
    times_.trained_seconds += seconds;
    const Json worker = line.value("worker", Json());
    workers_[worker.is_string() ? worker.get<std::string>() : json_line(worker)] += seconds;
    add_seconds(times_.by_round, number_of(line, "round", -1), seconds);
  }

  void end_session() {
    if (std::isfinite(clock_)) {
      times_.wall_seconds += clock_;
    } else if (std::isfinite(began_) && last_ >= began_) {
      times_.wall_seconds += last_ - began_;
    }
    clock_ = began_ = last_ = kUnknown;
  }

  RunTimes times_;
  std::map<std::string, double> workers_;
  double clock_ = kUnknown, began_ = kUnknown, last_ = kUnknown;  // of this session
};

// Whether the last line was cut off by a kill.
bool is_torn(const fs::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in || in.tellg() <= 0) return false;
  in.seekg(-1, std::ios::end);
  return in.get() != '\n';
}

}  // namespace

RunLog::RunLog(const fs::path& path) {
  const bool torn = is_torn(path);
  out_.open(path, std::ios::app);
  if (torn) out_ << '\n';  // else the next line would be lost with the torn one
}

double RunLog::clock() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - opened_).count();
}

std::string RunLog::now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (now != second_ || second_text_.empty()) {
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    second_ = now;
    second_text_ = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
  }
  return second_text_;
}

void RunLog::write(const std::string& event, const Json& fields) {
  Json line = {{"time", now()}, {"event", event}, {"clock", std::round(clock() * 1000) / 1000}};
  line.update(fields);
  out_ << json_line(line) << '\n';
  flush();
}

void RunLog::result(int round, int member, const std::string& worker, double seconds) {
  out_ << fmt::format(
      R"({{"time":"{}","event":"result","clock":{:.3f},"round":{},"member":{},"worker":{},"seconds":{:.6f}}})"
      "\n",
      now(), clock(), round, member, json_line(worker), seconds);
}

void RunLog::flush() {
  out_.flush();
  out_.clear();  // a full disk must not silence the log for good
}

RunTimes read_run_log(std::string_view text) {
  LogReader reader;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) break;  // a torn last line
    const std::optional<Json> line = try_json(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (line && line->is_object()) reader.read(*line);
  }
  return reader.take();
}

RunTimes load_run_log(const fs::path& path) {
  return fs::exists(path) ? read_run_log(read_regular_file(path, kMostBytes)) : RunTimes();
}

}  // namespace popaug
