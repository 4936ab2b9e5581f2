#include "popaug/schedule/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const fs::path kSource = std::getenv("POPAUG_SOURCE") ? std::getenv("POPAUG_SOURCE") : ".";

std::vector<int> lengths(const Schedule& schedule) {
  std::vector<int> result;
  for (const Segment& segment : schedule.segments) result.push_back(segment.epochs);
  return result;
}

std::string published(const std::string& name) {
  return read_file(kSource / "data/schedules" / name);
}

// A schedule of the published shape, all of it drawn by `seed`.
Schedule random_pba_schedule(uint64_t seed) {
  Random random({.seed = seed});
  Schedule schedule;
  schedule.space = space_by_name("pba");
  schedule.base = base_by_name("cifar");
  const size_t count = 2 + random.below(30);
  for (size_t s = 0; s < count; ++s) {
    Segment segment{int(1 + random.below(40)), zero_policy(schedule.space)};
    for (PolicyEntry& entry : segment.policy.entries) {
      entry.probability = random.below(11) / 10.0;
      entry.level = int(random.below(11));
    }
    schedule.segments.push_back(segment);
  }
  return schedule;
}

// Some of its segments have base transforms and values of their own.
Schedule random_changing_schedule(uint64_t seed) {
  Schedule schedule = random_pba_schedule(seed);
  Random random({.seed = seed, .epoch = 1});
  for (Segment& segment : schedule.segments) {
    if (random.chance(0.5)) {
      segment.base = {.pad = int(random.below(5)), .flip = random.uniform()};
      if (random.chance(0.5)) segment.base->cutmix = random.uniform();
    }
    if (random.chance(0.5)) {
      segment.space = with_strengths(schedule.space,
                                     {.all = random.uniform(), .geometry = random.below(2) * 1.0});
    }
  }
  return schedule;
}

TEST(ScheduleImport, PublishedCifar10HasTheKnownSegments) {
  std::vector<std::string> notes;
  const Schedule schedule =
      import_pba_log(published("rcifar10_16_wrn.txt"), "rcifar10", 200, &notes);
  // docs/pba.md#published-schedule-files.
  EXPECT_THAT(lengths(schedule),
              ElementsAre(12, 22, 20, 20, 1, 6, 3, 27, 6, 21, 6, 9, 7, 17, 6, 12, 5));
  EXPECT_EQ(schedule.epochs(), 200);
  for (const PolicyEntry& entry : schedule.at(0).entries) EXPECT_EQ(entry.probability, 0);
  // Line 1: p1,m1 = 0,3 (Rotate), p2,m2 = 3,7 (TranslateX).
  const Policy& second = schedule.at(12);
  ASSERT_EQ(second.entries.size(), 30u);
  EXPECT_EQ(schedule.space.ops[size_t(second.entries[1].op)].op, "TranslateX");
  EXPECT_EQ(second.entries[1].probability, 0.3);
  EXPECT_EQ(second.entries[1].level, 7);
  EXPECT_EQ(second.entries[15].op, 0);
}

TEST(ScheduleImport, PublishedSvhnHasTheKnownSegments) {
  std::vector<std::string> notes;
  const Schedule schedule = import_pba_log(published("rsvhn_16_wrn.txt"), "rsvhn", 160, &notes);
  EXPECT_THAT(lengths(schedule), ElementsAre(9, 15, 6, 8, 7, 24, 6, 25, 4, 4, 39, 6, 6, 1));
  EXPECT_EQ(schedule.epochs(), 160);
}

std::string log_line(const std::string& target, const std::string& donor, int epochs,
                     const std::string& before, const std::string& after) {
  return "['" + target + "', '" + donor + "', " + std::to_string(epochs) + ", " +
         std::to_string(epochs) + ", " + before + ", " + after + "]\n";
}

std::string config(int number) {
  std::string text = "[";
  for (int i = 0; i < 60; ++i) text += (i ? ", " : "") + std::to_string(number);
  return text + "]";
}

