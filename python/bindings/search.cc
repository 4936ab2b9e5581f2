// The search: the state machine in its run directory, for a Python loop or a Ray driver to feed.
// Work crosses as the worker protocol's run message, results as its done message.
#include "popaug/search/search.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <map>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

SearchSettings read_settings(const std::string& text) {
  return settings_from_json(parse_json(text, "search settings"), "search settings");
}

// `bits`: per validation image 0 or 1, empty if the trainer says nothing.
RoundResult read_result(const std::string& text, nb::bytes bits) {
  const Json json = parse_json(text, "result");
  JsonReader reader(json, "result");
  RoundResult result;
  const Json& score = reader.any("score");  // null: not a number, training diverged
  result.score = score.is_number() ? score.get<double>() : std::nan("");
  for (const auto& [name, value] : reader.object("metrics").items()) {
    result.metrics[name] = value.is_number() ? value.get<double>() : std::nan("");
  }
  result.images_trained = reader.integer("images_trained", 0, INT64_MAX);
  result.images_evaluated = reader.integer("images_evaluated", 0, INT64_MAX);
  result.seconds = reader.number("seconds", 0, 1e12);
  reader.finish();
  const auto* data = static_cast<const uint8_t*>(bits.data());
  result.correct.assign(data, data + bits.size());
  return result;
}

// A SearchRun that remembers what is out, so that members are named by number.
class Run {
 public:
  Run(const std::string& settings, const std::string& directory, bool resume,
      const std::string& config_toml, const std::string& resume_command, int attempts,
      bool checkpoints, const std::string& machine)
      : settings_(read_settings(settings)) {
    RunOptions options;
    options.directory = directory;
    options.resume = resume;
    options.config_toml = config_toml;
    options.resume_command = resume_command;
    options.attempts = attempts;
    options.checkpoints = checkpoints;
    options.machine = parse_json(machine, "machine");
    run_ = std::make_unique<SearchRun>(settings_, options);
  }

  void close() { run_.reset(); }
  SearchRun& open() {
    if (!run_) throw UsageError("this search is closed; open it again with resume=True");
    return *run_;
  }

  std::optional<std::string> take() {
    const std::optional<RoundWork> work = open().take();
    if (!work) return std::nullopt;
    out_[work->member] = *work;
    return json_line(run_message(*work, settings_));
  }

  const RoundWork& out(int member) const {
    const auto found = out_.find(member);
    if (found == out_.end()) {
      throw UsageError("member " + std::to_string(member) +
                       " owes no result: nothing was asked for it, or it was told already");
    }
    return found->second;
  }

  std::optional<std::string> fault(int member, const std::string& result, nb::bytes bits,
                                   const std::string& worker) {
    return open().fault({out(member), read_result(result, bits), worker});
  }

  void tell(int member, const std::string& result, nb::bytes bits, const std::string& worker) {
    const Told told{out(member), read_result(result, bits), worker};
    open().tell({&told, 1});
    out_.erase(member);
  }

  void give_back(int member, const std::string& reason, const std::string& worker) {
    const RoundWork work = out(member);
    out_.erase(member);
    open().give_back(work, reason, worker);
  }

 private:
  SearchSettings settings_;
  std::unique_ptr<SearchRun> run_;
  std::map<int, RoundWork> out_;
};

Json decision_json(const Decision& decision, const Population& population) {
  const Space& space = population.settings().space;
  Json json = {{"round", decision.round}, {"copies", Json::array()}, {"declined", Json::array()}};
  for (const Copy& copy : decision.copies) {
    json["copies"].push_back({{"target", copy.target},
                              {"donor", copy.donor},
                              {"policy", policy_to_json(copy.genome.policy, space)},
                              {"genes", copy.genome.genes}});
  }
  for (const Declined& declined : decision.declined) {
    json["declined"].push_back(
        {{"target", declined.target}, {"donor", declined.donor}, {"p", declined.p}});
  }
  json["winner"] = decision.winner ? Json(*decision.winner) : Json();
  return json;
}

std::string history_json(const std::string& directory) {
  const SearchHistory history = load_history(directory);
  Json results = Json::array();
  for (const JournalResult& r : history.results) {
    results.push_back({{"round", r.round},
                       {"member", r.member},
                       {"epochs", r.epochs},
                       {"score", r.score == kDiverged ? Json() : Json(r.score)},
                       {"images_trained", r.images_trained},
                       {"images_evaluated", r.images_evaluated},
                       {"metrics", r.metrics}});
  }
  Json decisions = Json::array();
  for (const Decision& d : history.decisions) {
    decisions.push_back(decision_json(d, history.population));
  }
  const bool finished = history.population.finished();
  return json_line({{"settings", settings_to_json(history.settings)},
                    {"results", results},
                    {"decisions", decisions},
                    {"winner", finished ? Json(history.population.winner()) : Json()},
                    {"torn", history.torn}});
}

