// Reads schedules of other projects. docs/pba.md#published-schedule-files explains the lines of a
// published log and how a chain of exploits becomes segments.
#include <algorithm>
#include <cmath>

#include "popaug/schedule/exchange.h"
#include "popaug/schedule/internal/literal.h"
#include "popaug/schedule/named.h"

namespace popaug {
namespace {

constexpr int kCopies = 2;   // a published policy holds each op twice (docs/pba.md#policy)
constexpr int kTenths = 10;  // a published probability is p / 10
constexpr size_t kMaxLines = 1 << 20;

// One exploit: [target trial, donor trial, target epochs, donor epochs, old config, new config].
struct Exploit {
  size_t line = 0;
  std::string target, donor;
  int64_t donor_epochs = 0;
  std::vector<int> before, after;
};

[[noreturn]] void fail(const std::string& where, const std::string& sentence) {
  throw Error(where + ": " + sentence);
}

std::string trial_name(const Json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  fail(where, "a trial's name is expected to be text or a whole number");
}

int64_t epochs_of(const Json& value, const std::string& where) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > kMaxScheduleEpochs) {
    fail(where, "epochs are expected to be a whole number from 0 to " +
                    std::to_string(kMaxScheduleEpochs));
  }
  return value.get<int64_t>();
}

std::vector<int> config_of(const Json& value, const Space& space, const std::string& where) {
  const Json* list = &value;
  if (value.is_object()) {
    if (!value.contains("hp_policy")) fail(where, "the config has no key \"hp_policy\"");
    list = &value["hp_policy"];
  }
  const size_t expected = 2 * kCopies * space.ops.size();
  if (!list->is_array() || list->size() != expected) {
    fail(where, "a policy is expected to be a list of " + std::to_string(expected) + " numbers" +
                    (list->is_array() ? ", not of " + std::to_string(list->size()) : ""));
  }
  std::vector<int> numbers;
  for (size_t i = 0; i < expected; ++i) {
    const Json& item = (*list)[i];
    const bool level = i % 2 == 1;
    const int high = level ? space.levels - 1 : kTenths;
    const double number = item.is_number() ? item.get<double>() : -1;
    if (number < 0 || number > high || number != std::floor(number)) {
      fail(where, std::string("number ") + std::to_string(i + 1) + ", a " +
                      (level ? "level" : "probability in tenths") + ", is " +
                      json_line(item).substr(0, 40) + ", not a whole number from 0 to " +
                      std::to_string(high));
    }
    numbers.push_back(int(number));
  }
  return numbers;
}

Policy policy_of(const std::vector<int>& numbers, const Space& space) {
  Policy policy;
  for (size_t i = 0; i + 1 < numbers.size(); i += 2) {
    policy.entries.push_back(
        {int(i / 2 % space.ops.size()), numbers[i] / double(kTenths), numbers[i + 1]});
  }
  return policy;
}

Exploit read_exploit(std::string_view text, size_t line, const Space& space,
                     const std::string& origin) {
  const std::string where = origin + ":" + std::to_string(line);
  const Json value = parse_literal(text, where);
  if (!value.is_array() || value.size() != 6) {
    fail(where,
         "expected [target trial, donor trial, target epochs, donor epochs, old config, "
         "new config]");
  }
  epochs_of(value[2], where);
  return {line,
          trial_name(value[0], where),
          trial_name(value[1], where),
          epochs_of(value[3], where),
          config_of(value[4], space, where),
          config_of(value[5], space, where)};
}

std::vector<Exploit> read_exploits(std::string_view text, const Space& space,
                                   const std::string& origin) {
  std::vector<Exploit> exploits;
  size_t number = 0;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = trim(text.substr(from, end - from));
    from = end + 1;
    ++number;
    if (line.empty()) continue;
    if (exploits.size() >= kMaxLines) fail(origin, "more lines than any search has exploits");
    exploits.push_back(read_exploit(line, number, space, origin));
  }
  if (exploits.empty()) fail(origin, "no exploit in it: an empty log has no schedule");
  return exploits;
}

// Drops the leading lines of other lineages: all up to the last place where the target of one line
// is not the donor of the next.
void drop_broken_chain(std::vector<Exploit>& exploits, std::vector<std::string>* notes) {
  size_t start = 0;
  for (size_t i = 0; i + 1 < exploits.size(); ++i) {
    if (exploits[i].target != exploits[i + 1].donor) start = i + 1;
  }
  if (start == 0) return;
  if (notes) {
    notes->push_back(
        "the first " + std::to_string(start) + " of " + std::to_string(exploits.size()) +
        " exploits belong to another lineage and were dropped: line " +
        std::to_string(exploits[start - 1].line) + " makes trial " +
        quote(exploits[start - 1].target) + ", line " + std::to_string(exploits[start].line) +
        " copies trial " + quote(exploits[start].donor));
  }
  exploits.erase(exploits.begin(), exploits.begin() + ptrdiff_t(start));
}

void note_gaps(const std::vector<Exploit>& exploits, std::vector<std::string>* notes) {
  for (size_t i = 0; notes && i + 1 < exploits.size(); ++i) {
    if (exploits[i].after == exploits[i + 1].before) continue;
    notes->push_back("line " + std::to_string(exploits[i + 1].line) +
                     " gives another old policy than line " + std::to_string(exploits[i].line) +
                     " made; the latter was taken, as the published reader does");
  }
}

