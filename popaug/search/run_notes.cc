#include "popaug/search/internal/run_notes.h"

#include <fmt/format.h>

namespace popaug {
namespace {

constexpr size_t kMostSentences = 16;

std::string score_text(const Population& population, int member) {
  const double score = population.score(member).value_or(kDiverged);
  if (score == kDiverged) return "diverged";
  return population.settings().metric == "loss" ? "loss " + number_text(-score)
                                                : fmt::format("{:.1f} %", 100 * score);
}

}  // namespace

int best_member(const Population& population) {
  int best = -1;
  for (int m = 0; m < population.settings().population; ++m) {
    const auto score = population.score(m);
    if (!score || *score == kDiverged) continue;
    if (best < 0 || *score > *population.score(best)) best = m;
  }
  return best;
}

std::vector<std::string> copy_notes(const Population& population, const Decision& decision) {
  if (decision.copies.size() > kMostSentences) {
    return {fmt::format("round {}: {} members copy better ones", decision.round,
                        decision.copies.size())};
  }
  std::vector<std::string> notes;
  for (const Copy& copy : decision.copies) {
    notes.push_back(fmt::format("round {}: member {} ({}) copies member {} ({})", decision.round,
                                copy.target, score_text(population, copy.target), copy.donor,
                                score_text(population, copy.donor)));
  }
  return notes;
}

std::string standing_note(const Population& population, int best, double spread,
                          const std::string& picture) {
  if (best < 0) return "no scores yet";
  return fmt::format("best {} (member {}){}, policies differ by {:.2f}",
                     score_text(population, best), best,
                     picture.empty() ? "" : " [" + picture + "]", spread);
}

}  // namespace popaug
