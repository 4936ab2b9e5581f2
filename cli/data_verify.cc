// popaug data verify: is the set fit to learn from?
#include <cstdio>
#include <memory>

#include "cli/data.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  bool json = false;
};

void print_text(const Verification& verification) {
  constexpr size_t kShown = 20;
  for (const Finding& finding : verification.findings) {
    std::printf("%s: %s\n", finding.fault ? "fault" : "note", finding.sentence.c_str());
    for (size_t i = 0; i < std::min(kShown, finding.images.size()); ++i) {
      std::printf("    %s\n", finding.images[i].c_str());
    }
    if (finding.images.size() > kShown) {
      std::printf("    and %zu more (--json lists all)\n", finding.images.size() - kShown);
    }
  }
  std::printf("%s: %zu images, %s\n", verification.path.c_str(), verification.images,
              verification.sound() ? "no faults" : "with faults that would spoil a result");
}

int run(const Flags& flags) {
  TerminalProgress progress("checking");
  const Verification verification = verify_dataset(flags.data, flags.options(), progress);
  progress.finish();
  if (flags.json) {
    std::fputs(json_pretty(verification_json(verification)).c_str(), stdout);
  } else {
    print_text(verification);
  }
  return static_cast<int>(verification.sound() ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_data_verify(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb =
      data.add_subcommand("verify", "broken files, sizes, duplicates, leaks between splits");
  add_read_flags(*verb, *flags);
  verb->add_flag("--json", flags->json, "print JSON, with every image concerned");
  examples(*verb, {{"popaug data verify --data photos", "exit code 1 if a result would be spoilt"},
                   {"popaug data verify --data set.popaug", "also checks every checksum"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
