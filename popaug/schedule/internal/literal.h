// Python and JSON literals as JSON values: what the published logs are written in.
#ifndef POPAUG_SCHEDULE_INTERNAL_LITERAL_H_
#define POPAUG_SCHEDULE_INTERNAL_LITERAL_H_

#include <string>
#include <string_view>

#include "popaug/base/base.h"

namespace popaug {

// Parses one literal: lists, tuples, dicts with text keys, text in either quotes, numbers, and
// True/False/None or true/false/null. Throws Error starting with `origin` and naming the column.
Json parse_literal(std::string_view text, const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_INTERNAL_LITERAL_H_
