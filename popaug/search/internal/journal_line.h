// Result lines of a journal, written and read without a tree of values in between: a large search
// has millions of them. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_JOURNAL_LINE_H_
#define POPAUG_SEARCH_INTERNAL_JOURNAL_LINE_H_

#include <optional>
#include <string>
#include <string_view>

#include "popaug/search/journal.h"

namespace popaug {

// The whole line without its check: {"round":0,...}.
std::string result_line(const JournalResult& result, bool with_bits);

// Reads a line as result_line() writes it, without its closing brace. Nothing for any other text,
// which the general reader then judges.
std::optional<JournalResult> parse_result_line(std::string_view body,
                                               const SearchSettings& settings);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_JOURNAL_LINE_H_
