// Search settings as JSON: in the journal's header and in the hash that a resume compares.
#include "popaug/search/settings.h"

namespace popaug {
namespace {

Json gene_to_json(const Gene& gene) {
  Json json = {{"name", gene.name}, {"low", gene.low}, {"high", gene.high}};
  if (gene.start) json["start"] = *gene.start;
  json["log"] = gene.log;
  json["integer"] = gene.integer;
  return json;
}

Gene gene_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  Gene gene;
  gene.name = reader.text("name");
  gene.low = reader.number("low", -1e300, 1e300);
  gene.high = reader.number("high", -1e300, 1e300);
  if (reader.has("start")) gene.start = reader.number("start", -1e300, 1e300);
  gene.log = reader.boolean("log");
  gene.integer = reader.boolean("integer");
  reader.finish();
  return gene;
}

OpLimits limits_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  OpLimits limits;
  limits.low_tenths = static_cast<int>(reader.integer("low_tenths", 0, 10));
  limits.high_tenths = static_cast<int>(reader.integer("high_tenths", 0, 10));
  limits.low_level = static_cast<int>(reader.integer("low_level", 0, 1 << 15));
  limits.high_level = static_cast<int>(reader.integer("high_level", -1, 1 << 15));
  reader.finish();
  return limits;
}

ExploreRates explore_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  ExploreRates rates;
  rates.reset = reader.number("reset", 0, 1);
  rates.amounts.clear();
  for (const Json& amount : reader.array("amounts")) {
    if (!amount.is_number_integer()) reader.fail("amounts", "expected whole numbers");
    rates.amounts.push_back(amount.get<int>());
  }
  reader.finish();
  return rates;
}

}  // namespace

Json settings_to_json(const SearchSettings& s) {
  Json json = {{"population", s.population},
               {"epochs", s.epochs},
               {"epochs_per_round", s.epochs_per_round},
               {"seed", s.seed},
               {"selection", selection_name(s.selection)},
               {"fraction", s.fraction},
               {"significance", s.significance},
               {"explore", {{"reset", s.explore.reset}, {"amounts", s.explore.amounts}}},
               {"space", space_to_json(s.space)}};
  Json limits = Json::object();
  for (const auto& [op, limit] : s.limits) {
    limits[op] = {{"low_tenths", limit.low_tenths},
                  {"high_tenths", limit.high_tenths},
                  {"low_level", limit.low_level},
                  {"high_level", limit.high_level}};
  }
  json["limits"] = limits;
  json["rule"] = rule_to_json(s.rule);
  json["base"] = base_to_json(s.base);
  json["copies"] = s.copies;
  json["genes"] = Json::array();
  for (const Gene& gene : s.genes) json["genes"].push_back(gene_to_json(gene));
  json["start"] = s.start;
  if (s.start_policy) json["start_policy"] = policy_to_json(*s.start_policy, s.space);
  json["metric"] = s.metric;
  json["asynchronous"] = s.asynchronous;
  json["data"] = s.data;
  json["trainer"] = s.trainer;
  json["provenance"] = s.provenance;
  return json;
}

SearchSettings settings_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  SearchSettings s;
  s.population = static_cast<int>(reader.integer("population", 2, 100000));
  s.epochs = static_cast<int>(reader.integer("epochs", 1, 1 << 30));
  s.epochs_per_round = static_cast<int>(reader.integer("epochs_per_round", 1, 1 << 30));
  s.seed = reader.unsigned64("seed");
  s.selection = selection_by_name(reader.text("selection"));
  s.fraction = reader.number("fraction", 0, 0.5);
  s.significance = reader.number("significance", 0, 1);
  s.explore = explore_from_json(reader.object("explore"), origin + ": explore");
  s.space = space_from_json(reader.object("space"), origin + ": space");
  for (const auto& [op, limit] : reader.object("limits").items()) {
    s.limits[op] = limits_from_json(limit, origin + ": limits: " + op);
  }
  s.rule = rule_from_json(reader.object("rule"), origin + ": rule");
  s.base = base_from_json(reader.object("base"), origin + ": base");
  s.copies = static_cast<int>(reader.integer("copies", 1, 16));
  s.genes.clear();
  for (const Json& gene : reader.array("genes")) {
    s.genes.push_back(gene_from_json(gene, origin + ": genes"));
  }
  s.start = reader.text("start");
  if (reader.has("start_policy")) {
    s.start_policy =
        policy_from_json(reader.any("start_policy"), s.space, origin + ": start_policy");
  }
  s.metric = reader.text("metric");
  s.asynchronous = reader.boolean("asynchronous");
  s.data = reader.text("data");
  s.trainer = reader.object("trainer");
  s.provenance = reader.object("provenance");
  reader.finish();
  check_settings(s);
  return s;
}

}  // namespace popaug
