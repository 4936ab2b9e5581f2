// Spaces: the first byte says JSON or TOML; what is read survives the way back.
#include <cstdint>
#include <string_view>

#include "popaug/augment/augment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const Space space = data[0] == 'T' ? space_from_toml(text, "fuzz")
                                       : space_from_json(parse_json(text, "fuzz"), "fuzz");
    POPAUG_ASSERT(space_from_json(space_to_json(space), "back") == space);
    for (const SpaceOp& op : space.ops) {
      const OpRow& row = *find_op(op.op);
      for (int level = 0; level < space.levels; level += 7) {
        const double value = op_value(op, level, op.is_signed, 300, 20);
        POPAUG_ASSERT(op.values.empty() || row.unit == "px" ||
                      (value >= row.low && value <= row.high));
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
