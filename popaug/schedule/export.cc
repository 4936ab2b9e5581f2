#include <cmath>

#include "popaug/schedule/exchange.h"

namespace popaug {
namespace {

[[noreturn]] void cannot(const Schedule& schedule, const std::string& why) {
  throw Error("the published log format cannot express this schedule" +
              (schedule.name.empty() ? "" : " (" + schedule.name + ")") + ": " + why);
}

// Writes p1,m1 .. in the published order, as whole numbers.
std::string config_text(const Schedule& schedule, const Policy& policy, size_t segment) {
  const size_t ops = schedule.space.ops.size();
  const std::string where = "segment " + std::to_string(segment + 1);
  if (policy.entries.size() != 2 * ops) cannot(schedule, where + " does not list each op twice");
  std::string text = "[";
  for (size_t i = 0; i < policy.entries.size(); ++i) {
    const PolicyEntry& entry = policy.entries[i];
    if (entry.op != int(i % ops)) cannot(schedule, where + " has its ops in another order");
    const double tenths = std::round(entry.probability * 10);
    if (tenths / 10.0 != entry.probability) {
      cannot(schedule, where + " has the probability " + number_text(entry.probability) +
                           ", but only tenths can be expressed");
    }
    text += (i ? ", " : "") + std::to_string(int(tenths)) + ", " + std::to_string(entry.level);
  }
  return text + "]";
}

}  // namespace

std::string export_pba_log(const Schedule& schedule) {
  if (!(schedule.space == space_by_name("pba"))) {
    cannot(schedule, "its space is " + quote(schedule.space.name) + ", not pba as published");
  }
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    if (!schedule.segments[i].space) continue;
    cannot(schedule, "segment " + std::to_string(i + 1) + " has values of its own for the levels");
  }
  if (!(schedule.rule == Rule{})) cannot(schedule, "its rule is not the published one");
  if (schedule.segments.size() < 2) {
    cannot(schedule, "it has one segment and so no exploit, but a log has a line per exploit");
  }
  std::string text;
  int epoch = 0;
  for (size_t i = 0; i + 1 < schedule.segments.size(); ++i) {
    epoch += schedule.segments[i].epochs;
    const std::string at = std::to_string(epoch);
    text += "[\"" + std::to_string(i + 1) + "\", \"" + std::to_string(i) + "\", " + at + ", " + at +
            ", " + config_text(schedule, schedule.segments[i].policy, i) + ", " +
            config_text(schedule, schedule.segments[i + 1].policy, i + 1) + "]\n";
  }
  return text;
}

std::string export_csv(const Schedule& schedule) {
  std::string text = "segment,first_epoch,epochs,entry,op,probability,level,value\n";
  int first = 0;
  for (size_t s = 0; s < schedule.segments.size(); ++s) {
    const Segment& segment = schedule.segments[s];
    for (size_t i = 0; i < segment.policy.entries.size(); ++i) {
      const PolicyEntry& entry = segment.policy.entries[i];
      const SpaceOp& op = schedule.space_of(s).ops[size_t(entry.op)];
      text += std::to_string(s + 1) + "," + std::to_string(first) + "," +
              std::to_string(segment.epochs) + "," + std::to_string(i + 1) + "," + op.op + "," +
              number_text(entry.probability) + "," + std::to_string(entry.level) + "," +
              (op.values.empty() ? "" : number_text(op.values[size_t(entry.level)])) + "\n";
    }
    first += segment.epochs;
  }
  return text;
}

}  // namespace popaug
