#include "popaug/augment/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "popaug/augment/strength.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

std::string sentence_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Policy, SurvivesJson) {
  const Space space = space_by_name("pba");
  Policy policy = zero_policy(space);
  EXPECT_EQ(policy.entries.size(), 30u);
  policy.entries[3] = {.op = 3, .probability = 0.1, .level = 9};
  EXPECT_EQ(policy_from_json(policy_to_json(policy, space), space, "back"), policy);
  for (const RuleKind kind : {RuleKind::kNone, RuleKind::kPba, RuleKind::kSubPolicies,
                              RuleKind::kRandAugment, RuleKind::kTrivial}) {
    const Rule rule{.kind = kind};
    EXPECT_EQ(rule_from_json(rule_to_json(rule), "back"), rule);
  }
  const BaseTransforms base{.pad = 4, .flip = 0.5, .cutout = 16, .scale_pixels = false};
  EXPECT_EQ(base_from_json(base_to_json(base), "back"), base);
  EXPECT_FALSE(base_to_json(base).contains("resized_crop"));  // readers from before it read this
  const BaseTransforms photo{.flip = 0.5, .resized_crop = 0.35};
  EXPECT_EQ(base_from_json(base_to_json(photo), "back"), photo);
  for (const double bad : {1.5, -0.1, double(NAN)}) {
    EXPECT_THROW(base_from_json({{"resized_crop", bad}}, "bad"), Error);
    // Nor is a wrong one skipped on the way.
    EXPECT_THROW(base_from_json(base_to_json({.resized_crop = bad}), "bad"), Error);
  }
}

TEST(Policy, ErrorsAreSentencesThatSayWhere) {
  const Space space = space_by_name("pba");
  const auto read = [&](const char* text) {
    return sentence_of([&] { policy_from_json(Json::parse(text), space, "p.json"); });
  };
  EXPECT_THAT(read(R"([{"op":"Rotat","probability":0,"level":0}])"), HasSubstr("p.json: entry 1"));
  EXPECT_THAT(read(R"([{"op":"Rotat","probability":0,"level":0}])"), HasSubstr("\"Rotate\""));
  EXPECT_NE(read(R"([{"op":"Rotate","probability":1.1,"level":0}])"), "");
  EXPECT_NE(read(R"([{"op":"Rotate","probability":0,"level":11}])"), "");
  EXPECT_NE(read(R"([{"op":"Rotate","probability":0,"level":-1}])"), "");
  EXPECT_THAT(read(R"([{"op":"Rotate","probabilty":0,"level":1}])"), HasSubstr("probability"));
  EXPECT_NE(read(R"({"op":"Rotate"})"), "");

  const auto check = [&](const PolicyEntry& entry, const Rule& rule = {}) {
    return sentence_of([&] { check_policy({{entry}}, rule, space, "p"); });
  };
  EXPECT_THAT(check({0, NAN, 0}), HasSubstr("probability"));
  EXPECT_THAT(check({15, 0.5, 0}), HasSubstr("not in space"));
  EXPECT_THAT(check({0, 0.5, 11}), HasSubstr("levels 0..10"));
  EXPECT_THAT(check({0, 0.5, 1}, {.kind = RuleKind::kSubPolicies}), HasSubstr("do not divide"));
  EXPECT_THAT(check({0, 0.5, 1}, {.count_weights = {0.5, 0.4}}), HasSubstr("sum to 0.9"));
  EXPECT_THAT(check({0, 0.5, 1}, {.count_weights = {NAN, 1}}), HasSubstr("within 0..1"));
  // A policy without entries gives no op under every rule: what a clean tail is.
  EXPECT_EQ(sentence_of([&] { check_policy({}, {.kind = RuleKind::kTrivial}, space, "p"); }), "");
}

TEST(Policy, BaseTransformsScaleWithTheShorterSide) {
  const BaseTransforms base{.pad = 4, .flip = 0.5, .cutout = 16};
  EXPECT_EQ(scaled_base(base, 32, 32), base);
  EXPECT_EQ(scaled_base(base, 64, 48).pad, 6);
  EXPECT_EQ(scaled_base(base, 64, 48).cutout, 24);
  EXPECT_EQ(scaled_base(base, 28, 100).pad, 4);  // 3.5 rounds up
  EXPECT_EQ(scaled_base(base, 1, 1).pad, 0);
  BaseTransforms paper = base;
  paper.scale_pixels = false;
  EXPECT_EQ(scaled_base(paper, 64, 48), paper);
}

