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

const TrainingApi* open_library() {
  // Set by the Python wheel's launcher, which knows which torch is installed.
  if (const char* why = std::getenv("POPAUG_NO_TRAINING"); why != nullptr) throw Error(why);
  // Found beside the program in the build folder, in ../lib where it is installed (rpath).
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("this needs the training library, which cannot be opened: " + load_error() +
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
