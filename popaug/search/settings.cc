#include "popaug/search/settings.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "popaug/search/setting_rows.h"

namespace popaug {
namespace {

const std::vector<std::string> kStarts = {"zero", "random", "policy"};

[[noreturn]] void refuse(const std::string& sentence) { throw UsageError("search: " + sentence); }

void require_known(const std::string& what, const std::string& name,
                   const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    refuse(unknown_name(what, name, known));
  }
}

void check_sizes(const SearchSettings& s) {
  if (s.population < 2) {
    refuse("a population of " + std::to_string(s.population) +
           " has no member to copy from; give " + name_setting("population") + " 2 or more");
  }
  for (const SearchSettingRow& row : kSearchSettings) row.check(s);
  if (s.epochs < 1) {
    refuse(name_setting("epochs") + " must be at least 1: no round would be trained");
  }
  if (s.base.erase_least > s.base.erase_most) {
    refuse(name_setting("erase_least") + " " + number_text(s.base.erase_least) + " is above " +
           name_setting("erase_most") + " " + number_text(s.base.erase_most));
  }
  if (s.epochs >= 1 << 24) refuse("more than 16777215 epochs are not supported");
}

void check_explore(const ExploreRates& explore) {
  if (explore.amounts.empty()) refuse("the list of amounts is empty; expected e.g. 0, 1, 2, 3");
  for (const int amount : explore.amounts) {
    if (amount < 0 || amount > 1000) {
      refuse("the amount " + std::to_string(amount) + " is not in 0 .. 1000");
    }
  }
}

void check_space(const SearchSettings& s) {
  if (s.space.ops.empty()) refuse("the space " + quote(s.space.name) + " has no ops to search");
  if (s.rule.kind != RuleKind::kPba) {
    refuse("only policies of the pba rule can be searched; this rule draws from a fixed list");
  }
  if (s.space.search_levels < 1 || s.space.search_levels > s.space.levels) {
    refuse("the space " + quote(s.space.name) + " searches " +
           std::to_string(s.space.search_levels) + " levels, but has " +
           std::to_string(s.space.levels));
  }
  for (const auto& [name, limits] : s.limits) {
    require_known("op", name, s.space.op_names());
    if (limits.low_tenths < 0 || limits.high_tenths > 10 ||
        limits.low_tenths > limits.high_tenths) {
      refuse("limits of " + name + ": the probability must go from low to high within 0 .. 1");
    }
    if (limits.low_level < 0 || limits.low_level > s.high_level(limits) ||
        s.high_level(limits) >= s.space.levels) {
      refuse("limits of " + name + ": the levels must go from low to high within 0 .. " +
             std::to_string(s.space.levels - 1));
    }
  }
}

// The row of the base transform that a gene means; nullptr if it means none.
const SearchSettingRow* find_base_gene(const std::string& name) {
  const auto* row = std::find_if(
      std::begin(kSearchSettings), std::end(kSearchSettings), [&](const SearchSettingRow& each) {
        return each.searched != Searched::kNo && each.setting.key == name;
      });
  return row == std::end(kSearchSettings) ? nullptr : row;
}

// A setting of a training that changes base transforms.
constexpr const char* kResizedCropGene = "resized_crop";

void check_gene(const Gene& gene) {
  const std::string who = "gene " + quote(gene.name) + ": ";
  if (gene.name.empty()) refuse("a gene has no name");
  if (!std::isfinite(gene.low) || !std::isfinite(gene.high) || !(gene.low < gene.high)) {
    refuse(who + "the range " + number_text(gene.low) + " .. " + number_text(gene.high) +
           " is empty; expected low below high");
  }
  if (gene.log && gene.low <= 0) {
    refuse(who + "a logarithmic range must begin above 0, not at " + number_text(gene.low));
  }
  if (gene.start && !(*gene.start >= gene.low && *gene.start <= gene.high)) {
    refuse(who + "the start " + number_text(*gene.start) + " is outside its range");
  }
  if (gene.integer && (gene.low != std::floor(gene.low) || gene.high != std::floor(gene.high))) {
    refuse(who + "a range of whole numbers must begin and end at whole numbers");
  }
  Strengths strengths;
  if (apply_strength_gene(strengths, gene.name, 0) && !(gene.low >= 0 && gene.high <= 1)) {
    refuse(who + "a strength must stay within 0 .. 1");
  }
  if (gene.name == kResizedCropGene && !(gene.low >= 0 && gene.high <= 1)) {
    refuse(who + "a share of the area must stay within 0 .. 1");
  }
  const SearchSettingRow* row = find_base_gene(gene.name);
  if (row == nullptr) return;
  if (row->at.kind == SettingKind::kWhole && (!gene.integer || gene.low < 0)) {
    refuse(who + "pixels are whole numbers of at least 0; give it integer = true");
  }
  if (row->at.kind != SettingKind::kNumber) return;
  const double low = row->setting.low, high = row->setting.high;
  if (gene.low >= low && gene.high <= high) return;
  if (low == 0 && high == 1) refuse(who + "a probability must stay within 0 .. 1");
  refuse(who + "the range must stay within " + number_text(low) + " .. " + number_text(high));
}

void check_start(const SearchSettings& s) {
  require_known("start", s.start, kStarts);
  if ((s.start == "policy") != s.start_policy.has_value()) {
    refuse("a start policy is given if and only if the start is \"policy\"");
  }
  if (!s.start_policy) return;
  const size_t wanted = s.space.ops.size() * static_cast<size_t>(s.copies);
  if (s.start_policy->entries.size() != wanted) {
    refuse("the start policy has " + std::to_string(s.start_policy->entries.size()) +
           " entries; this space, " + std::to_string(s.copies) + " times over, needs " +
           std::to_string(wanted));
  }
  for (size_t i = 0; i < wanted; ++i) {
    const PolicyEntry& entry = s.start_policy->entries[i];
    if (entry.op != static_cast<int>(i % s.space.ops.size())) {
      refuse("the start policy must contain the ops of the space in order, copy after copy");
    }
  }
  check_policy(*s.start_policy, s.rule, s.space, "start policy");
}

}  // namespace

