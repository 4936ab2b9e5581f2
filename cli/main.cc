// popaug: learned image augmentation.
#include "cli/guard.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  popaug::cli::secure_standard_descriptors();
  return popaug::cli::run_guarded([&] { return popaug::cli::run_program(argc, argv); });
}
