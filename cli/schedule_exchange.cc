// popaug schedule import, export.
#include <memory>

#include "cli/schedule.h"

namespace popaug::cli {
namespace {

struct ImportFlags {
  std::string input, output, base;
  int epochs = 0;
  std::vector<std::string> provenance;
};

// KEY=VALUE; a value that is a number or JSON is stored as such.
void add_provenance(Json& provenance, const std::string& item) {
  const size_t equals = item.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError("--provenance " + quote(item) + " is not KEY=VALUE");
  }
  const std::string value = item.substr(equals + 1);
  const std::optional<Json> parsed = try_json(value);
  provenance[item.substr(0, equals)] = parsed && parsed->is_number() ? *parsed : Json(value);
}

int import_file(const ImportFlags& flags) {
  std::vector<std::string> notes;
  Schedule schedule = import_schedule(read_file(flags.input, 64 << 20), show_path(flags.input),
                                      flags.epochs, &notes);
  if (!flags.base.empty()) {
    schedule.change_bases([&](BaseTransforms& base) { base = base_by_name(flags.base); });
  }
  for (const std::string& item : flags.provenance) add_provenance(schedule.provenance, item);
  for (const std::string& note : notes) print_note("note", note);
  check_schedule(schedule, show_path(flags.input));
  write_output(flags.output, schedule_text(schedule));
  return 0;
}

struct ExportFlags {
  std::string schedule, output, to;
};

int export_file(const ExportFlags& flags) {
  const Schedule schedule = schedule_argument(flags.schedule);
  std::string text;
  if (flags.to == "pba") text = export_pba_log(schedule);
  if (flags.to == "json") text = schedule_text(schedule);
  if (flags.to == "csv") {
    text = export_csv(schedule);
    if (const std::string base = base_words(schedule); base != "none") {
      print_note("note", "CSV contains only the ops; left out: " + base);
    }
  }
  if (flags.to == "python") text = export_python(schedule);
  if (flags.to == "albumentations") {
    std::vector<std::string> deviations;
    text = export_albumentations(schedule, &deviations);
    for (const std::string& deviation : deviations) {
      print_note("deviation", deviation);
    }
  }
  write_output(flags.output, text);
  return 0;
}

}  // namespace

void add_schedule_exchange(CLI::App& verb, Action& action) {
  auto in = std::make_shared<ImportFlags>();
  CLI::App* app = verb.add_subcommand(
      "import", "A published PBA log, AutoAugment sub-policies or a schedule, as a schedule file");
  app->add_option("FILE", in->input, "The file to read; its kind is recognised")->required();
  app->add_option("-o,--output", in->output, "NAME.schedule.json; default: stdout");
  app->add_option("--epochs", in->epochs, "Length of the whole search, which a log does not say")
      ->check(CLI::Range(1, kMaxScheduleEpochs));
  app->add_option("--base", in->base,
                  "Base transforms: none, crop, flipcrop, dihedral, cifar (default), svhn");
  app->add_option("--provenance", in->provenance, "KEY=VALUE to record in the file; repeatable")
      ->allow_extra_args(false);
  examples(*app, {{"popaug schedule import pbt_policy_15.txt --epochs 200 -o mine.schedule.json",
                   "a log of the published implementation"},
                  {"popaug schedule import policies.json --base svhn -o aa.schedule.json",
                   "[[[\"ShearX\",0.9,4],[\"Invert\",0.2,3]],...]"}});
  app->callback([in, &action] { action = [in] { return import_file(*in); }; });

  auto out = std::make_shared<ExportFlags>();
  app = verb.add_subcommand("export", "A schedule for other programs");
  app->add_option("SCHEDULE", out->schedule, "File, shipped name or baseline")->required();
  app->add_option("--to", out->to, "Kind of file: pba, python, json, csv or albumentations")
      ->required()
      ->check(CLI::IsMember({"pba", "python", "json", "csv", "albumentations"}));
  app->add_option("-o,--output", out->output, "File to write; default: stdout");
  examples(*app, {{"popaug schedule export best.schedule.json --to python -o schedule.py",
                   "one file that needs only Pillow; a torchvision transform"},
                  {"popaug schedule export best.schedule.json --to pba -o pbt_policy.txt",
                   "for the published implementation"}});
  app->callback([out, &action] { action = [out] { return export_file(*out); }; });
}

}  // namespace popaug::cli