void bind_run(nb::module_& m) {
  nb::class_<Run>(m, "SearchRun")
      .def(nb::init<const std::string&, const std::string&, bool, const std::string&,
                    const std::string&, int, bool, const std::string&>(),
           nb::arg("settings"), nb::arg("directory"), nb::arg("resume"), nb::arg("config_toml"),
           nb::arg("resume_command"), nb::arg("attempts"), nb::arg("checkpoints"),
           nb::arg("machine"))
      .def("close", &Run::close)
      .def("take", &Run::take)
      .def("fault", &Run::fault)
      .def("tell", &Run::tell)
      .def("give_back", &Run::give_back)
      .def("finished", [](Run& run) { return run.open().finished(); })
      .def("winner", [](Run& run) { return run.open().population().winner(); })
      .def("score", [](Run& run, int member) { return run.open().population().score(member); })
      .def("done", [](Run& run) { return run.open().done(); })
      .def("total", [](Run& run) { return run.open().total(); })
      .def("note", [](Run& run) { return run.open().note(); })
      .def("news", [](Run& run) { return run.open().news(); })
      .def("log",
           [](Run& run, const std::string& event, const std::string& fields) {
             run.open().log(event, parse_json(fields, "log"));
           })
      .def("write_results", [](Run& run) { return json_line(run.open().write_results()); });
}

void bind_population(nb::module_& m) {
  nb::class_<Population>(m, "Population")
      .def("__init__",
           [](Population* self, const std::string& settings) {
             new (self) Population(read_settings(settings));
           })
      .def("finished", &Population::finished)
      .def("winner", &Population::winner)
      .def("due", &Population::due)
      .def("work", [](const Population& p,
                      int m) { return json_line(run_message(p.work(m), p.settings())); })
      .def("source",
           [](const Population& p, int m) -> std::optional<std::tuple<int, int>> {
             const auto source = p.source(m);
             if (!source) return std::nullopt;
             return std::make_tuple(source->member, source->round);
           })
      .def("tell",
           [](Population& p, int member, double score,
              nb::bytes bits) -> std::optional<std::string> {
             Outcome outcome{score, {}};
             const auto* data = static_cast<const uint8_t*>(bits.data());
             outcome.correct.assign(data, data + bits.size());
             const auto decision = p.tell(member, outcome);
             if (!decision) return std::nullopt;
             return json_line(decision_json(*decision, p));
           })
      .def("score", &Population::score)
      .def("fold",
           [](const Population& p, int m) { return json_line(schedule_to_json(p.fold(m))); })
      .def("published_log", &Population::published_log);
}

}  // namespace

void bind_search(nb::module_& m) {
  m.attr("worker_protocol") = kWorkerProtocol;
  bind_run(m);
  bind_population(m);
  // Settings checked and in their full form; missing keys are an error.
  m.def("check_settings",
        [](const std::string& text) { return json_line(settings_to_json(read_settings(text))); });
  m.def("default_settings", [](const std::string& space) {
    SearchSettings settings;
    settings.space = space_from_json(parse_json(space, "space"), "space");
    return json_line(settings_to_json(settings));
  });
  m.def("load_history", &history_json);
  // A round of the toy trainer: tries a set-up in milliseconds. (message) -> (result, bits).
  m.def("toy_round", [](const std::string& text) {
    const RunMessage message = parse_run_message(parse_json(text, "work"), "work");
    RoundResult result;
    {
      nb::gil_scoped_release free;
      const StopToken never;
      try {
        result = make_toy_trainer(message.settings.at("trainer"), message.space)
                     ->run(
                         message.work, [](double) {}, never);
      } catch (const Diverged& diverged) {
        result = diverged_result(diverged);
      }
    }
    const Json json = {{"score", std::isfinite(result.score) ? Json(result.score) : Json()},
                       {"metrics", result.metrics},
                       {"images_trained", result.images_trained},
                       {"images_evaluated", result.images_evaluated},
                       {"seconds", result.seconds}};
    return std::make_tuple(json_line(json),
                           nb::bytes(result.correct.data(), result.correct.size()));
  });
  // A search whose workers are processes, from start to end; SIGINT and SIGTERM stop it cleanly.
  m.def(
      "search_with_processes",
      [](const std::string& settings, const std::string& directory, bool resume,
         const std::string& config_toml, const std::string& resume_command, int attempts,
         const std::string& worker_command, int workers, double silence, bool show,
         const std::string& machine) {
        RunOptions options;
        options.directory = directory;
        options.resume = resume;
        options.config_toml = config_toml;
        options.resume_command = resume_command;
        options.attempts = attempts;
        options.worker_command = worker_command;
        options.workers = workers;
        options.silence_seconds = silence;
        options.machine = parse_json(machine, "machine");
        const SearchSettings read = read_settings(settings);
        nb::gil_scoped_release free;
        const SignalStop stop;
        TerminalProgress terminal("searching");
        run_search(read, {}, options, show ? terminal : silent_progress(), stop.token());
      },
      nb::arg("settings"), nb::arg("directory"), nb::arg("resume"), nb::arg("config_toml"),
      nb::arg("resume_command"), nb::arg("attempts"), nb::arg("worker_command"), nb::arg("workers"),
      nb::arg("silence"), nb::arg("show"), nb::arg("machine"));
}

}  // namespace popaug::python
