#include "popaug/experiment/run_folder.h"

namespace popaug {
namespace {

const RunKind& kind_of(Verbs verb) {
  if (verb == kSearchVerb) return search_run();
  if (verb == kTrainVerb) return training_run();
  if (verb == kCompareVerb) return comparison_run();
  if (verb == kAuditVerb) return audit_run();
  return screening_run();
}

}  // namespace

std::shared_ptr<RunDirectory> run_directory(const RunRequest& request, Verbs verb) {
  if (request.directory) return request.directory;
  return std::make_shared<RunDirectory>(request.out, kind_of(verb),
                                        request.resume ? RunStart::kResume : RunStart::kNew);
}

void open_run(RunRequest& request, Verbs verb, SettingSources sources) {
  request.directory = run_directory(request, verb);
  if (request.resume) {
    const fs::path config = request.out / "config.toml";
    if (!fs::exists(config)) {
      throw UsageError(name_setting("resume") + ": " + show_path(request.out) +
                       " has no config.toml, which says what the " + kind_of(verb).name +
                       " is; restore it from a copy, or choose another " + name_setting("out"));
    }
    if (sources.values.contains("init")) {
      throw UsageError(name_setting("init") + " names the weights that a " + kind_of(verb).name +
                       " starts from, and a resumed one continues from its own; leave it out, or " +
                       "start anew in another " + name_setting("out"));
    }
    if (sources.config.empty() && sources.preset.empty()) sources.config = config.string();
  }
  request.settings = resolve_settings(verb, sources);
}

}  // namespace popaug
