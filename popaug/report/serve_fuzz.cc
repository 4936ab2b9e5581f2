// Paths and Host headers of requests: nothing outside the run directory is ever named.
#include "popaug/report/serve.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  static const TemporaryFolder folder("popaug-fuzz");
  static const bool made = [] {
    write_file_atomic(folder.path() / "result.json", "{}");
    fs::create_symlink("/etc/passwd", folder.path() / "config.toml");
    return true;
  }();
  POPAUG_ASSERT(made);
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
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
