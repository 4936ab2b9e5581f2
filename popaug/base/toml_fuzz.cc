// TOML: what is read survives the way back, and nothing that is read is deep.
#include <cstdint>
#include <string_view>

#include "popaug/base/base.h"

namespace {

int depth_of(const popaug::Json& value) {
  int deepest = 0;
  for (const auto& item : value) {
    if (item.is_structured()) deepest = std::max(deepest, depth_of(item));
  }
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Json value = parse_toml(text, "fuzz");
    POPAUG_ASSERT(depth_of(value) <= 65);
  } catch (const Error& error) {
    POPAUG_ASSERT(std::string_view(error.what()).starts_with("fuzz"));
  }
  return 0;
}
