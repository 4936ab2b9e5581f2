// The program for a process that is not its own: python/popaug/_program.py opens this as a library,
// registers recipes of other libraries, and calls it.
#include "cli/guard.h"
#include "cli/program.h"

// As main(): prints errors and returns the exit code; call it once.
extern "C" __attribute__((visibility("default"))) int popaug_main(int argc, char** argv) {
  return popaug::cli::run_guarded([&] { return popaug::cli::run_program(argc, argv); });
}