bool is_autoaugment(const Json& value) {
  return value.is_array() && !value.empty() && value[0].is_array() && !value[0].empty() &&
         value[0][0].is_array();
}

}  // namespace

Schedule import_pba_log(std::string_view text, const std::string& origin, int total_epochs,
                        std::vector<std::string>* notes) {
  Schedule schedule;
  schedule.space = space_by_name("pba");
  schedule.base = base_by_name("cifar");
  std::vector<Exploit> exploits = read_exploits(text, schedule.space, origin);
  drop_broken_chain(exploits, notes);
  note_gaps(exploits, notes);

  int64_t from = 0;
  const auto add = [&](int64_t to, const std::vector<int>& numbers, const std::string& where) {
    if (to < from) {
      fail(where, "the donor had trained " + std::to_string(to) +
                      " epochs, fewer than the line before says (" + std::to_string(from) + ")");
    }
    if (to > from) {
      schedule.segments.push_back({int(to - from), policy_of(numbers, schedule.space)});
    } else if (notes) {
      notes->push_back(where + ": a policy that lasted no epoch was dropped");
    }
    from = to;
  };
  for (size_t i = 0; i < exploits.size(); ++i) {
    add(exploits[i].donor_epochs, i == 0 ? exploits[0].before : exploits[i - 1].after,
        origin + ":" + std::to_string(exploits[i].line));
  }
  if (total_epochs <= from) {
    throw UsageError(origin + ": its last exploit is at epoch " + std::to_string(from) +
                     ", so the whole search had more epochs than the " +
                     std::to_string(total_epochs) + " given (200 and 160 in the published ones)");
  }
  add(total_epochs, exploits.back().after, origin);
  schedule.provenance = {{"imported", "published PBA log"},
                         {"exploits", exploits.size()},
                         {"total_epochs_given", total_epochs}};
  check_schedule(schedule, origin);
  return schedule;
}

Schedule import_autoaugment(std::string_view text, const std::string& origin) {
  const Json value = parse_literal(text, origin);
  const auto shape = [&]() {
    fail(origin, "expected AutoAugment sub-policies: a list of [[op, probability, level], ...]");
  };
  if (!is_autoaugment(value)) shape();
  Schedule schedule;
  schedule.space = space_by_name("autoaugment");
  schedule.base = base_by_name("cifar");
  schedule.rule.kind = RuleKind::kSubPolicies;
  schedule.rule.group = int(value[0].size());
  Segment segment;
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string where = origin + ": sub-policy " + std::to_string(i + 1);
    if (!value[i].is_array() || int(value[i].size()) != schedule.rule.group) {
      fail(where, "all sub-policies are expected to have " + std::to_string(schedule.rule.group) +
                      " entries, as the first has");
    }
    for (const Json& entry : value[i]) {
      if (!entry.is_array() || entry.size() != 3 || !entry[0].is_string() ||
          !entry[1].is_number() || !entry[2].is_number_integer()) {
        fail(where, "expected entries [op, probability, level]");
      }
      const std::string op = entry[0].get<std::string>();
      if (op == "SamplePairing") {
        fail(where, "SamplePairing mixes two images; popaug leaves it out");
      }
      const auto names = schedule.space.op_names();
      if (std::find(names.begin(), names.end(), op) == names.end()) {
        fail(where, unknown_name("op", op, names));
      }
      const int64_t level = entry[2].get<int64_t>();
      if (level < 0 || level >= schedule.space.levels) {
        fail(where, "level " + json_line(entry[2]) + " is outside 0.." +
                        std::to_string(schedule.space.levels - 1));
      }
      segment.policy.entries.push_back(
          {schedule.space.index_of(op), entry[1].get<double>(), int(level)});
    }
  }
  schedule.segments = {segment};
  schedule.provenance = {{"imported", "AutoAugment sub-policies"}};
  check_schedule(schedule, origin);
  return schedule;
}

Schedule import_schedule(std::string_view text, const std::string& origin, int total_epochs,
                         std::vector<std::string>* notes) {
  const std::string_view body = trim(text);
  if (body.empty()) throw Error(origin + " is empty: there is no schedule in it");
  if (body.starts_with("{")) return schedule_from_text(text, origin);
  if (!body.starts_with("[") && !body.starts_with("(")) {
    throw Error(origin +
                ": neither a schedule of popaug, nor a published log, nor AutoAugment "
                "sub-policies: it starts with " +
                quote(body.substr(0, 20)));
  }
  // A log is recognised by text right after the first bracket.
  const size_t second = body.find_first_not_of(" \t\r\n", 1);
  if (second != body.npos && (body[second] == '[' || body[second] == '(')) {
    return import_autoaugment(text, origin);
  }
  if (total_epochs == 0) {
    throw UsageError(origin +
                     ": a published log does not say how long the search was: give "
                     "setting \"epochs\" N (200 for CIFAR-10 and 160 for SVHN as published)");
  }
  return import_pba_log(text, origin, total_epochs, notes);
}

}  // namespace popaug
