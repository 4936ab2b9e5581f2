#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "popaug/rundir/rundir.h"

// No text makes the reader fail, and no sum leaves the finite numbers from 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const popaug::RunTimes times = popaug::read_run_log(text);
  if (!std::isfinite(times.wall_seconds) || !(times.trained_seconds >= 0)) __builtin_trap();
  try {
    popaug::read_training_progress(text);
  } catch (const popaug::Error&) {
  }
  return 0;
}
