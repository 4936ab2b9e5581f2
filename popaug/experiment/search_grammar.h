// What a search varies, as the settings genes, ops, limits, amounts and start say it
// (docs/decisions/settings.md).
#ifndef POPAUG_EXPERIMENT_SEARCH_GRAMMAR_H_
#define POPAUG_EXPERIMENT_SEARCH_GRAMMAR_H_

#include <map>
#include <string>
#include <vector>

#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// "lr=0.01..0.4, flip=0..1:start=0.5": NAME=LOW..HIGH with the options start=V, log and linear. A
// rate (lr, weight_decay) steps in its logarithm unless linear is said; pad and cutout are whole.
// `known_only`: the genes are for our own trainer, so a name that it does not know, or a range
// beyond what the setting of that name accepts, is refused. UsageError.
std::vector<Gene> parse_genes(const std::string& text, bool known_only);

// "Rotate, ShearX": the space with only these ops, in its own order; the same space for "".
Space only_ops(Space space, const std::string& text);

// "Rotate:p=0..0.5:level=0..6, Invert:p=0..0.3"; ops must be of the space. Entries for an op of
// `left_out` (a grey set's) are dropped.
std::map<std::string, OpLimits> parse_limits(const std::string& text, const Space& space,
                                             const std::vector<std::string>& left_out);

// "0,1,2,3".
std::vector<int> parse_amounts(const std::string& text);

// The last policy of a schedule as a start: ops by name, the n-th entry of an op in its n-th copy,
// ops that it lacks at zero. UsageError where it has more entries of an op than `copies`, or an op
// whose levels mean other values here; ops of `left_out` are dropped.
Policy start_policy(const Schedule& schedule, const Space& space, int copies,
                    const std::vector<std::string>& left_out);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_SEARCH_GRAMMAR_H_
