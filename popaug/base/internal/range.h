// The sentence for a number outside its range.
#ifndef POPAUG_BASE_INTERNAL_RANGE_H_
#define POPAUG_BASE_INTERNAL_RANGE_H_

#include <string>

namespace popaug {

// "200000 is not in 1 .. 100000", or "" if `value` is in the closed range. Whole numbers have no
// exponent: 100000 rather than 1e+05.
std::string range_fault(double value, double low, double high);

}  // namespace popaug

#endif  // POPAUG_BASE_INTERNAL_RANGE_H_
