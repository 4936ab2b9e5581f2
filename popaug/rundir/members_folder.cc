#include "popaug/rundir/internal/members_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "popaug/rundir/internal/list_folder.h"
#include "popaug/rundir/temporaries.h"

namespace popaug {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kTokenCharacters = "0123456789abcdef-";

bool only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == text.npos;
}

// Takes `prefix` and at least four digits off the text.
std::optional<int> take_number(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = text.substr(prefix.size());
  int number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const auto count = static_cast<size_t>(end - digits.data());
  if (code != std::errc() || count < 4 || !only(digits.substr(0, count), kDigits)) {
    return std::nullopt;
  }
  text.remove_prefix(prefix.size() + count);
  return number;
}

}  // namespace

std::string members_stem(const CheckpointId& id) {
  return fmt::format("r{:04}-m{:04}", id.round, id.member);
}

std::optional<MembersName> parse_members_name(std::string_view name) {
  if (const auto inner = temporary_of(name)) {
    auto parsed = parse_members_name(*inner);
    if (!parsed || parsed->kind == MembersFile::kTemporary) return std::nullopt;
    parsed->kind = MembersFile::kTemporary;
    return parsed;
  }
  const auto round = take_number(name, "r");
  const auto member = round ? take_number(name, "-m") : std::nullopt;
  if (!member) return std::nullopt;
  const CheckpointId id{*member, *round};
  if (name == ".safetensors") return MembersName{MembersFile::kCheckpoint, id};
  if (name == ".result.json") return MembersName{MembersFile::kEarlyResult, id};
  if (!name.starts_with(".try-")) return std::nullopt;
  name.remove_prefix(std::string_view(".try-").size());
  if (name.ends_with(".correct")) name.remove_suffix(std::string_view(".correct").size());
  if (!only(name, kTokenCharacters)) return std::nullopt;
  return MembersName{MembersFile::kAttempt, id};
}

std::vector<MembersEntry> list_members(const fs::path& folder) {
  std::vector<MembersEntry> entries;
  for (const FolderEntry& entry : list_folder(folder)) {
    const auto name = parse_members_name(entry.name);
    if (entry.is_regular && name) entries.push_back({entry.path, *name});
  }
  return entries;
}

void remove_members_file(const fs::path& path) {
  if (failpoint("checkpoint.delete")) {
    throw Error(show_path(path) + ": cannot delete: " + std::strerror(errno));
  }
  remove_file(path);
}

}  // namespace popaug
