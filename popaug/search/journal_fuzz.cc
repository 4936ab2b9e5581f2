// Fuzzes the reader of journals and of early results. The checks are made right first, so that
// what lies behind them is reached.
#include <string>

#include "popaug/search/search.h"

namespace {

std::string resealed(std::string_view text) {
  std::string out, last;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string body(text.substr(0, end));
    if (const size_t check = body.rfind(",\"check\":\""); check != body.npos) body.resize(check);
    last = popaug::hash_hex(last + body).substr(0, 8);
    out += body + ",\"check\":\"" + last + "\"}\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void read(const std::string& text) {
  try {
    popaug::JournalFold fold;
    popaug::read_journal(text, "journal.jsonl", fold.visitor());
    if (fold.started()) {
      fold.population().spread();
      for (int m = 0; m < fold.population().settings().population; ++m) {
        fold.population().fold(m);
        fold.population().published_log(m);
      }
    }
  } catch (const popaug::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read(text);
  if (size < 1 << 16) read(resealed(text));
  return 0;
}
