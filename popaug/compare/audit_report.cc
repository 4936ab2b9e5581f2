// An audit as text and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/compare/blocks.h"
#include "popaug/compare/internal/audited_space.h"

namespace popaug {
namespace {

const char* decision_word(OpDecision decision) {
  return decision == OpDecision::kKeep    ? "keep"
         : decision == OpDecision::kLimit ? "limit"
                                          : "leave out";
}

// The class that loses most on images with the op.
std::string worst_class(const CellFinding& f, const std::vector<std::string>& classes) {
  const auto worst = std::min_element(f.class_affinity.begin(), f.class_affinity.end());
  return fmt::format("{} by {:.1f}", show_path(classes[worst - f.class_affinity.begin()]), -*worst);
}

// The harm that the gain test would find with probability 0.8 in a single cell.
double visible_harm(const Audit& audit) {
  const double level = 0.8 * audit.alpha / static_cast<double>(audit.cells.size());
  const double error = audit.deviation * std::sqrt(2.0 / audit.seeds);
  return (upper_quantile(level, audit.degrees) + upper_quantile(0.2, audit.degrees)) * error;
}

std::string op_sentence(const OpFinding& op) {
  if (op.decision == OpDecision::kLeaveOut) {
    return fmt::format("{}: {}", op.in_space ? "left out" : "harmful", op.why);
  }
  return fmt::format("limited to levels {} .. {}: {}", op.low, op.high, op.why);
}

bool of_recipes(const Audit& audit) {
  return std::any_of(audit.cells.begin(), audit.cells.end(),
                     [](const CellFinding& f) { return f.cell.recipe.has_value(); });
}

double strongest(const Audit& audit, const OpFinding& op) {
  double strength = 0;
  for (const CellFinding& f : audit.cells) {
    if (f.cell.op.op != op.op || !f.harmful) continue;
    strength = std::max(strength, -f.gain + (f.exchanges.empty() ? 0 : 1000));
  }
  return strength;
}

Json interval_json(const Interval& interval) { return {interval.low, interval.high}; }

Json cell_json(const CellFinding& f, const std::vector<std::string>& classes) {
  Json json = {{"op", f.cell.op.op}};
  if (!f.cell.op.values.empty()) {
    json["level"] = f.cell.level;
    json["value"] = f.cell.op.centre + f.cell.op.values[f.cell.level];
  }
  json["in_space"] = f.cell.in_space;
  json["affinity"] = f.affinity;
  json["affinity_ratio"] = f.affinity_ratio;
  json["diversity"] = f.diversity;
  json["gain"] = f.gain;
  json["gain_interval"] = interval_json(f.gain_interval);
  json["p"] = f.p;
  json["adjusted_p"] = f.adjusted_p;
  json["harmful"] = f.harmful;
  json["class_affinity"] = f.class_affinity;
  json["exchanges"] = Json::array();
  for (const Exchange& e : f.exchanges) {
    json["exchanges"].push_back(
        {{"a", classes[e.a]}, {"b", classes[e.b]}, {"a_to_b", e.a_to_b}, {"b_to_a", e.b_to_a}});
  }
  return json;
}

}  // namespace

std::vector<std::string> audit_sentences(const Audit& audit) {
  std::vector<const OpFinding*> touched;
  for (const OpFinding& op : audit.ops) {
    if (op.decision != OpDecision::kKeep) touched.push_back(&op);
  }
  std::stable_sort(touched.begin(), touched.end(), [&](const OpFinding* a, const OpFinding* b) {
    return strongest(audit, *a) > strongest(audit, *b);
  });
  std::vector<std::string> said;
  for (const OpFinding* op : touched) said.push_back(op_sentence(*op));
  if (touched.empty()) {
    said.emplace_back(of_recipes(audit) ? "no recipe was shown to harm"
                                        : "no op was shown to harm: the space stays as it is");
  }
  if (audit.flip_hurts) {
    said.emplace_back("horizontal flips hurt here: search and train with flip = 0");
  }
  const CellFinding* best = nullptr;
  for (const CellFinding& f : audit.cells) {
    if (f.gain_interval.low > 0 && (best == nullptr || f.gain > best->gain)) best = &f;
    if (!f.harmful && !f.exchanges.empty()) said.push_back(harm_sentence(f, audit.classes));
  }
  if (best != nullptr) {
    said.push_back(
        fmt::format("{} helps most: {:.1f} points ({:.1f} .. {:.1f}, not corrected for "
                    "the choice among {})",
                    best->cell.name(), best->gain, best->gain_interval.low,
                    best->gain_interval.high, audit.cells.size()));
  }
  if (!audit.cells.empty()) {
    said.push_back(
        fmt::format("with {} seeds, harm of about {:.1f} points or more would be seen "
                    "(4 times of 5)",
                    audit.seeds, visible_harm(audit)));
  }
  return said;
}

std::string audit_text(const Audit& audit) {
  const char* what = of_recipes(audit) ? "recipe" : "op, level";
  size_t width = 16;
  for (const CellFinding& f : audit.cells) width = std::max(width, f.cell.name().size());
  std::string text = fmt::format(
      "Without augmentation: {:.1f} % right after {} epochs (mean of {} seeds)\n\n"
      "{:<{}} {:>8} {:>9} {:>7} {:>17}  {}\n",
      audit.clean_accuracy, audit.epochs, audit.seeds, what, width, "affinity", "diversity", "gain",
      "95 %", "most hurt class (affinity)");
  for (const CellFinding& f : audit.cells) {
    const std::string interval =
        fmt::format("{:.1f} .. {:.1f}", f.gain_interval.low, f.gain_interval.high);
    text += fmt::format("{:<{}} {:>8.1f} {:>9.2f} {:>+7.1f} {:>17}  {}{}\n", f.cell.name(), width,
                        f.affinity, f.diversity, f.gain, interval, worst_class(f, audit.classes),
                        f.harmful ? "  HARMFUL" : "");
  }
  text +=
      "\naffinity: points of accuracy lost on images with the op by networks trained without it; "
      "diversity: training\nloss with the op, relative; gain: points of accuracy on clean images "
      "after training with it\n\n";
  for (const std::string& sentence : audit.sentences) text += "* " + sentence + ".\n";
  return text;
}

Json audit_to_json(const Audit& audit) {
  Json json = {{"format", "popaug-audit"},       {"version", 1},
               {"seeds", audit.seeds},           {"epochs", audit.epochs},
               {"alpha", audit.alpha},           {"clean_accuracy", audit.clean_accuracy},
               {"clean_loss", audit.clean_loss}, {"deviation", audit.deviation},
               {"degrees", audit.degrees},       {"classes", audit.classes},
               {"cells", Json::array()},         {"ops", Json::array()},
               {"flip_hurts", audit.flip_hurts}, {"sentences", audit.sentences}};
  for (const CellFinding& f : audit.cells) json["cells"].push_back(cell_json(f, audit.classes));
  for (const OpFinding& op : audit.ops) {
    Json item = {
        {"op", op.op}, {"in_space", op.in_space}, {"decision", decision_word(op.decision)}};
    if (op.decision == OpDecision::kLimit) item["levels"] = {op.low, op.high};
    if (!op.why.empty()) item["why"] = op.why;
    json["ops"].push_back(std::move(item));
  }
  return json;
}

}  // namespace popaug
