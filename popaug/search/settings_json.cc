// Search settings as JSON: in the journal's header and in the hash that a resume compares.
#include "popaug/search/setting_rows.h"

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

// Takes the field `name` into the setting `key`, whose row says what it may be.
void read_setting(JsonReader& reader, const char* name, const char* key, SearchSettings& settings) {
  const SearchSettingRow& row = search_setting(key);
  const Json& value = reader.any(name);
  try {
    check_setting(row.setting, row.at.kind, value, reader.origin() + ": " + name);
  } catch (const UsageError& error) {
    throw Error(error.what());  // of the file, whoever wrote it
  }
  row.put(settings, value);
}

void read_explore(const Json& json, const std::string& origin, SearchSettings& settings) {
  JsonReader reader(json, origin);
  read_setting(reader, "reset", "reset_probability", settings);
  settings.explore.amounts.clear();
  for (const Json& amount : reader.array("amounts")) {
    if (!amount.is_number_integer()) reader.fail("amounts", "expected whole numbers");
    settings.explore.amounts.push_back(amount.get<int>());
  }
  reader.finish();
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
  // Settings that came later, only where they are set: runs from before them can be resumed.
  const SearchSettings defaults;
  for (const SearchSettingRow& row : kSearchSettings) {
    const bool set = row.get(s) != row.get(defaults);
    if (row.recorded == Recorded::kIfSet && set) json[row.setting.key] = row.get(s);
  }
  json["data"] = s.data;
  json["trainer"] = s.trainer;
  json["provenance"] = s.provenance;
  return json;
}

SearchSettings settings_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  SearchSettings s;
  read_setting(reader, "population", "population", s);
  s.epochs = static_cast<int>(reader.integer("epochs", 1, 1 << 30));
  read_setting(reader, "epochs_per_round", "epochs_per_round", s);
  s.seed = reader.unsigned64("seed");
  read_setting(reader, "selection", "selection", s);
  read_setting(reader, "fraction", "fraction", s);
  read_setting(reader, "significance", "significance", s);
  read_explore(reader.object("explore"), origin + ": explore", s);
  s.space = space_from_json(reader.object("space"), origin + ": space");
  for (const auto& [op, limit] : reader.object("limits").items()) {
    s.limits[op] = limits_from_json(limit, origin + ": limits: " + op);
  }
  s.rule = rule_from_json(reader.object("rule"), origin + ": rule");
  s.base = base_from_json(reader.object("base"), origin + ": base");
  read_setting(reader, "copies", "copies", s);
  s.genes.clear();
  for (const Json& gene : reader.array("genes")) {
    s.genes.push_back(gene_from_json(gene, origin + ": genes"));
  }
  s.start = reader.text("start");
  if (reader.has("start_policy")) {
    s.start_policy =
        policy_from_json(reader.any("start_policy"), s.space, origin + ": start_policy");
  }
  read_setting(reader, "metric", "metric", s);
  read_setting(reader, "asynchronous", "async", s);
  s.data = reader.text("data");
  s.trainer = reader.object("trainer");
  s.provenance = reader.object("provenance");
  for (const SearchSettingRow& row : kSearchSettings) {
    const char* key = row.setting.key;
    if (row.recorded == Recorded::kIfSet && reader.has(key)) read_setting(reader, key, key, s);
  }
  reader.finish();
  check_settings(s);
  return s;
}

}  // namespace popaug
