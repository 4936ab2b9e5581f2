#include "cli/training.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace popaug::cli {
namespace {

constexpr char kLibrary[] = "libpopaug_train.so.0";

std::string load_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown reason" : text;
}

const TrainingApi* open_library() {
  // Set by the Python wheel's launcher, which knows which torch is installed.
  if (const char* why = std::getenv("POPAUG_NO_TRAINING"); why != nullptr) throw Error(why);
  // Found beside the program in the build folder, in ../lib where it is installed (rpath).
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("this verb needs the training library, which cannot be opened: " + load_error() +
                "; build with torch (make; see README.md), or set POPAUG_TORCH to the folder of an "
                "installed torch and build again");
  }
  using Function = const TrainingApi* (*)();
  const auto function = reinterpret_cast<Function>(dlsym(library, "popaug_training_api"));
  if (function == nullptr) {
    throw Error(std::string(kLibrary) + " is not popaug's training library: " + load_error());
  }
  const TrainingApi* api = function();
  if (api->version != kTrainingApiVersion) {
    throw Error(std::string(kLibrary) + " is of another popaug (its interface is version " +
                std::to_string(api->version) + ", this program needs " +
                std::to_string(kTrainingApiVersion) + "); build both again");
  }
  return api;
}

}  // namespace

const TrainingApi& training() {
  static const TrainingApi* const api = open_library();
  return *api;
}

}  // namespace popaug::cli
