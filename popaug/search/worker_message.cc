// The messages of docs/formats/worker.md.
#include <cmath>

#include "popaug/search/worker.h"

namespace popaug {

fs::path correct_file(const fs::path& to) { return to.string() + ".correct"; }

Json run_message(const RoundWork& work, const SearchSettings& settings, const Json& run) {
  const auto path = [](const fs::path& p) {
    return p.empty() ? Json() : Json(fs::absolute(p).string());
  };
  Json message = {{"type", "run"},
                  {"member", work.member},
                  {"round", work.round},
                  {"first_epoch", work.first_epoch},
                  {"epochs", work.epochs},
                  {"total_epochs", work.total_epochs},
                  {"seed", work.seed},
                  {"policy", policy_to_json(work.policy, settings.space)},
                  {"genes", work.genes},
                  {"settings",
                   {{"space", space_to_json(settings.space)},
                    {"rule", rule_to_json(settings.rule)},
                    {"base", base_to_json(settings.base)},
                    {"metric", settings.metric},
                    {"data", settings.data},
                    {"trainer", settings.trainer},
                    {"run", run}}},
                  {"from", path(work.from)},
                  {"to", path(work.to)},
                  {"correct", path(correct_file(work.to))}};
  if (!work.evaluate) message["evaluate"] = false;
  return message;
}

RunMessage parse_run_message(const Json& message, const std::string& origin) {
  JsonReader reader(message, origin);
  RunMessage run;
  const auto integer = [&](const char* key) {
    return static_cast<int>(reader.integer(key, 0, (1 << 24) - 1));
  };
  run.work.member = integer("member");
  run.work.round = integer("round");
  run.work.first_epoch = integer("first_epoch");
  run.work.epochs = static_cast<int>(reader.integer("epochs", 1, (1 << 24) - 1));
  run.work.total_epochs = integer("total_epochs");
  run.work.seed = reader.unsigned64("seed");
  run.settings = reader.object("settings");
  JsonReader settings(run.settings, origin + ": settings");
  run.space = space_from_json(settings.object("space"), origin + ": space");
  run.rule = rule_from_json(settings.object("rule"), origin + ": rule");
  run.base = base_from_json(settings.object("base"), origin + ": base");
  run.metric = settings.text("metric");
  settings.object("trainer");
  run.work.policy = policy_from_json(reader.any("policy"), run.space, origin + ": policy");
  check_policy(run.work.policy, run.rule, run.space, origin + ": policy");
  for (const auto& [name, value] : reader.object("genes").items()) {
    if (!value.is_number()) reader.fail("genes", name + ": expected a number");
    run.work.genes[name] = value.get<double>();
  }
  const Json& from = reader.any("from");
  if (!from.is_null()) run.work.from = reader.text("from");
  run.work.to = reader.text("to");
  if (run.work.to.empty()) reader.fail("to", "expected a path");
  run.work.evaluate = reader.boolean_or("evaluate", true);
  return run;
}

WorkerMessage parse_worker_message(std::string_view line) {
  const Json json = parse_json(line, "worker's message", {.bytes = 16u << 20, .depth = 16});
  JsonReader reader(json, "worker's message");
  const std::string type = reader.text("type");
  WorkerMessage message;
  if (type == "hello") {
    message.kind = WorkerMessage::Kind::kHello;
    message.protocol = reader.integer("protocol", INT64_MIN, INT64_MAX);
    message.name = printable_line(reader.text("name"), 200);
  } else if (type == "progress") {
    message.kind = WorkerMessage::Kind::kProgress;
    message.share = reader.number("share", 0, 1);
  } else if (type == "done") {
    message.kind = WorkerMessage::Kind::kDone;
    if (reader.any("score").is_null()) {
      message.result = diverged_result(Diverged(printable_line(reader.text_or("reason", ""))));
    } else {
      message.result.score = reader.number("score", -1e300, 1e300);
      message.bytes = reader.integer("bytes", 0, INT64_MAX);
    }
    if (reader.has("metrics")) {
      for (const auto& [name, value] : reader.object("metrics").items()) {
        if (!value.is_number() || !std::isfinite(value.get<double>())) {
          reader.fail("metrics", name + ": expected a finite number");
        }
        message.result.metrics[name] = value.get<double>();
      }
    }
    message.result.images_trained = reader.integer_or("images_trained", 0, kMostImagesOfARound, 0);
    message.result.images_evaluated =
        reader.integer_or("images_evaluated", 0, kMostImagesOfARound, 0);
    message.result.seconds = reader.number_or("seconds", 0, 1e12, 0);
    message.has_correct = reader.boolean_or("correct", false);
    if (const auto why = limit_fault(message.result)) throw Error("worker's message: " + *why);
  } else if (type == "failed") {
    message.kind = WorkerMessage::Kind::kFailed;
    message.error = printable_line(reader.text("error"));
  } else {
    static const std::vector<std::string> known = {"hello", "progress", "done", "failed"};
    throw Error("worker's message: " + unknown_name("type", type, known));
  }
  return message;
}

}  // namespace popaug
