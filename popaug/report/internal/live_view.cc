#include "popaug/report/internal/live_view.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "popaug/report/html.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/screening_view.h"
#include "popaug/report/svg.h"

namespace popaug {
namespace {

std::string live_line(const RunView& view) {
  const int rounds = view.history.settings.rounds();
  const size_t total = size_t(rounds) * view.scores.size(), done = view.history.results.size();
  std::string line = fmt::format("{} of {} results", done, total);
  if (view.finished()) return line + ", finished";
  // Uses the pace of all sessions so far, so a restart does not distort it.
  if (done > 0 && view.times.wall_seconds > 0) {
    const double left =
        view.times.wall_seconds / double(done) * double(total - std::min(done, total));
    line += ", about " + duration_text(left) + " left at this pace";
  }
  return line;
}

}  // namespace

LiveView::LiveView(const fs::path& run, double look_seconds) : run_(run) {
  // The signature is taken before the first reading, so a change between the two is noticed.
  const std::string seen = signature();
  refresh();
  watcher_ = std::thread([this, seen, look_seconds] { watch(seen, look_seconds); });
}

LiveView::~LiveView() {
  end();
  watcher_.join();
}

std::shared_ptr<const LiveSnapshot> LiveView::now() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::shared_ptr<const LiveSnapshot> LiveView::wait(int64_t version, double seconds) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                    [&] { return ended_ || snapshot_->version != version; });
  return snapshot_;
}

bool LiveView::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void LiveView::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

// The sizes and times of the files that the page is made from; cheap to compute.
std::string LiveView::signature() const {
  std::string text;
  for (const char* name : {"journal.jsonl", "result.json", "run.log", "drift.band.json",
                           "compare.json", "best.schedule.json", "runs.jsonl", "choose.json"}) {
    std::error_code error;
    const auto size = fs::file_size(run_ / name, error);
    const auto time = fs::last_write_time(run_ / name, error);
    text += error ? "-;" : fmt::format("{}:{};", size, time.time_since_epoch().count());
  }
  return text;
}

void LiveView::refresh() {
  auto next = std::make_shared<LiveSnapshot>();
  Json state;
  try {
    const auto show = [&](const auto& view, Json figures) {
      next->main = report_main(view);
      state = {{"title", view.name + ": popaug"},
               {"line", live_line(view)},
               {"figures", std::move(figures)}};
    };
    if (is_screening(run_)) {
      show(load_screening(run_), no_figures());
    } else {
      const RunView view = load_run(run_);
      show(view, report_figures(view));
    }
  } catch (const std::exception& error) {
    const std::string sentence =
        std::string("The run cannot be read now; the page keeps trying. ") + error.what();
    next->main = "<p class=\"note\" id=\"state\">" + html_escape(sentence) + "</p>\n";
    state = {{"title", "popaug"}, {"line", "waiting for the run"}, {"figures", nullptr}};
  }
  const std::lock_guard lock(mutex_);
  next->version = snapshot_ ? snapshot_->version + 1 : 1;
  state["version"] = next->version;
  next->state = state.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (snapshot_ && snapshot_->main == next->main) next->version = snapshot_->version;
  if (snapshot_ && next->version == snapshot_->version) return;
  snapshot_ = next;
  changed_.notify_all();
}

void LiveView::watch(std::string seen, double look_seconds) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::duration<double>(look_seconds), [&] { return ended_; });
      if (ended_) return;
    }
    try {
      const std::string current = signature();
      if (current == seen) continue;
      refresh();
      seen = current;
    } catch (...) {
      // Out of memory, say: the page keeps what it shows, and the next look tries again.
    }
  }
}

}  // namespace popaug
