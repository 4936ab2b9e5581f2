// What a search is: everything that determines its journal, schedule and weights
// (docs/architecture.md#a-search-is-a-pure-value).
#ifndef POPAUG_SEARCH_SETTINGS_H_
#define POPAUG_SEARCH_SETTINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"

namespace popaug {

enum class Selection {
  kTruncation,   // the paper: the bottom fraction copies the top fraction (docs/pba.md#search)
  kSignificant,  // as truncation, but only where a paired test says that the donor is better
  kNone,         // drift control: the ranking is drawn, whatever the scores
};
std::string selection_name(Selection selection);       // "truncation", "significant", "none"
Selection selection_by_name(const std::string& name);  // UsageError with the nearest name

// A number searched beside the policy. The names of base transforms ("flip", "vflip", "turn",
// "pad", "cutout") mean these, those of strengths ("strength", "strength_tone") scale the space of
// ops; all others ("lr", "weight_decay", ...) are for the trainer to understand.
struct Gene {
  std::string name;
  double low = 0, high = 1;
  std::optional<double> start;  // absent: drawn uniformly from the range for each member
  bool log = false;             // steps and draws are uniform in the logarithm; needs low > 0
  bool integer = false;         // rounded to whole numbers
  bool operator==(const Gene&) const = default;
};

// Where an op's numbers may go; probability in tenths, as in the grid of docs/pba.md#policy.
struct OpLimits {
  int low_tenths = 0, high_tenths = 10;
  int low_level = 0, high_level = -1;  // -1: the last level that the space searches
  bool operator==(const OpLimits&) const = default;
};

// How a copied genome mutates (docs/pba.md#search). Each number is redrawn uniformly from its range
// with probability `reset`, else moved by one of `amounts` with a fair sign and clipped to its
// range. A gene's step is a tenth of its range.
struct ExploreRates {
  double reset = 0.2;
  std::vector<int> amounts = {0, 1, 2, 3};
  bool operator==(const ExploreRates&) const = default;
};

// All fields take part in the settings' hash: a run resumes only under equal settings.
struct SearchSettings {
  int population = 16;
  int epochs = 200;          // that each member trains in all
  int epochs_per_round = 3;  // the last round is shorter where this does not divide `epochs`
  uint64_t seed = 0;
  Selection selection = Selection::kTruncation;
  double fraction = 0.25;      // of the population: targets, and as many donors; at least one
  double significance = 0.05;  // level of the paired test of kSignificant
  ExploreRates explore;
  Space space;                             // only the ops that are searched
  std::map<std::string, OpLimits> limits;  // by op name; absent: the whole grid
  Rule rule;                               // kPba
  BaseTransforms base;
  int copies = 2;  // of each op in a policy
  std::vector<Gene> genes;
  std::string start = "zero";          // "zero", "random" (uniform on the grid), "policy"
  std::optional<Policy> start_policy;  // for "policy"; rounded to the grid
  std::string metric = "accuracy";     // "accuracy", "balanced-accuracy", "loss" (negated)
  bool asynchronous = false;           // decide without waiting; not repeatable
  std::string data;                    // fingerprint of the data set; "" for toys
  Json trainer = Json::object();       // whatever else determines results: network, sizes, rates
  Json provenance = Json::object();  // goes into the schedule as it is: tool version, network, ...

  int rounds() const { return (epochs + epochs_per_round - 1) / epochs_per_round; }
  // How many targets (and donors) a decision has.
  int quantile() const;
  // The last level of an op that may be drawn.
  int high_level(const OpLimits& limits) const;
};

// The genes that mean base transforms, and what one does to them; false if the name is not one.
std::vector<std::string> base_gene_names();
bool apply_base_gene(BaseTransforms& base, const std::string& name, double value);
// Likewise the genes that scale the space of ops: "strength", "strength_geometry",
// "strength_colour", "strength_tone".
std::vector<std::string> strength_gene_names();
bool apply_strength_gene(Strengths& strengths, const std::string& name, double value);

// Throws UsageError in a sentence for anything that cannot be searched: population below 2, rounds
// 0, genes without range, unknown ops in limits, a fraction above one half, ...
void check_settings(const SearchSettings& settings);

Json settings_to_json(const SearchSettings& settings);
SearchSettings settings_from_json(const Json& json, const std::string& origin);
std::string settings_hash(const SearchSettings& settings);

}  // namespace popaug

#endif  // POPAUG_SEARCH_SETTINGS_H_
