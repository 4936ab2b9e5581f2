// Two ops of your own, as a plugin: Gamma (a table of 256 bytes) and Speckle (uses draws).
//   c++ -O2 -fPIC -shared -I INCLUDE my_ops.cc -o my_ops.so
#include <cmath>

#include "popaug/augment/plugin.h"

namespace {

// out = 255 * (in / 255) ^ value, each colour by itself; holes keep their alpha.
int32_t gamma(const popaug_call* call) {
  uint8_t table[256];
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::lround(255.0 * std::pow(i / 255.0, call->value)));
  }
  const int64_t count = int64_t{call->width} * call->height;
  for (int64_t i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) call->pixels[4 * i + c] = table[call->pixels[4 * i + c]];
  }
  return 0;
}

// A share `value` of the pixels turns white: dust on the lens.
int32_t speckle(const popaug_call* call) {
  const int64_t count = int64_t{call->width} * call->height;
  for (int64_t i = 0; i < count; ++i) {
    if (call->random->uniform(call->random->state) >= call->value) continue;
    for (int c = 0; c < 4; ++c) call->pixels[4 * i + c] = 255;
  }
  return 0;
}

const popaug_op kOps[] = {
    {"Gamma", "a power of each colour", "exponent", POPAUG_OP_USES_VALUE | POPAUG_OP_HAS_IDENTITY,
     0.1, 10, 1, gamma},
    {"Speckle", "white dust", "share", POPAUG_OP_USES_VALUE | POPAUG_OP_DRAWS, 0, 1, 0, speckle},
};

const popaug_plugin kPlugin = {
    POPAUG_PLUGIN_ABI, sizeof(popaug_op), "own_op example", "1", 2, kOps};

}  // namespace

const popaug_plugin* popaug_plugin_entry(void) { return &kPlugin; }