TEST(ScheduleImport, ReadsBothWaysOfWriting) {
  const std::string single = log_line("1", "0", 3, config(0), config(1));
  const std::string json = "[\"1\", \"0\", 3, 3, {\"hp_policy\": " + config(0) +
                           ", \"lr\": 0.1, \"flag\": true}, {\"hp_policy\": " + config(1) + "}]\n";
  const std::string python = "['1', '0', 3, 3, {'hp_policy': " + config(0) +
                             ", 'none': None, 'flag': True}, {u'hp_policy': " + config(1) + "}]\n";
  const Schedule a = import_pba_log(single, "a", 9, nullptr);
  EXPECT_EQ(a.segments, import_pba_log(json, "b", 9, nullptr).segments);
  EXPECT_EQ(a.segments, import_pba_log(python, "c", 9, nullptr).segments);
  EXPECT_THAT(lengths(a), ElementsAre(3, 6));
}

TEST(ScheduleImport, DropsTheLinesOfAnotherLineageWithANote) {
  const std::string text =
      log_line("5", "4", 2, config(0), config(9)) + log_line("6", "5", 4, config(9), config(8)) +
      log_line("1", "0", 3, config(0), config(1)) + log_line("2", "1", 6, config(1), config(2));
  std::vector<std::string> notes;
  const Schedule schedule = import_pba_log(text, "log", 9, &notes);
  EXPECT_THAT(lengths(schedule), ElementsAre(3, 3, 3));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], HasSubstr("first 2 of 4 exploits"));
  EXPECT_EQ(schedule.at(8).entries[0].level, 2);
}

TEST(ScheduleImport, RefusesWhatItCannotRead) {
  const std::string good = log_line("1", "0", 3, config(0), config(1));
  const auto refuse = [](const std::string& text, int epochs = 9) {
    return message_of([&] { import_schedule(text, "log", epochs, nullptr); });
  };
  EXPECT_THAT(refuse(""), HasSubstr("empty"));
  EXPECT_THAT(refuse("hello"), HasSubstr("neither a schedule"));
  EXPECT_THAT(refuse(good, 3), HasSubstr("more epochs"));
  EXPECT_THAT(refuse(good, 0), HasSubstr("setting \"epochs\" N"));
  EXPECT_THAT(refuse(log_line("1", "0", 3, config(0), config(11))), HasSubstr("number 1"));
  EXPECT_THAT(refuse(log_line("1", "0", 3, "[1, 2]", config(1))), HasSubstr("60 numbers"));
  EXPECT_THAT(refuse(log_line("1", "0", 3, "{'lr': 1}", config(1))), HasSubstr("hp_policy"));
  EXPECT_THAT(refuse(good + good.substr(0, 40)), HasSubstr("log:2"));
  EXPECT_THAT(refuse(good + log_line("2", "1", 2, config(1), config(2))), HasSubstr("fewer than"));
  EXPECT_THAT(refuse("['1', '0', 3, 3]"), HasSubstr("expected [target trial"));
  EXPECT_THAT(refuse(std::string(5000, '[')), HasSubstr("deep"));
  EXPECT_EQ(refuse(good), "no error");
}

TEST(ScheduleImport, AutoAugmentPolicies) {
  const Schedule cifar = baseline_schedule("autoaugment-cifar10");
  EXPECT_EQ(cifar.at(0).entries.size(), 2u * 95);
  EXPECT_EQ(cifar.rule.kind, RuleKind::kSubPolicies);
  const Schedule svhn = baseline_schedule("autoaugment-svhn");
  EXPECT_EQ(svhn.at(0).entries.size(), 2u * 25);
  EXPECT_EQ(svhn.space.ops[size_t(svhn.at(0).entries[0].op)].op, "ShearX");
  EXPECT_EQ(svhn.at(0).entries[0].probability, 0.9);
  EXPECT_EQ(svhn.at(0).entries[0].level, 4);
  const auto refuse = [](const std::string& text) {
    return message_of([&] { import_schedule(text, "aa", 0, nullptr); });
  };
  EXPECT_THAT(refuse("[[[\"ShearX\",0.9,4]],[[\"ShearX\",0.9,4],[\"Invert\",0.2,3]]]"),
              HasSubstr("sub-policy 2"));
  EXPECT_THAT(refuse("[[[\"Shear\",0.9,4]]]"), HasSubstr("nearest"));
  EXPECT_THAT(refuse("[[[\"ShearX\",0.9,40]]]"), HasSubstr("level"));
  EXPECT_THAT(refuse("[[[\"ShearX\",1.9,4]]]"), HasSubstr("aa"));
  EXPECT_THAT(refuse("[[[\"SamplePairing\",0.9,4]]]"), HasSubstr("SamplePairing"));
}