const SearchSettingRow& search_setting(const std::string& key) {
  const auto* row = std::begin(kSearchSettings);
  while (row != std::end(kSearchSettings) && row->setting.key != key) ++row;
  POPAUG_ASSERT(row != std::end(kSearchSettings));
  return *row;
}

std::vector<std::string> base_gene_names() {
  std::vector<std::string> names;
  for (const SearchSettingRow& row : kSearchSettings) {
    if (row.searched != Searched::kNo) names.emplace_back(row.setting.key);
  }
  return names;
}

bool apply_base_gene(BaseTransforms& base, const std::string& name, double value) {
  if (name == kResizedCropGene) {
    if (value > 0) base.use_resized_crop(value);
    return true;
  }
  const SearchSettingRow* row = find_base_gene(name);
  if (row == nullptr) return false;
  SearchSettings settings;
  settings.base = base;
  if (row->at.kind == SettingKind::kWhole) {
    row->put(settings, static_cast<int>(value));
  } else {
    row->put(settings, value);
  }
  base = settings.base;
  return true;
}

namespace {

constexpr std::pair<const char*, double Strengths::*> kStrengthGenes[] = {
    {"strength", &Strengths::all},
    {"strength_geometry", &Strengths::geometry},
    {"strength_colour", &Strengths::colour},
    {"strength_tone", &Strengths::tone},
};

}  // namespace

std::vector<std::string> strength_gene_names() {
  std::vector<std::string> names;
  for (const auto& [name, field] : kStrengthGenes) names.emplace_back(name);
  return names;
}

bool apply_strength_gene(Strengths& strengths, const std::string& name, double value) {
  for (const auto& [known, field] : kStrengthGenes) {
    if (name != known) continue;
    strengths.*field = value;
    return true;
  }
  return false;
}

std::string selection_name(Selection selection) {
  return search_setting("selection").setting.choices[static_cast<size_t>(selection)];
}

Selection selection_by_name(const std::string& name) {
  const std::vector<std::string> names = search_setting("selection").setting.choice_names();
  require_known("selection", name, names);
  return static_cast<Selection>(std::find(names.begin(), names.end(), name) - names.begin());
}

int SearchSettings::quantile() const {
  // A hair above: 0.07 * 100 is 7.000000000000001, but 0.29 * 100 is 28.999999999999996.
  return std::max(1, static_cast<int>(std::floor(population * fraction + 1e-9)));
}

int SearchSettings::high_level(const OpLimits& of) const {
  return of.high_level < 0 ? space.search_levels - 1 : of.high_level;
}

void check_settings(const SearchSettings& settings) {
  check_sizes(settings);
  check_explore(settings.explore);
  check_space(settings);
  check_start(settings);
  std::set<std::string> names;
  for (const Gene& gene : settings.genes) {
    check_gene(gene);
    if (!names.insert(gene.name).second) refuse("gene " + quote(gene.name) + " is listed twice");
  }
  if (names.contains("pad") && names.contains(kResizedCropGene)) {
    refuse(
        "gene \"pad\" cannot be searched beside \"resized_crop\", which takes the place of padding "
        "and crop");
  }
  if (settings.selection == Selection::kSignificant && settings.metric != "accuracy") {
    refuse("significant selection tests which images are right, so its metric is accuracy, not " +
           settings.metric);
  }
}

std::string settings_hash(const SearchSettings& settings) {
  return hash_hex(json_line(settings_to_json(settings)));
}

}  // namespace popaug
