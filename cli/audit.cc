// popaug audit: which ops suit these images.
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kAuditVerb};
  std::string out = "audit-run";
  bool resume = false, json = false;
};

void print_summary(const AuditedOps& audited, const AuditRequest& request) {
  const fs::path& out = request.out;
  const Audit& audit = audited.audit;
  print("{}\n", audit_text(audit));
  print("figures  {}\npicture  {}\n", show_path(out / "audit.json"), show_path(out / "audit.svg"));
  if (!request.settings.audited_recipes.empty()) return;
  print("space    {}\n", show_path(out / "audited.space.toml"));
  if (!audit.space) {
    print("\nNo op of the space is left; a search has nothing to draw from.\n");
    return;
  }
  print("\nNext:\n  popaug search --data {}{} --space {}{}{} --preset pba --out run\n",
        shell_path(audited.data), next_flags(request.settings, kSearchVerb, "data"),
        shell_path(out / "audited.space.toml"), audit.flip_hurts ? " --flip 0" : "",
        plugin_flag(request.settings));
}

int audit(const Options& options) {
  AuditRequest request;
  request.out = options.out;
  request.resume = options.resume;
  options.flags.open_run(request);
  request.resume_command = "popaug audit --out " + shell_path(options.out) + " --resume";
  VerbProgress progress("audit");
  const SignalStop stop;
  const AuditedOps result = audit_ops(request, progress, stop.token());
  progress.finish();
  if (options.json) {
    print_json(audit_to_json(result.audit));
  } else {
    print_summary(result, request);
  }
  return 0;
}

}  // namespace

void add_audit(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("audit", "Measure which ops of a space suit these images");
  static Options options;
  verb->add_option("--out", options.out, "Directory for the results")->capture_default_str();
  verb->add_flag("--resume", options.resume, "Continue the audit in --out");
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(*verb,
           {{"popaug audit --data photos --out audit",
             "affinity, diversity and gain of every op; audit/audited.space.toml for a search"},
            {"popaug audit --data photos --size 32 --seeds 5 --levels 5 --out audit",
             "more levels and seeds; takes longer"},
            {"popaug audit --data photos --network wrn-16-2 --epochs 20 --out audit",
             "with the network and length that matter to you"},
            {"popaug audit --data photos --recipe trivial,randaugment,mild-0.5 --out audit",
             "affinity, diversity and gain of whole recipes in place of ops"},
            {"popaug audit --out audit --resume", "continue after a kill or a Ctrl-C"},
            {"popaug search --data photos --space audit/audited.space.toml --preset pba",
             "search without the ops that were shown to harm"}});
  verb->callback([&action] { action = [] { return audit(options); }; });
}

}  // namespace popaug::cli