TEST(ScheduleRoundTrip, LogsOfAThousandRandomSchedules) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Schedule schedule = random_pba_schedule(seed);
    const std::string log = export_pba_log(schedule);
    const Schedule back = import_pba_log(log, "log", schedule.epochs(), nullptr);
    ASSERT_EQ(back.segments, schedule.segments) << seed;
    ASSERT_EQ(export_pba_log(back), log) << seed;
  }
}

TEST(ScheduleRoundTrip, FilesOfAThousandRandomSchedules) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Schedule schedule = random_pba_schedule(seed);
    const std::string text = schedule_text(schedule);
    const Schedule back = schedule_from_text(text, "file");
    ASSERT_EQ(back, schedule) << seed;
    ASSERT_EQ(schedule_text(back), text) << seed;
    const Schedule changing = random_changing_schedule(seed);
    ASSERT_EQ(schedule_from_text(schedule_text(changing), "file"), changing) << seed;
  }
}

// What a segment has of its own stays with it.
TEST(ScheduleTransform, SegmentsKeepTheirBaseTransformsAndValues) {
  Schedule schedule = random_pba_schedule(1);
  schedule.segments.resize(2);
  schedule.segments[0].epochs = schedule.segments[1].epochs = 10;
  schedule.segments[0].base = BaseTransforms{.pad = 1, .flip = 0.25};
  schedule.segments[0].space = with_strengths(schedule.space, {.all = 0.5});
  const Segment& first = schedule.segments[0];
  const auto same = [](const Segment& a, const Segment& b) {
    return a.base == b.base && a.space == b.space;
  };
  EXPECT_TRUE(same(stretch(schedule, 7).segments[0], first));
  EXPECT_TRUE(same(last_policy(schedule).segments[0], schedule.segments[1]));
  EXPECT_TRUE(same(flatten(schedule).segments[0], schedule.segments[1]));
  EXPECT_TRUE(same(random_policy(schedule, 1).segments[0], schedule.segments[1]));
  const Schedule tail = with_clean_tail(schedule, 0.6);
  EXPECT_TRUE(same(tail.segments[0], first));
  EXPECT_TRUE(same(tail.segments[1], schedule.segments[1]));
  uint64_t seed = 0;
  while (lengths(shuffle_segments(schedule, seed)) == lengths(schedule) &&
         shuffle_segments(schedule, seed).segments[0] == first) {
    ++seed;
  }
  EXPECT_TRUE(same(shuffle_segments(schedule, seed).segments[1], first));

  EXPECT_EQ(schedule.base_of(0), *first.base);
  EXPECT_EQ(schedule.base_of(1), schedule.base);
  EXPECT_EQ(schedule.space_of(1), schedule.space);
  EXPECT_EQ(base_words(schedule), "pad 1 to 4 and crop, flip 0.25 to 0.5, cutout 0 to 16");
  EXPECT_FALSE(schedule.mixes());
  schedule.segments[0].base->mixup = 0.1;
  EXPECT_TRUE(schedule.mixes());
  EXPECT_EQ(schedule_distance(schedule, schedule).total_variation, 0);
  Schedule plain = schedule;
  plain.segments[0].space.reset();
  EXPECT_THAT(message_of([&] { schedule_distance(schedule, plain); }),
              HasSubstr("at epoch 0 the levels of \"Rotate\" mean other values in each"));
  EXPECT_THAT(message_of([&] { export_pba_log(schedule); }),
              HasSubstr("segment 1 has values of its own"));
  EXPECT_THAT(message_of([&] { export_albumentations(schedule, nullptr); }), HasSubstr("mixup"));
}

