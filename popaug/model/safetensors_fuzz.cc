#include <cstddef>
#include <cstdint>
#include <string_view>

#include "popaug/model/safetensors.h"

// Whatever is accepted must survive a round trip.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const popaug::RawTensors tensors = popaug::parse_safetensors(bytes, "fuzz");
    const std::string again = popaug::make_safetensors(tensors);
    const popaug::RawTensors second = popaug::parse_safetensors(again, "fuzz");
    if (second.tensors.size() != tensors.tensors.size()) __builtin_trap();
  } catch (const popaug::Error&) {
  }
  return 0;
}
