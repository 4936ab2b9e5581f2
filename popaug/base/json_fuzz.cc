// JSON: what is read is what the library reads, without duplicate keys and within the limits.
#include <cstdint>
#include <string_view>

#include "popaug/base/base.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const JsonLimits limits = {.bytes = 1 << 16, .depth = 20, .values = 1000};
  try {
    const Json value = parse_json(text, "fuzz", limits);
    POPAUG_ASSERT(value == Json::parse(text));
    // A float that is written in its shortest form, so the way back gives the same text.
    const std::string line = json_line(value);
    POPAUG_ASSERT(json_line(parse_json(line, "back", {})) == line);
    POPAUG_ASSERT(parse_json(printable(line), "printed", {}) == parse_json(line, "back", {}));
  } catch (const Error& error) {
    POPAUG_ASSERT(std::string_view(error.what()).starts_with("fuzz"));
  }
  return 0;
}
