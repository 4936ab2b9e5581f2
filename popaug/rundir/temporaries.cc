#include "popaug/rundir/temporaries.h"

#include "popaug/rundir/internal/list_folder.h"

namespace popaug {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

std::optional<std::string_view> temporary_of(std::string_view name) {
  constexpr std::string_view kEnding = ".tmp";
  if (name.size() < 2 + kEnding.size() || !name.starts_with('.') || !name.ends_with(kEnding)) {
    return std::nullopt;
  }
  name = name.substr(1, name.size() - 1 - kEnding.size());
  for (int part = 0; part < 2; ++part) {  // the number, then the pid
    const size_t dot = name.rfind('.');
    if (dot == name.npos || !is_number(name.substr(dot + 1))) return std::nullopt;
    name = name.substr(0, dot);
  }
  if (name.empty()) return std::nullopt;
  return name;
}

void remove_temporaries(const fs::path& folder,
                        const std::function<bool(std::string_view name)>& ours) {
  for (const FolderEntry& entry : list_folder(folder)) {
    const auto name = temporary_of(entry.name);
    if (entry.is_regular && name && ours(*name)) remove_file(entry.path);
  }
}

}  // namespace popaug
