// What a request may see.
#include <algorithm>
#include <array>

#include "popaug/report/serve.h"

namespace popaug {
namespace {

constexpr std::array<std::string_view, 5> kOffered = {
    "best.schedule.json", "config.toml", "journal.jsonl", "progress.csv", "result.json"};

}  // namespace

std::optional<fs::path> served_file(const fs::path& run, std::string_view request_path) {
  constexpr std::string_view kFolder = "/files/";
  if (!request_path.starts_with(kFolder)) return std::nullopt;
  const std::string_view name = request_path.substr(kFolder.size());
  if (std::find(kOffered.begin(), kOffered.end(), name) == kOffered.end()) return std::nullopt;
  std::error_code error;
  const fs::path folder = fs::canonical(run, error);
  if (error) return std::nullopt;
  const fs::path file = fs::canonical(folder / name, error);
  if (error || file.parent_path() != folder) return std::nullopt;
  if (!fs::is_regular_file(file, error) || error) return std::nullopt;
  return file;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

bool host_is_allowed(std::string_view header, const std::string& host, int port) {
  const std::string ending = ":" + std::to_string(port);
  if (header.ends_with(ending)) header.remove_suffix(ending.size());
  const std::string name(header);
  if (is_loopback(name)) return true;
  // Served to other machines: any name may lead here, and the token guards instead.
  return !is_loopback(host);
}

}  // namespace popaug
