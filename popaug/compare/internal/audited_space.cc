#include "popaug/compare/internal/audited_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace popaug {
namespace {

// Spreads the values of the searched levels low .. high over all levels again.
std::vector<double> spread(const SpaceOp& op, const Space& space, int low, int high) {
  const OpRow* row = find_op(op.op);
  const bool whole = row != nullptr && row->unit == "bits";
  const int last = std::max(1, space.search_levels - 1);
  std::vector<double> values;
  for (int level = 0; level < space.levels; ++level) {
    const double at = low + (high - low) * std::min(level, last) / static_cast<double>(last);
    const int below = static_cast<int>(std::floor(at));
    const int above = std::min(below + 1, high);
    const double value = op.values[below] + (at - below) * (op.values[above] - op.values[below]);
    values.push_back(whole ? std::round(value) : value);
  }
  return values;
}

// Cuts the range of an op with levels around its mildest one.
void cut_range(const std::vector<const CellFinding*>& cells, int mildest, int top, OpFinding& op) {
  // On each side, the limit is the last tested level before the harmful level that is nearest to
  // the mildest one.
  const auto limit = [&](bool upwards, int end) {
    int kept = mildest, harmful = -1;
    std::vector<const CellFinding*> side;
    for (const CellFinding* cell : cells) {
      const int level = cell->cell.level;
      if (upwards ? level > mildest : level < mildest) side.push_back(cell);
    }
    if (!upwards) std::reverse(side.begin(), side.end());
    for (const CellFinding* cell : side) {
      if (cell->harmful) {
        harmful = cell->cell.level;
        break;
      }
      kept = cell->cell.level;
    }
    return harmful < 0 ? end : kept;
  };
  op.high = top;
  if (std::none_of(cells.begin(), cells.end(),
                   [](const CellFinding* cell) { return cell->harmful; })) {
    return;
  }
  // If the mildest level is harmful (an op without an identity), nothing is left.
  const bool all = std::any_of(cells.begin(), cells.end(), [&](const CellFinding* cell) {
    return cell->harmful && cell->cell.level == mildest;
  });
  op.low = all ? mildest : limit(false, 0);
  op.high = all ? mildest : limit(true, top);
  op.decision = op.low == op.high ? OpDecision::kLeaveOut : OpDecision::kLimit;
}

std::string number(double value) { return fmt::format("{:.1f}", value); }

}  // namespace

int mildest_level(const SpaceOp& op, const Space& space) {
  const OpRow* row = find_op(op.op);
  if (row == nullptr || op.values.empty()) return 0;
  const double still = row->has_identity ? row->identity : row->high;
  int mildest = 0;
  for (int level = 1; level < space.search_levels; ++level) {
    const auto distance = [&](int l) { return std::abs(op.centre + op.values[l] - still); };
    if (distance(level) < distance(mildest) - 1e-12) mildest = level;
  }
  return mildest;
}

std::string harm_sentence(const CellFinding& f, const std::vector<std::string>& classes) {
  std::string text;
  if (!f.exchanges.empty()) {
    const Exchange& e = f.exchanges.front();
    text =
        fmt::format("{} turns {} into {} ({:.0f} % of its images) and {} into {} ({:.0f} %)",
                    f.cell.name(), show_path(classes[e.a]), show_path(classes[e.b]), 100 * e.a_to_b,
                    show_path(classes[e.b]), show_path(classes[e.a]), 100 * e.b_to_a);
    if (f.exchanges.size() > 1) {
      text += fmt::format(", and exchanges {} more pair{} of classes", f.exchanges.size() - 1,
                          f.exchanges.size() == 2 ? "" : "s");
    }
    text += "; ";
  } else {
    text = f.cell.name() + ": ";
  }
  text += fmt::format("training with it {} {} points ({} .. {})", f.gain < 0 ? "costs" : "gains",
                      number(std::abs(f.gain)), number(f.gain_interval.low),
                      number(f.gain_interval.high));
  return text;
}

std::vector<OpFinding> decide_ops(const AuditSettings& settings,
                                  const std::vector<CellFinding>& cells,
                                  const std::vector<std::string>& classes) {
  std::vector<OpFinding> ops;
  for (size_t begin = 0, end; begin < cells.size(); begin = end) {
    const AuditCell& first = cells[begin].cell;
    std::vector<const CellFinding*> of_op;
    for (end = begin; end < cells.size() && cells[end].cell.op.op == first.op.op; ++end) {
      of_op.push_back(&cells[end]);
    }
    const auto worst = std::find_if(of_op.begin(), of_op.end(),
                                    [](const CellFinding* cell) { return cell->harmful; });
    OpFinding op{.op = first.op.op, .in_space = first.in_space, .why = ""};
    if (first.op.values.empty()) {
      if (worst != of_op.end()) op.decision = OpDecision::kLeaveOut;
    } else {
      cut_range(of_op, mildest_level(first.op, settings.space), settings.space.search_levels - 1,
                op);
    }
    if (op.decision != OpDecision::kKeep) op.why = harm_sentence(**worst, classes);
    ops.push_back(std::move(op));
  }
  return ops;
}

std::optional<Space> audited_space(const Space& space, const std::vector<OpFinding>& ops) {
  Space audited = space;
  audited.name = "audited";
  audited.ops.clear();
  for (const SpaceOp& op : space.ops) {
    const auto found =
        std::find_if(ops.begin(), ops.end(), [&](const OpFinding& f) { return f.op == op.op; });
    if (found == ops.end() || found->decision == OpDecision::kKeep) {
      audited.ops.push_back(op);
    } else if (found->decision == OpDecision::kLimit) {
      SpaceOp limited = op;
      limited.values = spread(op, space, found->low, found->high);
      audited.ops.push_back(std::move(limited));
    }
  }
  if (audited.ops.empty()) return std::nullopt;
  check_space(audited, "the audited space");
  return audited;
}

std::string audited_space_toml(const Audit& audit) {
  std::string text =
      "# Made by popaug audit: what was shown to harm is left out or limited.\n"
      "# popaug search --space THIS-FILE";
  text += audit.flip_hurts ? " --flip 0\n" : "\n";
  for (const OpFinding& op : audit.ops) {
    if (op.decision == OpDecision::kKeep || !op.in_space) continue;
    text += fmt::format("# {} {}: {}\n", op.op,
                        op.decision == OpDecision::kLimit ? "limited" : "left out", op.why);
  }
  if (!audit.space) return text + "# No op is left.\n";
  const Json json = space_to_json(*audit.space);
  text += fmt::format("\nname = \"{}\"\nlevels = {}\nsearch_levels = {}\nfill = {}\n",
                      audit.space->name, audit.space->levels, audit.space->search_levels,
                      json_line(json.at("fill")));
  for (size_t i = 0; i < audit.space->ops.size(); ++i) {
    const SpaceOp& op = audit.space->ops[i];
    text += fmt::format("\n[[op]]\nname = \"{}\"\n", op.op);
    if (op.values.empty()) continue;
    text += fmt::format("signed = {}\nscale = \"{}\"\ncentre = {}\nvalues = [", op.is_signed,
                        json.at("ops").at(i).value("scale", "none"), number_text(op.centre));
    for (size_t v = 0; v < op.values.size(); ++v) {
      text += (v == 0 ? "" : ", ") + number_text(op.values[v]);
    }
    text += "]\n";
  }
  return text;
}

}  // namespace popaug