TEST(ScheduleFile, RefusesWhatASegmentCannotHave) {
  Schedule schedule = random_pba_schedule(1);
  schedule.segments[0].base = BaseTransforms{.pad = 1};
  schedule.segments[0].space = with_strengths(schedule.space, {.all = 0.5});
  const auto refusal = [&](const auto& change) {
    Json json = schedule_to_json(schedule);
    change(json);
    return message_of([&] { schedule_from_json(json, "file"); });
  };
  EXPECT_EQ(refusal([](Json&) {}), "no error");
  EXPECT_THAT(refusal([](Json& j) { j["version"] = 1; }),
              AllOf(HasSubstr("segment 1"), HasSubstr("version 1"), HasSubstr("\"base\"")));
  EXPECT_THAT(refusal([](Json& j) {
                j["version"] = 1;
                j["segments"][0].erase("base");
              }),
              HasSubstr("\"values\""));
  EXPECT_THAT(refusal([](Json& j) {
                j["segments"][0]["values"]["Rotate"] = {1, 2};
              }),
              HasSubstr("expected 11 numbers"));
  EXPECT_THAT(refusal([](Json& j) { j["segments"][0]["values"]["Rotate"][3] = "x"; }),
              HasSubstr("expected 11 numbers"));
  EXPECT_THAT(refusal([](Json& j) { j["segments"][0]["values"]["Rotate"][3] = 1e6; }),
              HasSubstr("Rotate"));
  EXPECT_THAT(refusal([](Json& j) { j["segments"][0]["values"]["Rotat"] = Json::array(); }),
              AllOf(HasSubstr("file: segment 1: values"), HasSubstr("nearest: \"Rotate\"")));
  EXPECT_THAT(refusal([](Json& j) { j["segments"][0]["values"]["Invert"] = {1}; }),
              HasSubstr("expected 0 numbers"));
}

TEST(ScheduleRoundTrip, PublishedLogs) {
  for (const auto& [name, epochs] :
       {std::pair("rcifar10_16_wrn.txt", 200), {"rsvhn_16_wrn.txt", 160}}) {
    const Schedule schedule = import_pba_log(published(name), name, epochs, nullptr);
    const Schedule back = import_pba_log(export_pba_log(schedule), name, epochs, nullptr);
    EXPECT_EQ(back.segments, schedule.segments);
    EXPECT_EQ(schedule_from_text(schedule_text(back), name).segments, schedule.segments);
  }
}

TEST(ScheduleExport, TheLogRefusesWhatItCannotSay) {
  Schedule schedule = random_pba_schedule(1);
  const auto refusal = [](const Schedule& s) { return message_of([&] { export_pba_log(s); }); };
  EXPECT_EQ(refusal(schedule), "no error");
  Schedule other = schedule;
  other.segments[1].policy.entries[3].probability = 0.25;
  EXPECT_THAT(refusal(other), HasSubstr("0.25"));
  other = schedule;
  other.segments.resize(1);
  EXPECT_THAT(refusal(other), HasSubstr("one segment"));
  other = schedule;
  std::swap(other.segments[0].policy.entries[0], other.segments[0].policy.entries[1]);
  EXPECT_THAT(refusal(other), HasSubstr("another order"));
  other = schedule;
  other.rule.count_weights = {1};
  EXPECT_THAT(refusal(other), HasSubstr("rule"));
  EXPECT_THAT(refusal(baseline_schedule("trivial")), HasSubstr("space"));
}

