#include "popaug/experiment/memory_check.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "popaug/experiment/training_library.h"

namespace popaug {
namespace {

// The number after `key` at the start of a line of a small file of the kernel.
std::optional<uint64_t> number_of(const fs::path& path, const std::string& key) {
  std::error_code none;
  if (!fs::exists(path, none)) return std::nullopt;
  const std::string text = "\n" + read_file(path);
  const size_t at = text.find("\n" + key);
  if (at == text.npos) return std::nullopt;
  const size_t begin = text.find_first_not_of(" \t", at + 1 + key.size());
  if (begin == text.npos) return std::nullopt;
  uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;  // "max": no limit
  return number;
}

// What the control group at `folder` still gives. File cache is not counted: it gives way.
uint64_t left_in_group(const fs::path& folder) {
  constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
  const auto limit = number_of(folder / "memory.max", "");
  if (!limit) return kUnlimited;
  const uint64_t used = number_of(folder / "memory.stat", "anon ").value_or(0);
  return *limit > used ? *limit - used : 0;
}

uint64_t left_in_address_space(const fs::path& root) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<uint64_t>::max();
  }
  const uint64_t used = 1024 * number_of(root / "proc/self/status", "VmSize:").value_or(0);
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

}  // namespace

uint64_t available_memory(const fs::path& root) {
  uint64_t left = std::numeric_limits<uint64_t>::max();
  if (const auto kilobytes = number_of(root / "proc/meminfo", "MemAvailable:")) {
    left = 1024 * *kilobytes;
  }
  const fs::path groups = root / "sys/fs/cgroup";
  left = std::min(left, left_in_group(groups));
  std::error_code none;
  if (fs::exists(root / "proc/self/cgroup", none)) {
    const std::string text = read_file(root / "proc/self/cgroup");
    const size_t at = text.find("0::/");
    if (at != text.npos) {
      const size_t begin = at + 4;
      left = std::min(left,
                      left_in_group(groups / text.substr(begin, text.find('\n', begin) - begin)));
    }
  }
  return std::min(left, left_in_address_space(root));
}

void check_memory(const ExperimentSettings& settings, const Inputs& inputs, int networks) {
  if (settings.train.device.starts_with("cuda")) return;
  const ImageSet& split = *inputs.train_split;
  const uint64_t one =
      training().estimate_member_memory(settings.train, split.channels, split.height, split.width,
                                        static_cast<int>(inputs.data.classes.size()));
  const uint64_t needed = one * static_cast<uint64_t>(networks), free = available_memory();
  if (needed <= free) return;
  const std::string name =
      settings.train.model.empty() ? settings.train.network : settings.train.model;
  const std::string who =
      networks == 1 ? name : std::to_string(networks) + " networks " + name + " at once";
  throw Error("training " + who + " at batch " + std::to_string(settings.train.batch) +
              " needs about " + bytes_text(double(needed)) + " of memory, but " +
              bytes_text(double(free)) + " are free here; choose a smaller " +
              name_setting("batch") + " or " + name_setting("network") +
              (networks == 1 ? "" : ", or fewer " + name_setting("workers")));
}

}  // namespace popaug
