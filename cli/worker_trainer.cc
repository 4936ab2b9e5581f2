#include "cli/worker.h"

namespace popaug::cli {

std::unique_ptr<Trainer> make_worker_trainer(const RunMessage& message) {
  const Json& settings = message.settings.at("trainer");
  const Json kind = settings.value("kind", Json("toy"));
  if (kind == "toy") return make_toy_trainer(settings, message.space);
  throw Error("this worker cannot train with " + json_line(kind));
}

}  // namespace popaug::cli
