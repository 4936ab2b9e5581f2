#include "popaug/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace popaug {
namespace {

constexpr double kLevel = 0.05;
constexpr double kPoints = 100;  // accuracies are shares; tables speak in points

constexpr const char* kOneSeed =
    "one seed gives no spread, so there is no interval and no verdict; add seeds with --resume";

// Accuracies by arm, in the order of the seeds.
using Points = std::map<std::string, std::vector<double>>;

Points points_of(const std::vector<Arm>& arms, const std::vector<uint64_t>& seeds,
                 const std::vector<ArmResult>& results) {
  Points points;
  for (const Arm& arm : arms) {
    for (const uint64_t seed : seeds) {
      const auto found = std::find_if(results.begin(), results.end(), [&](const ArmResult& r) {
        return r.arm == arm.name && r.seed == seed;
      });
      POPAUG_ASSERT(found != results.end());
      points[arm.name].push_back(kPoints * found->accuracy);
    }
  }
  return points;
}

// The arm against all others of a family, Holm-corrected within it.
std::vector<Contrast> contrasts_of(const Arm& arm, const std::vector<Arm>& arms, ArmFamily family,
                                   const Points& points, double margin) {
  std::vector<Contrast> contrasts;
  std::vector<double> p;
  for (const Arm& other : arms) {
    if (other.family != family || other.name == arm.name) continue;
    Contrast c;
    c.against = other.name;
    c.reference = other.reference;
    c.difference = paired_difference(points.at(arm.name), points.at(other.name));
    c.not_worse = c.difference.interval.low > -margin;
    p.push_back(c.difference.p);
    contrasts.push_back(c);
  }
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < contrasts.size(); ++i) {
    contrasts[i].adjusted_p = adjusted[i];
    contrasts[i].better = contrasts[i].difference.mean > 0 && adjusted[i] < kLevel;
  }
  return contrasts;
}

using Titles = std::map<std::string, std::string>;

std::string joined_titles(const std::vector<const Contrast*>& contrasts, const Titles& titles) {
  std::string text;
  for (size_t i = 0; i < contrasts.size(); ++i) {
    if (i > 0) text += i + 1 == contrasts.size() ? " and " : ", ";
    text += titles.at(contrasts[i]->against);
  }
  return text;
}

std::string points_text(const Contrast& c, const Titles& titles, int seeds) {
  const Interval& interval = c.difference.interval;
  return fmt::format("{:+.2f} ± {:.2f} points against {}, corrected p {:.2g}, {} seeds",
                     c.difference.mean, (interval.high - interval.low) / 2, titles.at(c.against),
                     c.adjusted_p, seeds);
}

// The one sentence about an arm. It quotes the reference that is hardest to beat.
std::string verdict_of(ArmSummary& arm, const Titles& titles, double margin, int seeds) {
  std::vector<const Contrast*> references;
  for (const Contrast& c : arm.free) {
    if (c.reference) references.push_back(&c);
  }
  if (references.empty()) return "";
  const auto all = [&](bool Contrast::*holds) {
    return std::all_of(references.begin(), references.end(),
                       [&](const Contrast* c) { return c->*holds; });
  };
  arm.better = all(&Contrast::better);
  arm.not_worse = all(&Contrast::not_worse);
  const Contrast& hardest = **std::min_element(
      references.begin(), references.end(),
      [](const Contrast* a, const Contrast* b) { return a->difference.mean < b->difference.mean; });
  const std::string figures = points_text(hardest, titles, seeds);
  const bool worse = hardest.difference.mean < 0 && hardest.adjusted_p < kLevel;
  if (arm.better) {
    return fmt::format("better than {} ({})", joined_titles(references, titles), figures);
  }
  if (arm.not_worse) {
    return fmt::format("not worse than {} by more than {:.2g} points ({})",
                       joined_titles(references, titles), margin, figures);
  }
  if (worse) return fmt::format("worse than {} ({})", titles.at(hardest.against), figures);
  return fmt::format("no difference shown ({}); at this spread {} seeds could show {:.2g} points",
                     figures, seeds_needed(hardest.difference.deviation, margin), margin);
}

ArmSummary summary_of(const Arm& arm, const std::vector<Arm>& arms,
                      const std::vector<ArmResult>& results, const Points& points, double margin) {
  ArmSummary summary;
  summary.arm = arm;
  summary.accuracy = summarise(points.at(arm.name));
  summary.search_images = arm.search_images;
  for (const ArmResult& r : results) {
    if (r.arm != arm.name) continue;
    summary.images_trained = r.images_trained;
    summary.core_hours += r.seconds / 3600;
  }
  if (summary.accuracy.count < 2) return summary;  // no spread, so no interval and no test
  summary.free = contrasts_of(arm, arms, ArmFamily::kFree, points, margin);
  if (arm.family == ArmFamily::kLearned && !arm.raced) {
    summary.controls = contrasts_of(arm, arms, ArmFamily::kControl, points, margin);
  }
  return summary;
}

