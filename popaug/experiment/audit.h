// The recipe of an audit: which ops of a space suit the images.
#ifndef POPAUG_EXPERIMENT_AUDIT_H_
#define POPAUG_EXPERIMENT_AUDIT_H_

#include <string>

#include "popaug/compare/compare.h"
#include "popaug/experiment/run_folder.h"

namespace popaug {

struct AuditRequest : RunRequest {};  // settings.audited_recipes: of recipes, not of ops

struct AuditedOps {
  Audit audit;
  std::string data;  // where the set is
};

// Measures every op, judges, and writes audit.json, audit.svg, audit.png and audited.space.toml; of
// recipes there is no space.
AuditedOps audit_ops(const AuditRequest& request, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_AUDIT_H_