TEST(Space, PixelsScaleAsTheirSpaceSays) {
  const Space pba = space_by_name("pba"), rand = space_by_name("randaugment"),
              trivial = space_by_name("trivial");
  const auto at = [](const Space& space, const char* op, int level, int width, int height,
                     bool scale = true) {
    return op_value(space.ops[space.index_of(op)], level, false, width, height, scale);
  };
  EXPECT_EQ(at(pba, "TranslateX", 3, 64, 32), 6);
  EXPECT_EQ(at(pba, "TranslateY", 3, 64, 32), 3);
  EXPECT_EQ(at(pba, "TranslateX", 3, 28, 28), 3);  // 2.625
  EXPECT_EQ(at(pba, "TranslateX", 10, 224, 300), 70);
  EXPECT_EQ(at(pba, "Cutout", 5, 224, 300), 70);
  EXPECT_EQ(at(pba, "Rotate", 5, 224, 300), 15);
  EXPECT_EQ(at(pba, "TranslateX", 3, 64, 32, false), 3);
  EXPECT_EQ(at(pba, "Cutout", 5, 224, 300, false), 10);
  // torchvision: int(150 / 331 * 224) at the last bin, whatever the setting; trivial never scales.
  EXPECT_EQ(at(rand, "TranslateX", 30, 224, 32), 101);
  EXPECT_EQ(at(rand, "TranslateY", 30, 224, 32, false), 14);
  EXPECT_EQ(at(trivial, "TranslateX", 30, 224, 224), 32);
  EXPECT_EQ(op_value(trivial.ops[trivial.index_of("Color")], 30, true, 32, 32), 1 - double{0.99f});
  EXPECT_EQ(op_value(pba.ops[0], 4, true, 32, 32), -12);
}

TEST(Space, StrengthScalesTheRangesTowardsIdentity) {
  const Space full = space_by_name("trivial"), none = space_by_name("trivial:0");
  EXPECT_EQ(none.name, "trivial:0");
  EXPECT_EQ(with_strength(full, 1).ops, full.ops);
  for (const SpaceOp& op : none.ops) {
    for (int level = 0; level < none.levels; ++level) {
      if (op.values.empty() || op.op == "Posterize" || op.op == "Solarize") continue;
      EXPECT_TRUE(is_identity(op, level)) << op.op << " " << level;
    }
  }
  const Space half = space_by_name("trivial:0.5");
  const auto last = [](const Space& space, const char* op) {
    return space.ops[space.index_of(op)].values.back();
  };
  EXPECT_EQ(last(half, "Rotate"), 67.5);
  EXPECT_EQ(last(half, "TranslateX"), 16);
  EXPECT_NEAR(last(half, "Color"), 0.495, 1e-6);
  EXPECT_EQ(last(half, "Posterize"), 5);
  EXPECT_THROW(space_by_name("trivial:1.5"), Error);
  EXPECT_THROW(space_by_name("trivial:x"), Error);
  EXPECT_THROW(with_strength(full, NAN), Error);
  // Groups scale their own ops; the product of two strengths is one strength.
  const Space tone = with_strengths(full, {.tone = 0.5});
  EXPECT_EQ(tone.name, full.name);
  EXPECT_EQ(last(tone, "Rotate"), last(full, "Rotate"));
  EXPECT_EQ(last(tone, "Color"), last(full, "Color"));
  EXPECT_EQ(last(tone, "Posterize"), 5);
  EXPECT_EQ(with_strengths(full, {.all = 0.5, .geometry = 0.5}).ops[full.index_of("Rotate")],
            with_strength(full, 0.25).ops[full.index_of("Rotate")]);
  EXPECT_EQ(with_strengths(full, {.colour = 0}).ops[full.index_of("Color")],
            none.ops[full.index_of("Color")]);
  EXPECT_THROW(with_strengths(full, {.geometry = 1.01}), UsageError);
  for (const std::string& name : space_names())
    check_space(with_strength(space_by_name(name), 0.3), name);
}

TEST(Space, GreyLeavesOutWhatCannotChangeGrey) {
  std::vector<std::string> left_out;
  const Space grey = space_for_grey(space_by_name("pba"), &left_out);
  EXPECT_EQ(left_out, std::vector<std::string>{"Color"});
  EXPECT_EQ(grey.ops.size(), 14u);
  EXPECT_EQ(space_for_grey(space_by_name("trivial"), nullptr).ops.size(), 13u);  // Identity stays
}

TEST(Space, RefusesWhatMakesNoSense) {
  const Space pba = space_by_name("pba");
  const auto fails = [&](const std::function<void(Space&)>& change) {
    Space space = pba;
    change(space);
    return sentence_of([&] { check_space(space, "s"); });
  };
  EXPECT_THAT(fails([](Space& s) { s.ops[0].values[2] = NAN; }), HasSubstr("s: op \"Rotate\""));
  EXPECT_THAT(fails([](Space& s) { s.ops[0].op = "Rotat"; }), HasSubstr("nearest: \"Rotate\""));
  EXPECT_THAT(fails([](Space& s) { s.ops[0].values.pop_back(); }), HasSubstr("10 values"));
  EXPECT_THAT(fails([](Space& s) { s.ops[7].values[1] = 3.5; }), HasSubstr("whole numbers"));
  EXPECT_THAT(fails([](Space& s) { s.ops[0].scale = PixelScale::kWidth; }), HasSubstr("in pixels"));
  EXPECT_THAT(fails([](Space& s) { s.ops[5].is_signed = true; }), HasSubstr("no sign"));
  EXPECT_THAT(fails([](Space& s) { s.ops.push_back(s.ops[0]); }), HasSubstr("twice"));
  EXPECT_THAT(fails([](Space& s) { s.ops.clear(); }), HasSubstr("0 ops"));
  EXPECT_THAT(fails([](Space& s) { s.search_levels = 12; }), HasSubstr("1..11"));
  EXPECT_THAT(fails([](Space& s) { s.ops[9].is_signed = true; }), HasSubstr("accepts 0..256"));
}

}  // namespace
}  // namespace popaug
