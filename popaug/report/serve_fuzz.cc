// Heads, paths and Host headers of requests: only a small, plain head is passed on, and nothing
// outside the run directory is ever named.
#include "popaug/report/http_head.h"
#include "popaug/report/serve.h"

namespace {

// What is passed on is read again to itself, has only known headers, and no more bytes came from
// the client than the limits allow.
void check_head(std::string_view text) {
  using namespace popaug;
  const auto head = read_request_head(text);
  if (!head || head->refused != 0) return;
  POPAUG_ASSERT(head->text.size() <= kLongestHead + 64);
  if (head->text.size() > kLongestHead) return;
  const auto again = read_request_head(head->text);
  POPAUG_ASSERT(again && again->refused == 0 && again->text == head->text);
  const std::vector<std::string> lines = split(head->text, '\n');
  POPAUG_ASSERT(lines[0].starts_with("GET /") || lines[0].starts_with("HEAD /"));
  for (size_t i = 1; i + 2 < lines.size(); ++i) {
    POPAUG_ASSERT(lines[i].starts_with("Host: ") || lines[i].starts_with("Cookie: ") ||
                  lines[i] == "Connection: close\r");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  static const TemporaryFolder folder("popaug-fuzz");
  static const bool made = [] {
    write_file_atomic(folder.path() / "result.json", "{}");
    fs::create_symlink("/etc/passwd", folder.path() / "config.toml");
    return true;
  }();
  POPAUG_ASSERT(made);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_head(text);
  if (size > 4096) return 0;
  for (const std::string& path : {std::string(text), "/files/" + std::string(text)}) {
    if (const auto file = served_file(folder.path(), path)) {
      POPAUG_ASSERT(file->filename() == "result.json");
      POPAUG_ASSERT(file->parent_path() == fs::canonical(folder.path()));
    }
  }
  if (host_is_allowed(text, "127.0.0.1", 8750)) {
    POPAUG_ASSERT(text.starts_with("localhost") || text.starts_with("127.") ||
                  text.starts_with("::1") || text.starts_with("[::1]"));
  }
  return 0;
}
