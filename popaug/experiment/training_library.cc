#include "popaug/experiment/training_library.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace popaug {
namespace {

constexpr char kLibrary[] = "libpopaug_train.so.0";

std::string load_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown reason" : text;
}

// The file of the library that holds a symbol; empty if that is not known.
fs::path file_of(const void* symbol) {
  Dl_info info{};
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::canonical(info.dli_fname, ignored);
}

// What to open. A wheel has a library for each release X.Y of torch, in torch-X.Y/ beside
// libpopaug; its launcher says which torch is installed (python/popaug/_installed_torch.py).
// Elsewhere: the library beside the program in the build folder, or in ../lib where it is installed
// (rpath).
std::string choose_library() {
  const std::string release = environment_variable("POPAUG_TORCH_RELEASE");
  if (release.empty()) return kLibrary;
  const fs::path beside = file_of(reinterpret_cast<const void*>(&training)).parent_path();
  const fs::path library = beside / ("torch-" + release) / kLibrary;
  std::error_code ignored;
  if (!fs::exists(library, ignored)) return kLibrary;  // the variables of another popaug
  // The wheel's library contains no path of torch. It finds what is loaded already; torch's own
  // libraries find each other.
  const fs::path folder = environment_variable("POPAUG_TORCH_LIB");
  const std::string torch = (folder / "libtorch.so").string();
  if (dlopen(torch.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    throw Error("the installed torch cannot be opened: " + load_error());
  }
  return library.string();
}

const TrainingApi* open_library() {
  // Set by the Python wheel's launcher where no library fits the installed torch.
  if (const char* why = std::getenv("POPAUG_NO_TRAINING"); why != nullptr) throw Error(why);
  const std::string file = choose_library();
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("this needs the training library, which cannot be opened: " + load_error() +
                "; build with torch (make; see README.md), or set POPAUG_TORCH to the folder of an "
                "installed torch and build again");
  }
  using Function = const TrainingApi* (*)();
  const auto function = reinterpret_cast<Function>(dlsym(library, "popaug_training_api"));
  if (function == nullptr) {
    throw Error(file + " is not popaug's training library: " + load_error());
  }
  const TrainingApi* api = function();
  if (api->version != kTrainingApiVersion) {
    throw Error(file + " is of another popaug (its interface is version " +
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

fs::path training_library_file() {
  return file_of(reinterpret_cast<const void*>(training().network_names));
}

bool trains_here(const ExperimentSettings& settings) {
  return settings.trainer == "network" && settings.worker_cmd.empty();
}

void check_learner(const ExperimentSettings& settings) {
  if (!trains_here(settings)) return;
  if (settings.train.model.empty()) training().check_network_name(settings.train.network);
  training().default_workers(settings.train.device);  // throws for a device that is not there
  training().check_training(settings.train, 0);
}

int worker_count(const ExperimentSettings& settings) {
  if (settings.workers > 0) return static_cast<int>(settings.workers);
  return trains_here(settings) ? training().default_workers(settings.train.device)
                               : available_cores();
}

ScheduleTrainers schedule_trainers(const ExperimentSettings& settings,
                                   const std::vector<std::string>& classes, const Subset& train,
                                   const Subset& judge) {
  const auto next = std::make_shared<std::atomic<int>>(0);
  return [train_settings = settings.train, classes, train, judge, next](const Schedule& schedule) {
    return training().make_trainer_factory(train_settings, schedule.space, schedule.rule,
                                           schedule.base, classes, train, judge,
                                           "accuracy")((*next)++);
  };
}

}  // namespace popaug
