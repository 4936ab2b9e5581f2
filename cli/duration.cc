#include "cli/duration.h"

#include <charconv>
#include <cmath>

#include "popaug/base/base.h"

namespace popaug::cli {

double parse_duration(const std::string& text, const std::string& flag) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double scale = unit == "s" || unit.empty() ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (code != std::errc() || !std::isfinite(value) || value <= 0 || scale == 0) {
    throw UsageError(flag + ": expected a time such as 90s, 30m or 1.5h, found " + quote(text));
  }
  return value * scale;
}

}  // namespace popaug::cli