TEST(ScheduleStretch, KeepsOrderAndTotalForEveryLength) {
  for (const char* name : {"rcifar10-paper", "rsvhn-paper"}) {
    const Schedule schedule = find_schedule(name);
    const int total = schedule.epochs();
    for (int epochs = 1; epochs <= 2000; ++epochs) {
      const Schedule longer = stretch(schedule, epochs);
      ASSERT_EQ(longer.epochs(), epochs) << name;
      // Every boundary is where rounding puts it, and the remaining segments keep their order.
      size_t at = 0;
      int cumulative = 0, from = 0;
      for (const Segment& segment : schedule.segments) {
        cumulative += segment.epochs;
        const int to = int(std::floor(double(cumulative) * epochs / total + 0.5));
        if (to > from) {
          ASSERT_LT(at, longer.segments.size());
          ASSERT_EQ(longer.segments[at].epochs, to - from) << name << " " << epochs;
          ASSERT_EQ(longer.segments[at].policy, segment.policy) << name << " " << epochs;
          ++at;
        }
        from = to;
      }
      ASSERT_EQ(at, longer.segments.size());
    }
  }
  EXPECT_THAT(message_of([] { stretch(find_schedule("rsvhn-paper"), 0); }), HasSubstr("0 epochs"));
}

TEST(ScheduleTransform, LastShuffleRandomTail) {
  const Schedule schedule = find_schedule("rcifar10-paper");
  const Schedule last = last_policy(schedule);
  EXPECT_THAT(lengths(last), ElementsAre(200));
  EXPECT_EQ(last.at(0), schedule.at(199));

  const Schedule shuffled = shuffle_segments(schedule, 1);
  EXPECT_NE(shuffled.segments, schedule.segments);
  EXPECT_EQ(shuffled.segments, shuffle_segments(schedule, 1).segments);
  EXPECT_NE(shuffled.segments, shuffle_segments(schedule, 2).segments);
  auto sorted = lengths(shuffled), expected = lengths(schedule);
  std::sort(sorted.begin(), sorted.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(sorted, expected);

  const Schedule random = random_policy(schedule, 3);
  EXPECT_EQ(random.epochs(), 200);
  EXPECT_NE(random.segments, random_policy(schedule, 4).segments);

  const Schedule tail = with_clean_tail(schedule, 0.15);
  EXPECT_EQ(tail.epochs(), 200);
  EXPECT_TRUE(tail.at(170).entries.empty());
  EXPECT_EQ(tail.at(169), schedule.at(169));
}

TEST(ScheduleShuffle, EveryOrderIsEquallyLikely) {
  Schedule schedule = random_pba_schedule(1);
  schedule.segments.resize(3);
  for (int i = 0; i < 3; ++i) schedule.segments[size_t(i)].epochs = i + 1;
  std::map<std::vector<int>, int> seen;
  const int draws = 6000;
  for (int seed = 0; seed < draws; ++seed)
    ++seen[lengths(shuffle_segments(schedule, uint64_t(seed)))];
  ASSERT_EQ(seen.size(), 6u);
  double chi_square = 0;
  for (const auto& [order, count] : seen) chi_square += std::pow(count - 1000.0, 2) / 1000;
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom, p = 0.001
}

TEST(ScheduleFlatten, IsTheMixtureOfItsPolicies) {
  const Schedule schedule = find_schedule("rsvhn-paper");
  const Schedule flat = flatten(schedule);
  ASSERT_EQ(flat.segments.size(), 1u);
  EXPECT_EQ(flat.epochs(), 160);
  EXPECT_EQ(schedule_from_text(schedule_text(flat), "flat").segments, flat.segments);
  // The distribution of what an image gets, over a whole training, is that of the schedule.
  std::map<std::vector<AppliedOp>, double> over_time;
  for (const Segment& segment : schedule.segments) {
    for (const auto& outcome : closed_form(segment.policy, schedule.rule, schedule.space)) {
      over_time[outcome.ops] += outcome.weight * segment.epochs / 160;
    }
  }
  const auto mixed = closed_form(flat.at(0), flat.rule, flat.space);
  ASSERT_EQ(mixed.size(), over_time.size());
  for (const auto& outcome : mixed) EXPECT_NEAR(outcome.weight, over_time[outcome.ops], 1e-12);
  EXPECT_THAT(
      message_of([] { flatten(with_clean_tail(stretch(baseline_schedule("trivial"), 10), 0.5)); }),
      HasSubstr("cannot be flattened"));
}

TEST(ScheduleSummary, AppliedEqualsTheClosedForm) {
  std::vector<Schedule> schedules = {random_pba_schedule(3), find_schedule("rcifar10-paper"),
                                     flatten(find_schedule("rsvhn-paper"))};
  for (const std::string& name : baseline_names()) schedules.push_back(baseline_schedule(name));
  for (const Schedule& schedule : schedules) {
    for (const Segment& segment : schedule.segments) {
      std::vector<double> applied(schedule.space.ops.size());  // expected times per image
      for (const auto& outcome : closed_form(segment.policy, schedule.rule, schedule.space)) {
        for (const AppliedOp& one : outcome.ops) applied[one.op] += outcome.weight;
      }
      const auto summary = summarise_policy(segment.policy, schedule.rule, schedule.space);
      for (size_t op = 0; op < applied.size(); ++op) {
        ASSERT_NEAR(summary[op].applied, applied[op], 1e-9)
            << schedule.name << " " << schedule.space.ops[op].op;
      }
    }
  }
}

TEST(ScheduleAt, EpochsPastTheEndUseTheLast) {
  const Schedule schedule = find_schedule("rsvhn-paper");
  EXPECT_EQ(schedule.segment_of(0), 0u);
  EXPECT_EQ(schedule.segment_of(8), 0u);
  EXPECT_EQ(schedule.segment_of(9), 1u);
  EXPECT_EQ(schedule.segment_of(159), 13u);
  EXPECT_EQ(schedule.segment_of(5000), 13u);
}

TEST(ScheduleFile, RefusesWhatIsWrong) {
  const Json good = schedule_to_json(find_schedule("rsvhn-paper"));
  const auto refusal = [](const Json& json) {
    return message_of([&] { schedule_from_json(json, "x.json"); });
  };
  EXPECT_EQ(refusal(good), "no error");
  Json bad = good;
  bad["version"] = 3;
  EXPECT_THAT(refusal(bad), HasSubstr("reads versions 1 to 2 of schedule files, this one has "
                                      "version 3: use a newer popaug"));
  bad["version"] = 0;
  EXPECT_THAT(refusal(bad), HasSubstr("version 0"));
  bad = good;
  bad["format"] = "popaug-band";
  EXPECT_THAT(refusal(bad), HasSubstr("popaug-band"));
  bad = good;
  bad["segmentz"] = 1;
  EXPECT_THAT(refusal(bad), HasSubstr("segmentz"));
  bad = good;
  bad["segments"] = Json::array();
  EXPECT_THAT(refusal(bad), HasSubstr("at least one segment"));
  bad = good;
  bad["segments"][2]["epochs"] = 0;
  EXPECT_THAT(refusal(bad), HasSubstr("segment 3"));
  bad = good;
  bad["segments"][1]["policy"][4]["op"] = "Rotat";
  EXPECT_THAT(refusal(bad), HasSubstr("Rotat"));
  bad = good;
  bad["segments"][1]["policy"][4]["probability"] = 1.5;
  EXPECT_THAT(refusal(bad), HasSubstr("segment 2"));
  bad = good;
  bad["segments"][0]["epochs"] = kMaxScheduleEpochs;
  EXPECT_THAT(refusal(bad), HasSubstr("epochs are more than"));
}

// What a reader of version 1 wrote is read, and written again as version 2.
TEST(ScheduleFile, Version1IsReadAndUpgraded) {
  const Schedule schedule = find_schedule("rsvhn-paper");
  const std::string now = schedule_text(schedule);
  std::string old = now;
  old.replace(old.find("\"version\":2"), 11, "\"version\":1");
  EXPECT_EQ(schedule_text(schedule_from_text(old, "old")), now);
  // Hashes of runs do not see the version, so runs from before version 2 can be resumed.
  EXPECT_EQ(schedule_hash(schedule), hash_hex(old));
}

TEST(ScheduleFile, Version2CarriesSymmetries) {
  const Schedule schedule = baseline_schedule("dihedral");
  const Json json = schedule_to_json(schedule);
  EXPECT_EQ(json["version"], 2);
  EXPECT_EQ(json["base"]["turn"], 0.75);
  EXPECT_FALSE(json["base"].contains("vflip"));
  EXPECT_EQ(schedule_from_json(json, "x").base, schedule.base);
  EXPECT_EQ(schedule_identity(schedule), json);
  Json bad = json;
  bad["version"] = 1;
  EXPECT_THAT(message_of([&] { schedule_from_json(bad, "x.json"); }),
              HasSubstr("x.json: base: version 1 of schedule files does not have \"turn\"; write "
                        "\"version\": 2"));
}

TEST(ScheduleNames, MixingFollowsTheName) {
  const Schedule one = baseline_schedule("flipcrop+cutmix");
  EXPECT_EQ(one.name, "flipcrop+cutmix");
  EXPECT_EQ(one.base.cutmix, 0.5);
  EXPECT_EQ(one.base.cutmix_alpha, 1);
  EXPECT_EQ(one.base.pad, 4);
  const Schedule both = baseline_schedule("trivial-0.5+mixup-0.25+cutmix-1");
  EXPECT_EQ(both.base.mixup, 0.25);
  EXPECT_EQ(both.base.cutmix, 1);
  EXPECT_EQ(both.space, space_by_name("trivial:0.5"));
  EXPECT_EQ(baseline_schedule("none+mixup").base.mixup, 1);
  for (const char* name : {"flipcrop+cutmx", "flipcrop+cutmix-0", "flipcrop+cutmix-1.5",
                           "flipcrop+cutmix+cutmix", "flipcrop+", "cutmix"}) {
    EXPECT_THAT(message_of([&] { baseline_schedule(name); }), HasSubstr("unknown baseline"))
        << name;
  }
  const Json json = schedule_to_json(one);
  EXPECT_EQ(json["base"]["cutmix_alpha"], 1.0);
  EXPECT_EQ(schedule_from_json(json, "x").base, one.base);
  Json bad = json;
  bad["base"]["cutmix_alpha"] = 0;
  EXPECT_THAT(message_of([&] { schedule_from_json(bad, "x"); }),
              HasSubstr("cutmix_alpha: 0 is not"));
}

TEST(ScheduleFile, GoldenAndShippedFilesAreWhatTheLogsSay) {
  for (const auto& [name, log, epochs] : {std::tuple("rcifar10-paper", "rcifar10_16_wrn.txt", 200),
                                          std::tuple("rsvhn-paper", "rsvhn_16_wrn.txt", 160)}) {
    const Schedule shipped = find_schedule(name);
    EXPECT_EQ(shipped.name, name);
    EXPECT_EQ(shipped.segments, import_pba_log(published(log), log, epochs, nullptr).segments);
    // The committed bytes are the bytes that this program writes: the golden file of version 2.
    const fs::path path = kSource / "data/schedules" / (std::string(name) + ".schedule.json");
    EXPECT_EQ(schedule_text(shipped), read_file(path)) << "the format changed: raise its version";
  }
  EXPECT_EQ(find_schedule("rcifar10-paper").base, base_by_name("cifar"));
  EXPECT_EQ(find_schedule("rsvhn-paper").base, base_by_name("none"));
}

TEST(ScheduleNames, ShippedAndBaselines) {
  EXPECT_THAT(shipped_schedule_names(), ElementsAre("rcifar10-paper", "rsvhn-paper"));
  EXPECT_THAT(message_of([] { find_schedule("rcifar10-papr"); }),
              HasSubstr("nearest: \"rcifar10-paper\""));
  EXPECT_THAT(message_of([] { find_schedule("./nothing.json"); }), HasSubstr("nothing.json"));
  EXPECT_THAT(message_of([] { baseline_schedule("trival"); }), HasSubstr("nearest: \"trivial\""));
  const Schedule numbered = baseline_schedule("randaugment-3-12");
  EXPECT_EQ(numbered.rule.count, 3);
  EXPECT_EQ(numbered.segments.at(0).policy.entries.at(0).level, 12);
  EXPECT_EQ(baseline_schedule("trivial-0.5").space, space_by_name("trivial:0.5"));
  for (const char* name : {"randaugment-0-9", "randaugment-2-31", "randaugment-2",
                           "randaugment-2-9-1", "randaugment-2-9x", "randaugment2-9", "trivial-1.5",
                           "trivial-nan", "trivial-", "trivial-0.5-", "trivial0.5"}) {
    EXPECT_THAT(message_of([&] { baseline_schedule(name); }), HasSubstr("trivial-S")) << name;
  }
  for (const std::string& name : baseline_names()) {
    const Schedule schedule = baseline_schedule(name);
    EXPECT_EQ(schedule.name, name);
    const Schedule back = schedule_from_text(schedule_text(schedule), name);
    EXPECT_EQ(back.segments, schedule.segments) << name;
    EXPECT_EQ(back.rule, schedule.rule) << name;
    EXPECT_EQ(back.space, schedule.space) << name;
    EXPECT_EQ(back.base, schedule.base) << name;
  }
}

TEST(ScheduleNames, BaselinesOfTheCallersOwn) {
  const std::string name = "timm:rand-m9";
  EXPECT_THAT(message_of([&] { baseline_schedule(name); }), HasSubstr("recipe of another library"));
  EXPECT_FALSE(is_registered_baseline(name));
  register_baseline(name, baseline_schedule("trivial-0.5"));
  EXPECT_TRUE(is_registered_baseline(name));
  EXPECT_EQ(unregistered_recipe(name), "");
  EXPECT_EQ(baseline_schedule(name).name, name);
  EXPECT_EQ(baseline_schedule(name).space, space_by_name("trivial:0.5"));
  EXPECT_EQ(baseline_schedule(name + "+cutmix-0.3").base.cutmix, 0.3);
  register_baseline(name, baseline_schedule("crop"));  // replaces it
  EXPECT_EQ(baseline_schedule(name).base, base_by_name("crop"));
  for (const char* built_in : {"trivial", "randaugment-2-9", "mild-0.5"}) {
    EXPECT_THAT(message_of([&] { register_baseline(built_in, baseline_schedule("crop")); }),
                HasSubstr("is a built-in one"));
  }
}

TEST(ScheduleFile, SavedAndLoaded) {
  TemporaryFolder folder;
  const Schedule schedule = random_pba_schedule(7);
  save_schedule(schedule, folder.path() / "mine.schedule.json");
  Schedule back = find_schedule((folder.path() / "mine.schedule.json").string());
  EXPECT_EQ(back.name, "mine");
  back.name = schedule.name;
  EXPECT_EQ(back, schedule);
}

TEST(ScheduleExport, CsvHasARowPerEntry) {
  const std::string csv = export_csv(find_schedule("rsvhn-paper"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 14 * 30);
  EXPECT_THAT(csv, HasSubstr("\n2,9,15,2,TranslateX,0.1,3,3\n"));
}

TEST(Shipped, FolderFromTheEnvironment) {
  EXPECT_TRUE(fs::exists(shipped_file("policies/autoaugment_svhn.json")));
  TemporaryFolder folder;
  setenv("POPAUG_DATA", folder.path().c_str(), 1);
  EXPECT_THAT(message_of([] { shipped_file("policies/none.json"); }), HasSubstr("missing"));
  setenv("POPAUG_DATA", "/nowhere", 1);
  EXPECT_THAT(message_of([] { shipped_folder(); }), HasSubstr("POPAUG_DATA"));
  unsetenv("POPAUG_DATA");
}

}  // namespace
}  // namespace popaug
