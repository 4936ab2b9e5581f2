// popaug ops: the table of ops and spaces, and the checks that every op passes.
#include <cstdio>
#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/augment/augment.h"

namespace popaug::cli {
namespace {

struct Flags {
  std::string space;
  bool json = false, check = false;
};

// "0.1 .. 1.9 factor", "-30 .. 30 degrees", "4 .. 0 bits": the values from the lowest level to the
// highest, or both ways where the sign is drawn.
std::string range_text(const SpaceOp& op, const OpRow& row) {
  if (op.values.empty()) return "level ignored";
  const double first = op.values.front(), last = op.values.back();
  const auto text = [](double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.4g", value);
    return std::string(buffer);
  };
  std::string range;
  if (op.is_signed && op.centre != 0) {
    range = text(op.centre) + " +- " + text(first) + ".." + text(last);
  } else if (op.is_signed) {
    range = "+- " + text(first) + ".." + text(last);
  } else {
    range = text(op.centre + first) + ".." + text(op.centre + last);
  }
  return row.unit.empty() ? range : range + " " + row.unit;
}

std::vector<int> identity_levels(const SpaceOp& op, int levels) {
  std::vector<int> found;
  for (int level = 0; level < levels; ++level) {
    if (is_identity(op, level)) found.push_back(level);
  }
  return found;
}

std::string levels_text(const SpaceOp& op, int levels) {
  const std::vector<int> found = identity_levels(op, levels);
  if (static_cast<int>(found.size()) == levels) return "all";
  std::string text;
  for (const int level : found) text += (text.empty() ? "" : ",") + std::to_string(level);
  return text.empty() ? "-" : text;
}

Json row_json(const OpRow& row) {
  Json json = {{"op", row.name},
               {"summary", row.summary},
               {"unit", row.unit},
               {"group", group_name(row.group)},
               {"uses_value", row.uses_value},
               {"mirrors", row.mirrors},
               {"draws", row.draws},
               {"changes_grey", row.changes_grey}};
  if (row.uses_value) {
    json["low"] = row.low;
    json["high"] = row.high;
    if (row.has_identity) json["identity"] = row.identity;
  }
  json["origin"] = row.origin;
  return json;
}

Json described(const Space& space) {
  Json json = space_to_json(space);
  for (size_t i = 0; i < space.ops.size(); ++i) {
    json["ops"][i]["identity_levels"] = identity_levels(space.ops[i], space.levels);
  }
  return json;
}

int print_tables(const std::vector<Space>& spaces) {
  Json json = {{"ops", Json::array()}, {"spaces", Json::array()}};
  for (const OpRow& row : op_rows()) json["ops"].push_back(row_json(row));
  for (const Space& space : spaces) json["spaces"].push_back(described(space));
  print_json(json);
  return 0;
}

void print_space(const Space& space) {
  print("{:<16} {:<28} {:<5} {:<9} {:<5} {}\n", "op", "value, lowest to highest level", "sign",
        "identity", "grey", "what it does");
  for (const SpaceOp& op : space.ops) {
    const OpRow& row = *find_op(op.op);
    print("{:<16} {:<30} {:<5} {:<9} {:<5} {}\n", op.op, range_text(op, row),
          op.is_signed ? "+-" : "", levels_text(op, space.levels), row.changes_grey ? "yes" : "no",
          row.summary);
  }
  print(
      "Space {}: levels 0..{} (a search draws 0..{}); uncovered pixels become {}.\n"
      "identity: the levels that change no pixel. grey: whether it can change a grey image.\n",
      space.name, space.levels - 1, space.search_levels - 1,
      space.fill == Fill::kHole ? "holes" : "opaque black");
}

void print_others(const Space& shown) {
  std::string names;
  for (const OpRow& row : op_rows()) {
    bool in_space = false;
    for (const SpaceOp& op : shown.ops) in_space |= op.op == row.name;
    if (in_space) continue;
    names += (names.empty() ? "" : ", ") + row.name;
    if (row.origin != "built-in") names += " (" + row.origin + ")";
  }
  print("Ops outside this space: {}.\n", names);
  print("Spaces: {}; or a file (docs/formats/space.md).\n", join(space_names(), ", "));
}

// Built-in rows and those of plugins alike.
int check_all() {
  int broken = 0;
  for (const OpRow& row : op_rows()) {
    const std::vector<std::string> faults = check_op_row(row);
    print("{:<16} {:<10} {}\n", row.name, faults.empty() ? "ok" : "BROKEN", row.origin);
    for (const std::string& fault : faults) print("  {}\n", fault);
    broken += faults.empty() ? 0 : 1;
  }
  print("{} ops checked, {} broken\n", op_rows().size(), broken);
  return broken == 0 ? 0 : static_cast<int>(ExitCode::kFailed);
}

int run(const Flags& flags) {
  if (flags.check) return check_all();
  std::vector<Space> spaces;
  if (!flags.space.empty()) {
    spaces.push_back(load_space(flags.space));
  } else if (flags.json) {
    for (const std::string& name : space_names()) spaces.push_back(space_by_name(name));
  } else {
    spaces.push_back(space_by_name("pba"));
  }
  if (flags.json) return print_tables(spaces);
  print_space(spaces[0]);
  print_others(spaces[0]);
  return 0;
}

}  // namespace

void add_ops(CLI::App& program, Action& action) {
  CLI::App& verb = *program.add_subcommand("ops", "The table of ops and spaces");
  auto flags = std::make_shared<Flags>();
  verb.add_option("--space", flags->space, "A space by name, or its TOML file (default: pba)")
      ->type_name("NAME|FILE");
  verb.add_flag("--json", flags->json, "All rows, and the space (or every built-in one), as JSON");
  verb.add_flag("--check", flags->check,
                "Check that every op keeps the promises of its row, those of plugins too");
  examples(verb, {{"popaug ops", "the 15 ops of PBA with their values"},
                  {"popaug ops --space trivial", "another space"},
                  {"popaug ops --space my_space.toml --plugin my_ops.so", "a space of your own"},
                  {"popaug ops --check --plugin my_ops.so", "test ops of your own"}});
  verb.callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
