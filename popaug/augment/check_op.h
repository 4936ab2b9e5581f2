// The checks that every op passes, built-in or not.
#ifndef POPAUG_AUGMENT_CHECK_OP_H_
#define POPAUG_AUGMENT_CHECK_OP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/augment/op.h"

namespace popaug {

// Runs the plain twin of an op over sizes 1x1 to 300x200, hole patterns, grey images, its values
// and its limits. Returns a sentence for each promise of its row that it breaks: it keeps the size,
// writes nothing outside the pixels, draws only if it says so, gives the same bytes for the same
// draws on any thread, ignores its value if it says so, changes nothing at its identity value,
// leaves grey images grey, and unchanged if it says so, and does to holes what it says.
std::vector<std::string> check_op_row(const OpRow& row, uint64_t seed = 1);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_CHECK_OP_H_
