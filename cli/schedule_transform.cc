// popaug schedule stretch, last, shuffle, flatten.
#include <memory>

#include "cli/schedule.h"

namespace popaug::cli {
namespace {

struct TransformFlags {
  std::string schedule, output;
  int epochs = 0;
  uint64_t seed = 0;
};

using Transform = Schedule (*)(const Schedule&, const TransformFlags&);

CLI::App* add(CLI::App& verb, Action& action, const std::string& name, const std::string& about,
              Transform transform, bool seeded = false) {
  auto flags = std::make_shared<TransformFlags>();
  CLI::App* app = verb.add_subcommand(name, about);
  app->add_option("SCHEDULE", flags->schedule, "File, shipped name or baseline")->required();
  app->add_option("-o,--output", flags->output, "NAME.schedule.json; default: stdout");
  CLI::Option* epochs = app->add_option("--epochs", flags->epochs, "Stretch to this many epochs")
                            ->check(CLI::Range(1, kMaxScheduleEpochs));
  if (name == "stretch") epochs->required();
  if (seeded) app->add_option("--seed", flags->seed, "Seed of the draws");
  app->callback([flags, transform, &action] {
    action = [flags, transform] {
      Schedule schedule = schedule_argument(flags->schedule);
      if (flags->epochs > 0) schedule = stretch(schedule, flags->epochs);
      write_output(flags->output, schedule_text(transform(schedule, *flags)));
      return 0;
    };
  });
  return app;
}

}  // namespace

void add_schedule_transform(CLI::App& verb, Action& action) {
  examples(*add(verb, action, "stretch", "The same schedule for another length of training",
                [](const Schedule& s, const TransformFlags&) { return s; }),
           {{"popaug schedule stretch rcifar10-paper --epochs 1800 -o long.schedule.json",
             "boundaries go to round(epoch * 1800 / 200)"}});
  examples(*add(verb, action, "last", "The last policy for the whole length (an ablation)",
                [](const Schedule& s, const TransformFlags&) { return last_policy(s); }),
           {{"popaug schedule last best.schedule.json -o last.schedule.json", ""}});
  examples(*add(verb, action, "flatten", "Each image draws a random epoch's policy (an ablation)",
                [](const Schedule& s, const TransformFlags&) { return flatten(s); }),
           {{"popaug schedule flatten best.schedule.json -o flat.schedule.json",
             "one segment whose rule is a mixture"}});
  examples(*add(
               verb, action, "shuffle", "The segments in a random order (an ablation)",
               [](const Schedule& s, const TransformFlags& flags) {
                 return shuffle_segments(s, flags.seed);
               },
               true),
           {{"popaug schedule shuffle best.schedule.json --seed 1 -o shuffled.schedule.json", ""}});
}

}  // namespace popaug::cli
