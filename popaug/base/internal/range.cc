#include "popaug/base/internal/range.h"

#include <cmath>
#include <cstdint>

#include "popaug/base/text.h"

namespace popaug {
namespace {

std::string plain_number(double value) {
  const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
  return whole ? std::to_string(static_cast<int64_t>(value)) : number_text(value);
}

}  // namespace

std::string range_fault(double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return "";
  return plain_number(value) + " is not in " + plain_number(low) + " .. " + plain_number(high);
}

}  // namespace popaug
