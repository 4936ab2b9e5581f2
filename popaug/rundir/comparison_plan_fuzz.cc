#include <cstddef>
#include <cstdint>
#include <string_view>

#include "popaug/rundir/rundir.h"

// A plan that is accepted reads back as the same. A text is tried as it is, and once more with the
// check that fits it, which no change of a text would find.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using popaug::Json;
  const auto json =
      popaug::try_json({reinterpret_cast<const char*>(data), size}, popaug::JsonLimits());
  if (!json || !json->is_object()) return 0;
  Json sealed = *json;
  sealed.erase("check");
  sealed["check"] = popaug::hash_hex(popaug::json_line(sealed));
  for (const Json* plan : {&*json, static_cast<const Json*>(&sealed)}) {
    try {
      const Json again = plan_to_json(popaug::plan_from_json(*plan, "fuzz"));
      if (plan_to_json(popaug::plan_from_json(again, "again")) != again) __builtin_trap();
    } catch (const popaug::Error&) {
    }
  }
  return 0;
}
