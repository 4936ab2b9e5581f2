#include "popaug/experiment/moved_data.h"

#include <algorithm>

namespace popaug {
namespace {

// `recorded` below the run or a folder above it, by the last parts of its path, the longest first.
fs::path beside_run(const fs::path& recorded, const fs::path& out) {
  constexpr ptrdiff_t kMostParts = 4;
  const fs::path run = fs::absolute(out).lexically_normal();
  const ptrdiff_t parts = std::distance(recorded.begin(), recorded.end());
  for (ptrdiff_t count = std::min(parts - 1, kMostParts); count > 0; --count) {
    fs::path end;
    for (auto part = std::next(recorded.begin(), parts - count); part != recorded.end(); ++part) {
      end /= *part;
    }
    fs::path base = run.has_filename() ? run : run.parent_path();
    for (int up = 0; up < 3; ++up, base = base.parent_path()) {
      std::error_code code;
      if (fs::exists(base / end, code)) return base / end;
    }
  }
  return {};
}

}  // namespace

void find_data(ExperimentSettings& settings, const fs::path& out, bool resume,
               const std::string& command) {
  if (settings.images.data.empty()) return;
  settings.images.data = fs::absolute(settings.images.data).lexically_normal();
  std::error_code code;
  if (!resume || fs::exists(settings.images.data, code)) return;
  const fs::path found = beside_run(settings.images.data, out);
  if (found.empty()) {
    throw UsageError("the data of this run, " + show_path(settings.images.data) +
                     ", are not there; if they were moved, say where they are now: " + command +
                     " " + name_setting("data") + " NEW-PLACE");
  }
  settings.images.data = found;
}

void with_data_place(const ExperimentSettings& settings, Verbs verb, const fs::path& out,
                     bool resume, const std::function<void()>& work) {
  const fs::path config = out / "config.toml";
  if (!resume || !fs::exists(config)) {
    work();
    return;
  }
  constexpr uint64_t kMost = 1 << 20;
  const std::string before = read_file(config, kMost);
  ExperimentSettings recorded = settings_from_toml(before, show_path(config), verb);
  const bool moved = recorded.images.data != settings.images.data;
  if (moved) {
    recorded.images.data = settings.images.data;
    write_file_atomic(config, settings_toml(recorded, verb));
  }
  try {
    work();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {
    if (moved) write_file_atomic(config, before);
    throw;
  }
}

}  // namespace popaug
