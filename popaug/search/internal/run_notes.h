// Sentences about a running search, for its progress lines. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_RUN_NOTES_H_
#define POPAUG_SEARCH_INTERNAL_RUN_NOTES_H_

#include <string>
#include <vector>

#include "popaug/search/population.h"

namespace popaug {

// The member with the highest of the latest scores; -1 before any.
int best_member(const Population& population);

// "round 3: member 5 (61.2 %) copies member 1 (70.4 %)", one sentence per copy; one for all where
// there are many.
std::vector<std::string> copy_notes(const Population& population, const Decision& decision);

// "best 71.3 % (member 4) [PICTURE], policies differ by 1.30"; "no scores yet". `picture` may be
// empty.
std::string standing_note(const Population& population, int best, double spread,
                          const std::string& picture);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_RUN_NOTES_H_
