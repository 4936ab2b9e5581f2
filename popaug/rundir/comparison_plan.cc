#include "popaug/rundir/comparison_plan.h"

namespace popaug {
namespace {

constexpr int64_t kVersion = 2;
constexpr int64_t kFirstSealedVersion = 2;
constexpr int64_t kMostSeeds = 10000;

std::string check_of(Json plan) {
  plan.erase("check");
  return hash_hex(json_line(plan));
}

}  // namespace

Json plan_to_json(const ComparisonPlan& plan) {
  Json json = {{"format", "popaug-compare-plan"},
               {"version", kVersion},
               {"arms", plan.arms},
               {"seeds", plan.seeds},
               {"clean_share", plan.clean_share},
               {"margin", plan.margin},
               {"charge_search", plan.charge_search},
               {"unequal", plan.unequal},
               {"run", plan.run}};
  json["check"] = check_of(json);
  return json;
}

ComparisonPlan plan_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  if (reader.text("format") != "popaug-compare-plan") {
    reader.fail("format", "expected \"popaug-compare-plan\"");
  }
  const int64_t version = reader.integer("version", 0, INT64_MAX);
  if (version < 1 || version > kVersion) {
    reader.fail("version", std::to_string(version) +
                               " is not known; this program reads versions 1 to " +
                               std::to_string(kVersion));
  }
  ComparisonPlan plan;
  for (const Json& arm : reader.array("arms")) {
    if (!arm.is_string()) reader.fail("arms", "expected texts");
    plan.arms.push_back(arm.get<std::string>());
  }
  plan.seeds = reader.integer("seeds", 1, kMostSeeds);
  plan.clean_share = reader.number("clean_share", 0, 1);
  plan.margin = reader.number("margin", 0, 100);
  plan.charge_search = reader.boolean("charge_search");
  plan.unequal = reader.boolean("unequal");
  plan.run = reader.text("run");
  const std::string check = version >= kFirstSealedVersion ? reader.text("check") : "";
  reader.finish();
  if (!check.empty() && check != check_of(json)) {
    reader.fail("check",
                "does not fit the plan: the file was changed or is damaged. Restore it from a "
                "copy, or remove it and give settings \"arms\" and \"seeds\"");
  }
  return plan;
}

}  // namespace popaug
