#include "popaug/experiment/search_grammar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "popaug/experiment/settings.h"

namespace popaug {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& sentence) {
  throw UsageError(where + ": " + sentence);
}

// The non-empty pieces of a list, trimmed.
std::vector<std::string> pieces(const std::string& text, char separator) {
  std::vector<std::string> list;
  for (const std::string& piece : split(text, separator)) {
    if (const std::string_view word = trim(piece); !word.empty()) list.emplace_back(word);
  }
  return list;
}

double parse_number(std::string_view text, const std::string& where) {
  text = trim(text);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    refuse(where, "expected a number, found " + quote(text));
  }
  return value;
}

int parse_whole(std::string_view text, const std::string& where) {
  const double value = parse_number(text, where);
  if (value != std::floor(value) || std::abs(value) > 1e6) {
    refuse(where, "expected a whole number, found " + quote(text));
  }
  return static_cast<int>(value);
}

struct Range {
  std::string low, high;
};

Range parse_range(const std::string& text, const std::string& where) {
  const size_t dots = text.find("..");
  if (dots == text.npos || text.compare(dots, 3, "...") == 0) {
    refuse(where, "expected a range LOW..HIGH, found " + quote(text));
  }
  return {text.substr(0, dots), text.substr(dots + 2)};
}

// "start=0.5" as {"start", "0.5"}; "log" as {"log", ""}.
std::pair<std::string, std::string> parse_option(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) return {std::string(trim(text)), ""};
  return {std::string(trim(text.substr(0, equals))), text.substr(equals + 1)};
}

// The row of a setting that a search may vary; nullptr if there is none of that name.
const ExperimentRow* find_gene(const std::string& name) {
  for (const ExperimentRow& row : experiment_rows()) {
    if (row.searched != Searched::kNo && row.setting.key == name) return &row;
  }
  return nullptr;
}

// A gene moves inside what the setting of its name accepts.
void check_known_gene(const Gene& gene, const std::string& where) {
  const ExperimentRow* row = find_gene(gene.name);
  if (row == nullptr) {
    std::vector<std::string> names;
    for (const ExperimentRow& each : experiment_rows()) {
      if (each.searched != Searched::kNo) names.emplace_back(each.setting.key);
    }
    refuse(name_setting("genes"), unknown_name("gene", gene.name, names));
  }
  const double low = row->setting.low, high = row->setting.high;
  if (gene.low < low || gene.high > high) {
    refuse(where, "the range " + number_text(gene.low) + " .. " + number_text(gene.high) +
                      " is not within what " + name_setting(gene.name) + " accepts, " +
                      number_text(low) + " .. " + number_text(high));
  }
}

Gene parse_gene(const std::string& text, bool known_only) {
  const std::vector<std::string> parts = split(text, ':');
  const auto [name, range_text] = parse_option(parts.front());
  const std::string where = name_setting("genes") + ": " + quote(name);
  if (range_text.empty())
    refuse(name_setting("genes"), quote(name) + " has no range; write " + name + "=LOW..HIGH");
  const Range range = parse_range(range_text, where);
  Gene gene;
  gene.name = name;
  gene.low = parse_number(range.low, where);
  gene.high = parse_number(range.high, where);
  const ExperimentRow* row = find_gene(name);
  gene.integer = row != nullptr && row->kind == SettingKind::kWhole;
  gene.log = row != nullptr && row->searched == Searched::kLogarithm && gene.low > 0;
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto [option, value] = parse_option(parts[i]);
    if (option == "start") {
      gene.start = parse_number(value, where + ", start");
    } else if (option == "log" || option == "linear") {
      gene.log = option == "log";
    } else if (option == "whole") {
      gene.integer = true;
    } else {
      const std::vector<std::string> known = {"start=VALUE", "log", "linear", "whole"};
      refuse(where, unknown_name("option", option, known));
    }
  }
  if (known_only) check_known_gene(gene, where);
  return gene;
}

