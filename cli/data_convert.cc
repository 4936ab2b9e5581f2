// popaug data convert: any set into one packed file.
#include <chrono>
#include <memory>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  std::string out;
  bool resume = false, json = false;
};

int run(const Flags& flags) {
  refuse_standard_output("-o", flags.out);
  const SignalStop stop;
  VerbProgress progress("packing");
  const PackReport report =
      pack_dataset(flags.data, flags.out, flags.options(), progress, stop.token());
  progress.finish();
  if (flags.json) {
    const Json json = {{"file", show_path(flags.out)}, {"images", report.images},
                       {"resumed", report.resumed},    {"bytes", report.bytes},
                       {"left_out", report.left_out},  {"notes", report.notes}};
    print_json(json);
    return 0;
  }
  print("{}: {} images, {}\n", show_path(flags.out), report.images,
        bytes_text(static_cast<double>(report.bytes)));
  if (report.resumed > 0) {
    print("{} of them were packed before\n", report.resumed);
  }
  for (const std::string& note : report.notes) print("note: {}\n", name_flags(note));
  return 0;
}

}  // namespace

void add_data_convert(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = data.add_subcommand("convert", "Pack a set into one file that is mapped");
  add_read_flags(*verb, *flags);
  verb->add_option("-o", flags->out, "The packed file to write")->required();
  verb->add_flag("--resume", flags->resume,
                 "Continue after a stop (also done without it where the earlier work fits)");
  verb->add_flag("--json", flags->json, "Print JSON");
  examples(*verb,
           {{"popaug data convert --data photos --size 64x48 -o photos.popaug",
             "decoded and resized once, on all cores"},
            {"popaug data convert --data photos --size 224 --scaled-decoding -o photos.popaug",
             "large JPEGs, faster: see docs/decisions/photographs.md"},
            {"popaug train --data photos.popaug --out run", "opens in milliseconds"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
