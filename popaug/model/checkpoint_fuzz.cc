#include <cstddef>
#include <cstdint>
#include <string>

#include "popaug/model/checkpoint.h"

namespace {

// The version of an accepted checkpoint; 0 for a refused one.
int version_of(const std::string& bytes) {
  try {
    const popaug::Checkpoint checkpoint = popaug::open_checkpoint(bytes, "fuzz");
    return checkpoint.tensors.metadata.contains("check") ? 2 : 1;
  } catch (const popaug::Error&) {
    return 0;
  }
}

}  // namespace

// The first two bytes choose a bit of the rest. Whatever is accepted with a checksum must be
// refused with that bit flipped.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (version_of(bytes) != 2) return 0;
  const size_t bit = (size_t{data[0]} * 256 + data[1]) % (bytes.size() * 8);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  if (version_of(bytes) == 2) __builtin_trap();
  return 0;
}
