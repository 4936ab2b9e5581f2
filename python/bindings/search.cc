// The search: the state machine in its run directory, for a Python loop or a Ray driver to feed.
// Work crosses as the worker protocol's run message, results as its done message.
#include "popaug/search/search.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <map>

#include "popaug/augment/augment.h"
#include "popaug/experiment/experiment.h"
#include "python/bindings/bindings.h"
#include "python/bindings/watched.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

SearchSettings read_settings(const std::string& text) {
  return settings_from_json(parse_json(text, "search settings"), "search settings");
}

// Per validation image 0 or 1; empty if the trainer says nothing.
std::vector<uint8_t> read_bits(const nb::bytes& bits) {
  const auto* data = static_cast<const uint8_t*>(bits.data());
  return {data, data + bits.size()};
}

RoundResult read_result(const std::string& text, const nb::bytes& bits) {
  const Json json = parse_json(text, "result");
  JsonReader reader(json, "result");
  RoundResult result;
  // null: not a number, training diverged
  const auto number = [](const Json& value) {
    return value.is_number() ? value.get<double>() : std::nan("");
  };
  result.score = number(reader.any("score"));
  for (const auto& [name, value] : reader.object("metrics").items()) {
    result.metrics[name] = number(value);
  }
  result.images_trained = reader.integer("images_trained", 0, kMostImagesOfARound);
  result.images_evaluated = reader.integer("images_evaluated", 0, kMostImagesOfARound);
  result.seconds = reader.number("seconds", 0, 1e12);
  reader.finish();
  result.correct = read_bits(bits);
  return result;
}

// How a search is carried out: what SearchRun and search_with_processes have in common, by name.
RunOptions read_options(const std::string& text) {
  const Json json = parse_json(text, "options");
  JsonReader reader(json, "options");
  RunOptions options;
  options.directory = reader.text("directory");
  options.resume = reader.boolean("resume");
  options.config_toml = reader.text("config_toml");
  options.resume_command = reader.text("resume_command");
  options.attempts = static_cast<int>(reader.integer("attempts", 1, 1000));
  options.machine = reader.object("machine");
  options.worker_settings = reader.object("worker_settings");
  options.checkpoints = reader.boolean("checkpoints");
  reader.finish();
  return options;
}

// A SearchRun that remembers what is out, so that members are named by number.
class Run {
 public:
  Run(const std::string& settings, const std::string& options)
      : settings_(read_settings(settings)), options_(read_options(options)) {
    run_ = std::make_unique<SearchRun>(settings_, options_);
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
    return json_line(run_message(*work, settings_, options_.worker_settings));
  }

  const RoundWork& out(int member) const {
    const auto found = out_.find(member);
    if (found == out_.end()) {
      throw UsageError("member " + std::to_string(member) +
                       " expects no result: it was not requested, or its result is known already");
    }
    return found->second;
  }

  std::optional<std::string> fault(int member, const std::string& result, nb::bytes bits,
                                   const std::string& worker) {
    return open().fault({out(member), read_result(result, bits), worker});
  }

  void tell(int member, const std::string& result, nb::bytes bits, const std::string& worker) {
    const FinishedRound finished{out(member), read_result(result, bits), worker};
    open().tell({&finished, 1});
    out_.erase(member);
  }

  void give_back(int member, const std::string& reason, const std::string& worker) {
    const RoundWork work = out(member);
    out_.erase(member);
    open().give_back(work, reason, worker);
  }

 private:
  SearchSettings settings_;
  RunOptions options_;
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
  const AcceptUnknownOps names_and_values;  // ops of another program, or of a plugin
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
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("settings"),
           nb::arg("options"))
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
             const auto decision = p.tell(member, {score, read_bits(bits)});
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
  m.def("base_gene_names", &base_gene_names);
  // The space that a member with these genes draws from.
  m.def("scaled_space", [](const std::string& space, const std::map<std::string, double>& genes) {
    Strengths strengths;
    for (const auto& [name, value] : genes) apply_strength_gene(strengths, name, value);
    return json_line(space_to_json(
        with_strengths(space_from_json(parse_json(space, "space"), "space"), strengths)));
  });
  // Settings checked and in their full form; missing keys are an error.
  m.def("check_settings",
        [](const std::string& text) { return json_line(settings_to_json(read_settings(text))); });
  m.def("default_settings", [](const std::string& space) {
    SearchSettings settings;
    settings.space = space_from_json(parse_json(space, "space"), "space");
    return json_line(settings_to_json(settings));
  });
  // The defaults of the library, so that Python repeats none: of a search in the built-in space
  // that the program takes, of how a search is carried out, of a rule.
  m.def("search_defaults", [] {
    SearchSettings settings;
    settings.space = load_space(SearchTexts().space);
    return json_line(settings_to_json(settings));
  });
  m.def("run_defaults", [] {
    const RunOptions options;
    return json_line({{"attempts", options.attempts}, {"silence", options.silence_seconds}});
  });
  m.def("default_rule", [] {
    const Rule rule;
    return json_line(
        {{"count_weights", rule.count_weights}, {"group", rule.group}, {"count", rule.count}});
  });
  m.def("load_history", &history_json);
  nb::class_<RoundResult>(m, "RoundResult")
      .def_ro("score", &RoundResult::score)
      .def_ro("metrics", &RoundResult::metrics)
      .def_ro("images_trained", &RoundResult::images_trained)
      .def_ro("images_evaluated", &RoundResult::images_evaluated)
      .def_ro("seconds", &RoundResult::seconds)
      .def_prop_ro("correct", [](const RoundResult& result) {
        return nb::bytes(result.correct.data(), result.correct.size());
      });
  // A round of the toy trainer, by its run message: tries a set-up in milliseconds.
  m.def("toy_round", [](const std::string& text) {
    const RunMessage message = parse_run_message(parse_json(text, "work"), "work");
    nb::gil_scoped_release free;
    const auto trainer = make_toy_trainer(message.settings.at("trainer"), message.space);
    const StopToken never;
    try {
      return trainer->run(
          message.work, [](double) {}, never);
    } catch (const Diverged& diverged) {
      return diverged_result(diverged);
    }
  });
  // A search whose workers are processes, from start to end; progress as for run_experiment.
  m.def(
      "search_with_processes",
      [](const std::string& settings, const std::string& options_text,
         const std::string& worker_command, int workers, double silence,
         const nb::object& progress) {
        RunOptions options = read_options(options_text);
        options.worker_command = worker_command;
        options.workers = workers;
        options.silence_seconds = silence;
        const SearchSettings read = read_settings(settings);
        run_watched(progress, [&](Progress& reports, const StopToken& stop) {
          run_search(read, {}, options, reports, stop);
          return std::string();
        });
      },
      nb::arg("settings"), nb::arg("options"), nb::arg("worker_command"), nb::arg("workers"),
      nb::arg("silence"), nb::arg("progress").none());
}

}  // namespace popaug::python
