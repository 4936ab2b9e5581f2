// An image through an op: bytes 0 op, 1 width, 2 height, 3 flags, 4..11 the value's bits, the rest
// pixels. Any value is refused or gives an image of the same size.
#include <cstdint>
#include <cstring>

#include "popaug/augment/augment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  if (size < 12) return 0;
  const OpRow& row = op_rows()[data[0] % op_rows().size()];
  Image image(1 + data[1] % 64, 1 + data[2] % 64);
  double value;
  std::memcpy(&value, data + 4, sizeof value);
  for (size_t i = 0; size > 12 && i < image.size_bytes(); ++i) {
    image.data()[i] = data[12 + i % (size - 12)];
  }
  const Image before = image;
  Random random({.seed = data[3], .purpose = Purpose::kOp});
  OpContext context{&random, (data[3] & 1) != 0, (data[3] & 2) != 0};
  try {
    apply_op(image, row.name, value, context);
    POPAUG_ASSERT(image.width() == before.width() && image.height() == before.height());
    POPAUG_ASSERT(!row.has_identity || value != row.identity || image == before);
  } catch (const Error&) {
    POPAUG_ASSERT(row.uses_value);
    POPAUG_ASSERT(image == before);
  }
  return 0;
}
