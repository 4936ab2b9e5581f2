// The importers: whatever they accept is a schedule that popaug's format can hold.
#include "popaug/schedule/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  if (size > 1 << 20) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    std::vector<std::string> notes;
    const Schedule schedule = import_schedule(text, "fuzz", 200, &notes);
    const Schedule back = schedule_from_text(schedule_text(schedule), "fuzz");
    POPAUG_ASSERT(back.segments == schedule.segments);
  } catch (const Error&) {
  }
  return 0;
}
