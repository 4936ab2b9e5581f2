// popaug data convert: any set into one packed file.
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/data.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  std::string out;
  bool resume = false, json = false;
};

int run(const Flags& flags) {
  const SignalStop stop;
  TerminalProgress progress("packing");
  const PackReport report =
      pack_dataset(flags.data, flags.out, flags.options(), progress, stop.token());
  progress.finish();
  if (flags.json) {
    const Json json = {{"file", show_path(flags.out)},
                       {"images", report.images},
                       {"resumed", report.resumed},
                       {"bytes", report.bytes},
                       {"notes", report.notes}};
    std::fputs(json_pretty(json).c_str(), stdout);
    return 0;
  }
  std::printf("%s: %llu images, %s\n", show_path(flags.out).c_str(),
              static_cast<unsigned long long>(report.images),
              bytes_text(static_cast<double>(report.bytes)).c_str());
  if (report.resumed > 0) {
    std::printf("%llu of them were packed before\n",
                static_cast<unsigned long long>(report.resumed));
  }
  for (const std::string& note : report.notes) std::printf("note: %s\n", note.c_str());
  return 0;
}

}  // namespace

void add_data_convert(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = data.add_subcommand("convert", "pack a set into one file that is mapped");
  add_read_flags(*verb, *flags);
  verb->add_option("-o", flags->out, "the packed file to write")->required();
  verb->add_flag("--resume", flags->resume,
                 "go on after a stop; done anyway where the work so far fits");
  verb->add_flag("--json", flags->json, "print JSON");
  examples(*verb,
           {{"popaug data convert --data photos --size 64x48 -o photos.popaug",
             "decoded and resized once, on all cores"},
            {"popaug data convert --data photos --size 224 --scaled-decoding -o photos.popaug",
             "large JPEGs, faster: see docs/decisions/photographs.md"},
            {"popaug train --data photos.popaug --out run", "opens in milliseconds"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
