// The first difference between two settings, for a message. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_SETTINGS_DIFFERENCE_H_
#define POPAUG_SEARCH_INTERNAL_SETTINGS_DIFFERENCE_H_

#include <string>

#include "popaug/base/base.h"

namespace popaug {

// "explore.reset (was 0.2, is now 0.3)"; "" if the values are equal.
std::string first_difference(const Json& before, const Json& now);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_SETTINGS_DIFFERENCE_H_
