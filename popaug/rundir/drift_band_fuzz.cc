#include <cstddef>
#include <cstdint>
#include <string_view>

#include "popaug/rundir/rundir.h"

// A band that is accepted reads back as the same, and every epoch of a schedule has a place in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json =
      popaug::try_json({reinterpret_cast<const char*>(data), size}, popaug::JsonLimits());
  if (!json) return 0;
  try {
    const popaug::DriftBand band = popaug::band_from_json(*json, "fuzz");
    const popaug::Json again = popaug::band_to_json(band);
    if (popaug::band_to_json(popaug::band_from_json(again, "again")) != again) __builtin_trap();
    for (const int epoch : {0, 1, 1 << 30}) {
      if (band.epoch_of(epoch, 7) >= static_cast<size_t>(band.epochs)) __builtin_trap();
    }
  } catch (const popaug::Error&) {
  }
  return 0;
}
