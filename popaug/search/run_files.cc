#include "popaug/search/run_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>

namespace popaug {

RunFiles::RunFiles(const fs::path& directory) : directory_(directory) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  token_ = fmt::format("{:x}-{:x}", ::getpid(),
                       std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

fs::path RunFiles::checkpoint(const CheckpointId& id) const {
  return members() / fmt::format("r{:04}-m{:04}.safetensors", id.round, id.member);
}
fs::path RunFiles::early(const CheckpointId& id) const {
  return members() / fmt::format("r{:04}-m{:04}.result.json", id.round, id.member);
}
fs::path RunFiles::attempt(const CheckpointId& id) {
  return members() /
         fmt::format("r{:04}-m{:04}.try-{}-{}", id.round, id.member, token_, attempts_++);
}

void RunFiles::clean(const std::set<fs::path>& keep) const {
  std::vector<fs::path> going;
  for (const auto& entry : fs::directory_iterator(members())) {
    if (!keep.contains(entry.path())) going.push_back(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with('.') && name.ends_with(".tmp")) going.push_back(entry.path());
  }
  for (const fs::path& path : going) remove_file(path);
}

void remove_file(const fs::path& path) {
  if (failpoint("checkpoint.delete") || (::unlink(path.c_str()) != 0 && errno != ENOENT)) {
    throw Error(show_path(path) + ": cannot delete: " + std::strerror(errno));
  }
}

RunLog::RunLog(const fs::path& path) : out_(path, std::ios::app) {}

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

void RunLog::result(const CheckpointId& id, const std::string& worker, double seconds) {
  out_ << fmt::format(
      R"({{"time":"{}","event":"result","clock":{:.3f},"round":{},"member":{},"worker":{},"seconds":{:.6f}}})"
      "\n",
      now(), clock(), id.round, id.member, json_line(worker), seconds);
}

void RunLog::flush() {
  out_.flush();
  out_.clear();  // a full disk must not silence the log for good
}

LogTotals read_log(const fs::path& path) {
  LogTotals totals;
  std::ifstream in(path);
  double session = 0;
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    const std::string event = json.value("event", "");
    if (event == "start" || event == "resume") {
      ++totals.sessions;
      totals.seconds += session;
      session = 0;
    }
    if (json.contains("clock") && json["clock"].is_number()) session = json["clock"].get<double>();
    if (event == "result" && json.contains("seconds") && json["seconds"].is_number()) {
      totals.worker_seconds += json["seconds"].get<double>();
    }
    totals.failed += event == "failed";
  }
  totals.seconds += session;
  return totals;
}

void ProgressTable::result(const JournalResult& result) {
  open_.push_back(result);
  open_.back().correct.clear();
}

void ProgressTable::decision(const Decision& decision) {
  std::string text;
  if (!headed_ && !open_.empty()) {
    text = "round,member,epochs,score,best_score,copied_from,images_trained,images_evaluated";
    const auto sound = std::find_if(open_.begin(), open_.end(),
                                    [](const JournalResult& r) { return r.score != kDiverged; });
    for (const auto& [name, value] : (sound == open_.end() ? open_.begin() : sound)->metrics) {
      metrics_.push_back(name);
      text += "," + name;
    }
    text += "\n";
    headed_ = true;
  }
  for (const JournalResult& r : open_) {
    const bool diverged = r.score == kDiverged;
    if (!diverged) best_ = any_ ? std::max(best_, r.score) : r.score;
    any_ = any_ || !diverged;
    const auto copy = std::find_if(decision.copies.begin(), decision.copies.end(),
                                   [&](const Copy& c) { return c.target == r.member; });
    text += fmt::format("{},{},{},{},{},{},{},{}", r.round, r.member, r.epochs,
                        diverged ? "" : number_text(r.score), any_ ? number_text(best_) : "",
                        copy == decision.copies.end() ? "" : std::to_string(copy->donor),
                        r.images_trained, r.images_evaluated);
    for (const std::string& name : metrics_) {
      const auto found = r.metrics.find(name);
      text += "," + (found == r.metrics.end() ? "" : number_text(found->second));
    }
    text += "\n";
  }
  open_.clear();
  out_(text);
}

}  // namespace popaug
