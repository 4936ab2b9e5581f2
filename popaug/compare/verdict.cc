#include "popaug/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace popaug {
namespace {

constexpr double kLevel = 0.05;
constexpr double kPoints = 100;  // accuracies are shares; tables use points

constexpr const char* kOneSeed =
    "one seed gives no spread, so there is no interval and no verdict; resume with more seeds";

// Values by arm, in the order of the seeds.
using Points = std::map<std::string, std::vector<double>>;

// Figures in the metric's own unit, and how a sentence writes them.
std::string value_text(const Metric& metric, double value) {
  return metric.share ? fmt::format("{:.2f}", value) : fmt::format("{:.4g}", value);
}
std::string difference_text(const Metric& metric, double value) {
  return metric.share ? fmt::format("{:+.2f}", value) : fmt::format("{:+.4g}", value);
}
std::string unit_text(const Metric& metric) {
  return metric.share ? "points" : "in " + metric.name;
}
// Above 0 where the arm is better.
double gain(const Metric& metric, double difference) {
  return metric.lower_is_better ? -difference : difference;
}

// Compares the arm with all others of a family, Holm-corrected within the family.
std::vector<Contrast> contrasts_of(const Arm& arm, const std::vector<Arm>& arms, ArmFamily family,
                                   const Points& points, const Metric& metric, double margin) {
  std::vector<Contrast> contrasts;
  std::vector<double> p;
  for (const Arm& other : arms) {
    if (other.family != family || other.name == arm.name) continue;
    Contrast c;
    c.against = other.name;
    c.reference = other.reference;
    c.difference = paired_difference(points.at(arm.name), points.at(other.name));
    const Interval& interval = c.difference.interval;
    c.not_worse = gain(metric, metric.lower_is_better ? interval.high : interval.low) > -margin;
    p.push_back(c.difference.p);
    contrasts.push_back(c);
  }
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < contrasts.size(); ++i) {
    contrasts[i].adjusted_p = adjusted[i];
    contrasts[i].better = gain(metric, contrasts[i].difference.mean) > 0 && adjusted[i] < kLevel;
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

std::string points_text(const Contrast& c, const Titles& titles, const Metric& metric, int seeds) {
  const Interval& interval = c.difference.interval;
  return fmt::format("{} ± {} {} against {}, corrected p {:.2g}, {} seeds",
                     difference_text(metric, c.difference.mean),
                     value_text(metric, (interval.high - interval.low) / 2), unit_text(metric),
                     titles.at(c.against), c.adjusted_p, seeds);
}

// Writes the sentence about an arm. It quotes the reference that is hardest to beat.
std::string verdict_of(ArmSummary& arm, const Titles& titles, const Metric& metric, double margin,
                       int seeds) {
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
  const auto gained = [&](const Contrast* c) { return gain(metric, c->difference.mean); };
  const Contrast& hardest = **std::min_element(
      references.begin(), references.end(),
      [&](const Contrast* a, const Contrast* b) { return gained(a) < gained(b); });
  const std::string figures = points_text(hardest, titles, metric, seeds);
  const bool worse = gained(&hardest) < 0 && hardest.adjusted_p < kLevel;
  if (arm.better) {
    return fmt::format("better than {} ({})", joined_titles(references, titles), figures);
  }
  if (arm.not_worse) {
    return fmt::format("not worse than {} by more than {:.2g} {} ({})",
                       joined_titles(references, titles), margin, unit_text(metric), figures);
  }
  if (worse) return fmt::format("worse than {} ({})", titles.at(hardest.against), figures);
  if (!(margin > 0)) return fmt::format("no difference shown ({})", figures);
  return fmt::format("no difference shown ({}); at this spread {} seeds could show {:.2g} {}",
                     figures, seeds_needed(hardest.difference.deviation, margin), margin,
                     unit_text(metric));
}

ArmSummary summary_of(const Arm& arm, const ArmScores& scores, const std::vector<Arm>& arms,
                      const Points& points, const Metric& metric, double margin) {
  ArmSummary summary;
  summary.arm = arm;
  summary.score = summarise(points.at(arm.name));
  summary.search_images = arm.search_images;
  summary.images_trained = scores.images_trained;
  summary.core_hours = scores.seconds / 3600;
  if (summary.score.count < 2) return summary;  // no spread, so no interval and no test
  if (metric.share) {  // with few seeds the t interval may leave the range that a share has
    Interval& interval = summary.score.interval;
    interval = {std::max(0.0, interval.low), std::min(kPoints, interval.high)};
  }
  summary.free = contrasts_of(arm, arms, ArmFamily::kFree, points, metric, margin);
  if (arm.family == ArmFamily::kLearned && !arm.screened) {
    summary.controls = contrasts_of(arm, arms, ArmFamily::kControl, points, metric, margin);
  }
  return summary;
}

// Writes the sentence that answers the question: about the schedule, or about the best arm of all.
std::string overall_verdict(const std::vector<ArmSummary>& arms, const Metric& metric) {
  const ArmSummary& top =
      *std::max_element(arms.begin(), arms.end(), [&](const ArmSummary& a, const ArmSummary& b) {
        return gain(metric, a.score.mean) < gain(metric, b.score.mean);
      });
  const ArmSummary* subject = &top;
  for (const ArmSummary& s : arms) {
    if (s.arm.name == "schedule") subject = &s;
  }
  const auto with_mean = [&](const ArmSummary& s) {
    return value_text(metric, s.score.mean) + (metric.share ? " %" : " of " + metric.name);
  };
  const bool beaten = gain(metric, top.score.mean) > gain(metric, subject->score.mean);
  if (subject->verdict.empty()) {
    return (beaten ? subject->arm.title + ": " + with_mean(*subject) + "; " : std::string()) +
           fmt::format("{} is the best of {} arms, with {}; no other reference took part",
                       top.arm.title, arms.size(), with_mean(top));
  }
  std::string text = subject->arm.title + ": " + subject->verdict;
  if (beaten && text.find(top.arm.title) == std::string::npos) {
    text += fmt::format("; {} has the highest mean, {} against {}", top.arm.title, with_mean(top),
                        with_mean(*subject));
  }
  return text;
}

Json interval_json(const Interval& interval) {
  if (std::isnan(interval.low)) return nullptr;  // one seed
  return {interval.low, interval.high};
}

std::string interval_text(const Metric& metric, const Interval& interval) {
  if (std::isnan(interval.low)) return "no interval";
  return value_text(metric, interval.low) + " .. " + value_text(metric, interval.high);
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
  std::vector<ArmScores> scores;
  for (const Arm& arm : arms) {
    ArmScores& mine = scores.emplace_back();
    for (const uint64_t seed : seeds) {
      const auto found = std::find_if(results.begin(), results.end(), [&](const ArmResult& r) {
        return r.arm == arm.name && r.seed == seed;
      });
      POPAUG_ASSERT(found != results.end());
      mine.values.push_back(kPoints * found->accuracy);
    }
    for (const ArmResult& r : results) {
      if (r.arm != arm.name) continue;
      mine.images_trained = r.images_trained;
      mine.seconds += r.seconds;
    }
  }
  return judge_scores(arms, scores, Metric(), margin);
}

Comparison judge_scores(const std::vector<Arm>& arms, const std::vector<ArmScores>& scores,
                        const Metric& metric, double margin) {
  POPAUG_ASSERT(!arms.empty() && arms.size() == scores.size());
  Comparison comparison;
  comparison.metric = metric;
  comparison.margin = margin;
  comparison.seeds = static_cast<int>(scores.front().values.size());
  Points points;
  Titles titles;
  for (size_t i = 0; i < arms.size(); ++i) {
    points[arms[i].name] = scores[i].values;
    titles[arms[i].name] = arms[i].title;
  }
  for (size_t i = 0; i < arms.size(); ++i) {
    comparison.arms.push_back(summary_of(arms[i], scores[i], arms, points, metric, margin));
    ArmSummary& summary = comparison.arms.back();
    summary.verdict = verdict_of(summary, titles, metric, margin, comparison.seeds);
  }
  comparison.verdict =
      comparison.seeds < 2 ? std::string(kOneSeed) : overall_verdict(comparison.arms, metric);
  return comparison;
}

Json comparison_to_json(const Comparison& comparison) {
  const Metric& metric = comparison.metric;
  Json json = {{"format", "popaug-comparison"}, {"version", 1},
               {"verdict", comparison.verdict}, {"seeds", comparison.seeds},
               {"margin", comparison.margin},   {"arms", Json::array()},
               {"notes", comparison.notes}};
  if (metric.name != Metric().name) {
    json["metric"] = {{"name", metric.name},
                      {"better", metric.lower_is_better ? "lower" : "higher"}};
  }
  for (const ArmSummary& s : comparison.arms) {
    const Interval& i = s.score.interval;
    Json arm = {
        {"name", s.arm.name}, {"title", s.arm.title}, {"family", family_name(s.arm.family)}};
    if (metric.share) {
      arm["error"] = kPoints - s.score.mean;
      arm["interval"] = interval_json({kPoints - i.high, kPoints - i.low});
    } else {
      arm["score"] = s.score.mean;
      arm["interval"] = interval_json(i);
    }
    arm.update({{"deviation", s.score.deviation},
                {"seeds", comparison.seeds},
                {"images", s.images_trained},
                {"search_images", s.search_images},
                {"core_hours", s.core_hours},
                {"better", s.better},
                {"not_worse", s.not_worse},
                {"verdict", s.verdict},
                {"free", contrasts_json(s.free)},
                {"controls", contrasts_json(s.controls)}});
    json["arms"].push_back(std::move(arm));
  }
  return json;
}

std::string comparison_markdown(const Comparison& comparison) {
  const Metric& metric = comparison.metric;
  std::string text = comparison.verdict + ".\n\n| arm | " + metric.name +
                     (metric.share ? ", %" : "") +
                     " (95 %) | sd | images trained | of its search | core-hours | verdict |\n"
                     "|---|---|---|---|---|---|---|\n";
  for (const ArmSummary& s : comparison.arms) {
    text += fmt::format("| {} | {} ({}) | {} | {} | {} | {:.3f} | {} |\n", s.arm.title,
                        value_text(metric, s.score.mean), interval_text(metric, s.score.interval),
                        value_text(metric, s.score.deviation),
                        s.images_trained > 0 ? std::to_string(s.images_trained) : "unknown",
                        s.search_images, s.core_hours, s.verdict);
  }
  for (const std::string& note : comparison.notes) text += "\n" + note + ".\n";
  return text;
}

std::string comparison_text(const Comparison& comparison) {
  const Metric& metric = comparison.metric;
  size_t width = 3;
  for (const ArmSummary& s : comparison.arms) width = std::max(width, s.arm.title.size());
  const size_t column = std::max<size_t>(9, metric.name.size());
  std::string text = fmt::format("{:<{}}  {:>{}}  {:>16}  {:>5}  {:>10}\n", "arm", width,
                                 metric.name, column, "95 % interval", "sd", "core-hours");
  for (const ArmSummary& s : comparison.arms) {
    text += fmt::format("{:<{}}  {:>{}}  {:>16}  {:>5}  {:>10.3f}\n", s.arm.title, width,
                        value_text(metric, s.score.mean) + (metric.share ? " %" : ""), column,
                        interval_text(metric, s.score.interval),
                        value_text(metric, s.score.deviation), s.core_hours);
  }
  text += "\n" + comparison.verdict + ".\n";
  for (const ArmSummary& s : comparison.arms) {
    for (const Contrast& c : s.controls) {
      const Interval& interval = c.difference.interval;
      text += fmt::format("  {} {} ({} .. {}) against its control '{}'\n",
                          difference_text(metric, c.difference.mean), unit_text(metric),
                          difference_text(metric, interval.low),
                          difference_text(metric, interval.high), c.against);
    }
  }
  for (const std::string& note : comparison.notes) text += "note: " + note + "\n";
  return text;
}

void write_comparison(const Comparison& comparison, const fs::path& out, const fs::path& run) {
  const std::string json = json_pretty(comparison_to_json(comparison));
  write_file_atomic(out / "compare.json", json);
  write_file_atomic(out / "compare.md", comparison_markdown(comparison));
  if (!run.empty()) write_file_atomic(run / "compare.json", json);
}

}  // namespace popaug