// The sentence that answers the question: about the schedule, or about the best arm of all.
std::string overall_verdict(const std::vector<ArmSummary>& arms) {
  const ArmSummary* subject = nullptr;
  for (const ArmSummary& s : arms) {
    if (s.arm.name == "schedule") subject = &s;
  }
  if (subject == nullptr) {
    subject = &*std::max_element(
        arms.begin(), arms.end(),
        [](const ArmSummary& a, const ArmSummary& b) { return a.accuracy.mean < b.accuracy.mean; });
  }
  if (subject->verdict.empty()) {
    return fmt::format("{} is the best of {} arms, with {:.2f} %; no other reference took part",
                       subject->arm.title, arms.size(), subject->accuracy.mean);
  }
  return subject->arm.title + ": " + subject->verdict;
}

Json interval_json(const Interval& interval) {
  if (std::isnan(interval.low)) return nullptr;  // one seed
  return {interval.low, interval.high};
}

std::string interval_text(const Interval& interval) {
  if (std::isnan(interval.low)) return "no interval";
  return fmt::format("{:.2f} .. {:.2f}", interval.low, interval.high);
}

Json contrasts_json(const std::vector<Contrast>& contrasts) {
  Json list = Json::array();
  for (const Contrast& c : contrasts) {
    list.push_back({{"against", c.against},
                    {"difference", c.difference.mean},
                    {"deviation", c.difference.deviation},
                    {"interval", interval_json(c.difference.interval)},
                    {"p", c.difference.p},
                    {"adjusted_p", c.adjusted_p},
                    {"better", c.better},
                    {"not_worse", c.not_worse}});
  }
  return list;
}

const char* family_name(ArmFamily family) {
  return family == ArmFamily::kFree      ? "free"
         : family == ArmFamily::kLearned ? "learned"
                                         : "control";
}

}  // namespace

Comparison judge(const std::vector<Arm>& arms, const std::vector<uint64_t>& seeds,
                 const std::vector<ArmResult>& results, double margin) {
  Comparison comparison;
  comparison.margin = margin;
  comparison.seeds = static_cast<int>(seeds.size());
  const Points points = points_of(arms, seeds, results);
  Titles titles;
  for (const Arm& arm : arms) titles[arm.name] = arm.title;
  for (const Arm& arm : arms) {
    comparison.arms.push_back(summary_of(arm, arms, results, points, margin));
    ArmSummary& summary = comparison.arms.back();
    summary.verdict = verdict_of(summary, titles, margin, comparison.seeds);
  }
  comparison.verdict = seeds.size() < 2 ? std::string(kOneSeed) : overall_verdict(comparison.arms);
  return comparison;
}

Json comparison_to_json(const Comparison& comparison) {
  Json json = {{"format", "popaug-comparison"}, {"version", 1},
               {"verdict", comparison.verdict}, {"seeds", comparison.seeds},
               {"margin", comparison.margin},   {"arms", Json::array()},
               {"notes", comparison.notes}};
  for (const ArmSummary& s : comparison.arms) {
    const Interval& i = s.accuracy.interval;
    json["arms"].push_back({{"name", s.arm.name},
                            {"title", s.arm.title},
                            {"family", family_name(s.arm.family)},
                            {"error", kPoints - s.accuracy.mean},
                            {"interval", interval_json({kPoints - i.high, kPoints - i.low})},
                            {"deviation", s.accuracy.deviation},
                            {"seeds", comparison.seeds},
                            {"images", s.images_trained},
                            {"search_images", s.search_images},
                            {"core_hours", s.core_hours},
                            {"better", s.better},
                            {"not_worse", s.not_worse},
                            {"verdict", s.verdict},
                            {"free", contrasts_json(s.free)},
                            {"controls", contrasts_json(s.controls)}});
  }
  return json;
}

std::string comparison_markdown(const Comparison& comparison) {
  std::string text = comparison.verdict + ".\n\n";
  text +=
      "| arm | accuracy, % (95 %) | sd | images trained | of its search | core-hours | verdict |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const ArmSummary& s : comparison.arms) {
    text += fmt::format("| {} | {:.2f} ({}) | {:.2f} | {} | {} | {:.3f} | {} |\n", s.arm.title,
                        s.accuracy.mean, interval_text(s.accuracy.interval), s.accuracy.deviation,
                        s.images_trained, s.search_images, s.core_hours, s.verdict);
  }
  for (const std::string& note : comparison.notes) text += "\n" + note + ".\n";
  return text;
}

std::string comparison_text(const Comparison& comparison) {
  size_t width = 3;
  for (const ArmSummary& s : comparison.arms) width = std::max(width, s.arm.title.size());
  std::string text = fmt::format("{:<{}}  {:>9}  {:>16}  {:>5}  {:>10}\n", "arm", width, "accuracy",
                                 "95 % interval", "sd", "core-hours");
  for (const ArmSummary& s : comparison.arms) {
    text += fmt::format("{:<{}}  {:>7.2f} %  {:>16}  {:>5.2f}  {:>10.3f}\n", s.arm.title, width,
                        s.accuracy.mean, interval_text(s.accuracy.interval), s.accuracy.deviation,
                        s.core_hours);
  }
  text += "\n" + comparison.verdict + ".\n";
  for (const ArmSummary& s : comparison.arms) {
    for (const Contrast& c : s.controls) {
      text += fmt::format("  {:+.2f} points ({:+.2f} .. {:+.2f}) against its control '{}'\n",
                          c.difference.mean, c.difference.interval.low, c.difference.interval.high,
                          c.against);
    }
  }
  for (const std::string& note : comparison.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace popaug
