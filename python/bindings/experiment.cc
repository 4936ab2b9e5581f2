// The recipes of the program's verbs for Python. A request crosses as a JSON object: "preset",
// "config" and "values" say the settings as flags do, the other keys are the request's own.
#include "popaug/experiment/experiment.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"
#include "python/bindings/watched.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

// What every request has: where its settings come from, and its run directory.
template <typename Request>
Request read_request(JsonReader& reader, Verbs verb) {
  SettingSources sources;
  sources.preset = reader.text_or("preset", "");
  sources.config = reader.text_or("config", "");
  if (reader.has("values")) sources.values = reader.object("values");
  Request request;
  request.out = reader.text("out");
  request.resume = reader.boolean_or("resume", false);
  open_run(request, verb, sources);
  return request;
}

SearchRequest read_search(JsonReader& reader) {
  auto request = read_request<SearchRequest>(reader, kSearchVerb);
  request.budget_seconds = reader.number_or("budget_seconds", 0, 1e9, request.budget_seconds);
  request.attempts = static_cast<int>(reader.integer_or("attempts", 1, 1000, request.attempts));
  request.silence_seconds = reader.number_or("silence", 0.1, 1e6, request.silence_seconds);
  request.resume_command = "resume=True";
  return request;
}

Json search(JsonReader& reader, Progress& progress, const StopToken& stop) {
  const SearchRequest request = read_search(reader);
  reader.finish();
  if (request.settings.method == "screen") {
    return screen_to_json(screen_schedule(request, progress, stop).screening);
  }
  return search_schedule(request, progress, stop).outcome.result;
}

Json train(JsonReader& reader, Progress& progress, const StopToken& stop) {
  auto request = read_request<TrainingRequest>(reader, kTrainVerb);
  reader.finish();
  request.resume_command = "resume=True";
  return train_with_schedule(request, progress, stop).result;
}

// Without the images' own answers, which are as many as the images.
Json evaluate(JsonReader& reader, Progress& progress, const StopToken&) {
  EvaluationRequest request;
  request.network = reader.text("network");
  request.data = reader.text("data");
  request.split = reader.text_or("split", "");
  request.size = reader.text_or("size", "");
  request.fit = reader.text_or("fit", "");
  request.range = reader.text_or("range", "");
  request.background = reader.text_or("background", "");
  request.image_column = reader.text_or("image_column", "");
  request.label_column = reader.text_or("label_column", "");
  request.device = reader.text_or("device", "auto");
  request.batch = static_cast<int>(reader.integer_or("batch", 1, 65536, 128));
  request.scaled_decoding = reader.boolean_or("scaled_decoding", false);
  request.allow_outside = reader.boolean_or("allow_outside", false);
  request.keep_going = reader.boolean_or("keep_going", false);
  reader.finish();
  const EvaluatedNetwork found = evaluate_network(request, progress);
  Json json = evaluation_json(found.evaluation, found.network.classes);
  json["checkpoint"] = found.checkpoint.string();
  json["data"] = found.data;
  json["split"] = found.split;
  return json;
}

Json compare(JsonReader& reader, Progress& progress, const StopToken& stop) {
  auto request = read_request<ComparisonRequest>(reader, kCompareVerb);
  request.run = reader.text_or("run", "");
  if (reader.has("arms")) {
    for (const Json& arm : reader.array("arms")) {
      if (!arm.is_string()) reader.fail("arms", "expected names of arms");
      request.arms.push_back(arm.get<std::string>());
    }
  }
  if (reader.has("seeds")) request.seeds = reader.integer("seeds", 1, 10000);
  if (reader.has("clean_share")) request.clean_share = reader.number("clean_share", 0, 1);
  if (reader.has("margin")) request.margin = reader.number("margin", 0, 100);
  request.charge_search = reader.boolean_or("charge_search", request.charge_search);
  request.unequal = reader.boolean_or("unequal", request.unequal);
  reader.finish();
  request.resume_command = "resume=True";
  return comparison_to_json(compare_arms(request, progress, stop).comparison);
}

Json audit(JsonReader& reader, Progress& progress, const StopToken& stop) {
  auto request = read_request<AuditRequest>(reader, kAuditVerb);
  reader.finish();
  request.resume_command = "resume=True";
  return audit_to_json(audit_ops(request, progress, stop).audit);
}

Json choose(JsonReader& reader, Progress& progress, const StopToken& stop) {
  auto request = read_request<ChooseRequest>(reader, kChooseVerb);
  request.budget_seconds = reader.number_or("budget_seconds", 0, 1e9, request.budget_seconds);
  reader.finish();
  request.resume_command = "resume=True";
  return screen_to_json(choose_arm(request, progress, stop).screening);
}

using Recipe = Json (*)(JsonReader&, Progress&, const StopToken&);
Recipe recipe_of(const std::string& verb) {
  const std::vector<std::pair<std::string, Recipe>> recipes = {
      {"search", &search},   {"train", &train}, {"evaluate", &evaluate},
      {"compare", &compare}, {"audit", &audit}, {"choose", &choose}};
  std::vector<std::string> names;
  for (const auto& [name, recipe] : recipes) {
    if (name == verb) return recipe;
    names.push_back(name);
  }
  throw UsageError(unknown_name("experiment", verb, names));
}

}  // namespace

void bind_experiment(nb::module_& m) {
  // Runs an experiment to its end and returns its result. progress: None, or as run_watched() takes
  // it. SIGINT and SIGTERM stop it cleanly where the main thread called.
  m.def(
      "run_experiment",
      [](const std::string& verb, const std::string& request, const nb::object& progress) {
        const Recipe recipe = recipe_of(verb);
        const Json json = parse_json(request, verb);
        return run_watched(progress, [&](Progress& reports, const StopToken& stop) {
          JsonReader reader(json, verb);
          return json_line(recipe(reader, reports, stop));
        });
      },
      nb::arg("verb"), nb::arg("request"), nb::arg("progress").none());
  // The names of the settings that a verb knows.
  m.def("setting_names", [](const std::string& verb) {
    const std::vector<std::pair<std::string, Verbs>> verbs = {{"search", kSearchVerb},
                                                              {"train", kTrainVerb},
                                                              {"compare", kCompareVerb},
                                                              {"audit", kAuditVerb},
                                                              {"choose", kChooseVerb}};
    std::vector<std::string> names;
    for (const auto& [name, bit] : verbs) {
      if (name != verb) continue;
      for (const ExperimentRow& row : experiment_rows()) {
        if (row.setting.verbs & bit) names.emplace_back(row.setting.key);
      }
    }
    return names;
  });
  m.def("register_baseline", [](const std::string& name, const std::string& schedule) {
    register_baseline(name, schedule_from_json(parse_json(schedule, name), name));
  });
  // What a driver of a cluster needs to carry a search out and to give its workers.
  m.def(
      "prepare_search",
      [](const std::string& text) {
        const Json json = parse_json(text, "search");
        JsonReader reader(json, "search");
        const SearchRequest request = read_search(reader);
        reader.finish();
        nb::gil_scoped_release free;
        const PreparedSearch prepared = prepare_search(request, silent_progress());
        return json_line({{"settings", settings_to_json(prepared.search)},
                          {"config", prepared.run.config_toml},
                          {"worker_settings", prepared.run.worker_settings},
                          {"worker_command", prepared.run.worker_command}});
      },
      nb::arg("request"));
}

}  // namespace popaug::python
