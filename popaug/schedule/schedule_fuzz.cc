// Our schedule reader: whatever it accepts can be written and read back as the same.
#include "popaug/schedule/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  if (size > 1 << 20) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Schedule schedule = schedule_from_text(text, "fuzz");
    const Schedule back = schedule_from_text(schedule_text(schedule), "fuzz");
    POPAUG_ASSERT(back == schedule);
    if (schedule.epochs() > 0) schedule.at(schedule.epochs() / 2);
    stretch(schedule, 7);
  } catch (const Error&) {
  }
  return 0;
}