OpLimits parse_op_limits(const std::vector<std::string>& parts, const std::string& where) {
  OpLimits limits;
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto [option, value] = parse_option(parts[i]);
    if (option != "p" && option != "level") {
      const std::vector<std::string> known = {"p=LOW..HIGH", "level=LOW..HIGH"};
      refuse(where, unknown_name("limit", option, known));
    }
    const Range range = parse_range(value, where + ", " + option);
    if (option == "level") {
      limits.low_level = parse_whole(range.low, where + ", level");
      limits.high_level = parse_whole(range.high, where + ", level");
      continue;
    }
    const double low = parse_number(range.low, where + ", p"),
                 high = parse_number(range.high, where + ", p");
    for (const double p : {low, high}) {
      if (!(p >= 0 && p <= 1) || std::abs(10 * p - std::round(10 * p)) > 1e-9) {
        refuse(where, "a probability is searched in tenths of 0 .. 1, not at " + number_text(p));
      }
    }
    limits.low_tenths = static_cast<int>(std::lround(10 * low));
    limits.high_tenths = static_cast<int>(std::lround(10 * high));
  }
  return limits;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<Gene> parse_genes(const std::string& text, bool known_only) {
  std::vector<Gene> genes;
  for (const std::string& piece : pieces(text, ',')) {
    genes.push_back(parse_gene(piece, known_only));
  }
  return genes;
}

Space only_ops(Space space, const std::string& text) {
  const std::vector<std::string> names = pieces(text, ',');
  if (names.empty()) return space;
  const std::vector<std::string> known = space.op_names();
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    if (!contains(known, name)) refuse(name_setting("ops"), unknown_name("op", name, known));
    if (!wanted.insert(name).second) refuse(name_setting("ops"), quote(name) + " is listed twice");
  }
  std::erase_if(space.ops, [&](const SpaceOp& op) { return !wanted.contains(op.op); });
  return space;
}

std::map<std::string, OpLimits> parse_limits(const std::string& text, const Space& space,
                                             const std::vector<std::string>& left_out) {
  std::map<std::string, OpLimits> limits;
  for (const std::string& piece : pieces(text, ',')) {
    const std::vector<std::string> parts = split(piece, ':');
    const std::string name(trim(parts.front()));
    const std::string where = name_setting("limits") + ": " + quote(name);
    if (parts.size() < 2)
      refuse(name_setting("limits"), quote(name) + " has no limit; write " + name + ":p=LOW..HIGH");
    const OpLimits parsed = parse_op_limits(parts, where);
    if (contains(left_out, name)) continue;
    if (!contains(space.op_names(), name)) {
      refuse(name_setting("limits"), unknown_name("op", name, space.op_names()));
    }
    if (!limits.emplace(name, parsed).second) refuse(where, "is listed twice");
  }
  return limits;
}

std::vector<int> parse_amounts(const std::string& text) {
  std::vector<int> amounts;
  for (const std::string& piece : pieces(text, ',')) {
    amounts.push_back(parse_whole(piece, name_setting("amounts")));
  }
  return amounts;
}

Policy start_policy(const Schedule& schedule, const Space& space, int copies,
                    const std::vector<std::string>& left_out) {
  const std::string where = name_setting("start") + ": " + schedule.name;
  if (schedule.rule.kind != RuleKind::kPba) {
    refuse(where, "only a schedule of the pba rule can be a start");
  }
  // Levels mean what the last segment says, which may have values of its own.
  const Space& last = schedule.space_of(schedule.segments.size() - 1);
  Policy start = zero_policy(space, copies);
  const size_t ops = space.ops.size();
  std::map<std::string, int> seen;
  for (const PolicyEntry& entry : schedule.segments.back().policy.entries) {
    const SpaceOp& theirs = last.ops[entry.op];
    if (contains(left_out, theirs.op)) continue;
    if (!contains(space.op_names(), theirs.op)) {
      if (entry.probability == 0) continue;
      refuse(where, "its op " + quote(theirs.op) + " is not searched here");
    }
    const int op = space.index_of(theirs.op);
    if (space.ops[op].values != theirs.values || space.levels != schedule.space.levels) {
      refuse(where,
             "the levels of its op " + quote(theirs.op) +
                 " mean other values than here; another space or another strength does that");
    }
    const int copy = seen[theirs.op]++;
    if (copy >= copies) {
      refuse(where, "it has more entries of " + quote(theirs.op) + " than " +
                        name_setting("copies") + " " + std::to_string(copies));
    }
    start.entries[copy * ops + op] = {op, entry.probability, entry.level};
  }
  return start;
}

}  // namespace popaug
