// Turns findings about cells into decisions about ops, and into a space.
#ifndef POPAUG_COMPARE_INTERNAL_AUDITED_SPACE_H_
#define POPAUG_COMPARE_INTERNAL_AUDITED_SPACE_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/compare/audit_verdict.h"

namespace popaug {

// The searched level at which an op changes least: its identity, otherwise its mildest value.
int mildest_level(const SpaceOp& op, const Space& space);

// One decision per op, in the order of the cells.
std::vector<OpFinding> decide_ops(const AuditSettings& settings,
                                  const std::vector<CellFinding>& cells,
                                  const std::vector<std::string>& classes);

// The space with ops left out and ranges cut: as many levels as before, spread evenly over the kept
// range. Nothing if no op is left.
std::optional<Space> audited_space(const Space& space, const std::vector<OpFinding>& ops);

// Describes what a cell does, as the reason of a decision: "trained with it, 12.1 points are lost
// (...)".
std::string harm_sentence(const CellFinding& cell, const std::vector<std::string>& classes);

// Writes the findings as sentences, the strongest first.
std::vector<std::string> audit_sentences(const Audit& audit);

}  // namespace popaug

#endif  // POPAUG_COMPARE_INTERNAL_AUDITED_SPACE_H_
