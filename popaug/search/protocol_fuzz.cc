// Fuzzes both directions of the worker protocol.
#include <string>

#include "popaug/search/internal/process.h"
#include "popaug/search/search.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  try {
    popaug::parse_worker_message(line);
  } catch (const popaug::Error&) {
  }
  try {
    popaug::parse_run_message(popaug::parse_json(line, "message"), "message");
  } catch (const popaug::Error&) {
  }
  try {
    popaug::split_command(line);
  } catch (const popaug::Error&) {
  }
  return 0;
}
