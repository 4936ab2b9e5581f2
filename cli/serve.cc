// popaug serve: the live page of a run.
#include <chrono>
#include <memory>
#include <thread>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct ServeFlags {
  std::string run;
  ServeOptions options;
};

int serve(const ServeFlags& flags) {
  const SignalStop stop;
  LiveServer server(flags.run, flags.options);
  print("{}\nCtrl-C ends it.\n", server.url());
  finish_output();
  while (!stop.token().requested()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server.stop();
  return 0;
}

}  // namespace

void add_serve(CLI::App& program, Action& action) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* app = program.add_subcommand("serve", "The live page of a running or finished search");
  app->add_option("RUN", flags->run, "The run directory")->required();
  app->add_option("--port", flags->options.port, "Port to serve at; 0: any free one")
      ->check(CLI::Range(0, 65535));
  app->add_option("--host", flags->options.host,
                  "Address to serve at; anything but this machine's own (127.0.0.1) makes a token");
  app->add_option("--pages", flags->options.pages,
                  "Pages that get updates at once; more are told to ask every 5 seconds")
      ->check(CLI::Range(1, 1000));
  app->add_option("--look", flags->options.look_seconds, "Seconds between looks at the run")
      ->check(CLI::Range(0.05, 60.0));
  examples(*app, {{"popaug serve run", "then open the address that it prints"},
                  {"popaug serve run --host 0.0.0.0", "for other machines, with a token"}});
  app->callback([flags, &action] { action = [flags] { return serve(*flags); }; });
}

}  // namespace popaug::cli
