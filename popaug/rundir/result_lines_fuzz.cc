#include <cstddef>
#include <cstdint>
#include <string_view>

#include "popaug/rundir/rundir.h"

// What is accepted has as many lines as newlines up to its good bytes, and reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto read = popaug::ResultLines::parse(bytes, "fuzz");
    const auto again = popaug::ResultLines::parse(bytes.substr(0, read.good_bytes), "fuzz");
    if (again.lines.size() != read.lines.size()) __builtin_trap();
    if (again.good_bytes != read.good_bytes || again.last_check != read.last_check) {
      __builtin_trap();
    }
  } catch (const popaug::Error&) {
  }
  return 0;
}
