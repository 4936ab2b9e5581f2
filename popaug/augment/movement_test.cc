#include "popaug/augment/movement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "popaug/augment/augment.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

constexpr int kWidth = 40, kHeight = 28;

MovementSampler sampler_of(const std::string& op, double value, const BaseTransforms& base) {
  Space space = {.name = "one", .levels = 1, .search_levels = 1, .ops = {{op}}};
  space.ops[0].values = {value};
  return {space, Rule{.kind = RuleKind::kSubPolicies, .group = 1}, base};
}

Movement moved(MovementSampler sampler, uint64_t sample = 0) {
  Policy policy;
  policy.entries = {{0, 1.0, 0}};
  return sampler.draw(policy, {.seed = 1, .sample = sample}, kWidth, kHeight);
}

// The matrix and the pixels tell the same: a pixel shows the place where the matrix says.
void expect_consistent(const Movement& movement, const std::string& what) {
  const auto& [a, b, c, d, e, f] = movement.matrix();
  int shown = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int32_t source = movement.sources()[size_t(y) * kWidth + x];
      if (source < 0) continue;
      ++shown;
      const double from_x = a * (x + 0.5) + b * (y + 0.5) + c;
      const double from_y = d * (x + 0.5) + e * (y + 0.5) + f;
      ASSERT_LE(std::abs(from_x - (source % kWidth + 0.5)), 0.51) << what << x << "," << y;
      ASSERT_LE(std::abs(from_y - (source / kWidth + 0.5)), 0.51) << what << x << "," << y;
    }
  }
  EXPECT_GT(shown, kWidth * kHeight / 3) << what;
}

TEST(Movement, PixelsAndMatrixOfEveryOpAgree) {
  int moving = 0;
  for (const OpRow& row : op_rows()) {
    if (row.origin != "built-in") continue;
    const double value = row.unit == "px" ? 5 : row.low + 0.51 * (row.high - row.low);
    const Movement movement =
        moved(sampler_of(row.name, row.uses_value ? value : 0, {.pad = 0, .flip = 0}));
    expect_consistent(movement, row.name);
    EXPECT_EQ(movement.matrix() == kNoMovement, row.move == nullptr) << row.name;
    moving += row.move != nullptr;
  }
  EXPECT_EQ(moving, 8);
}

TEST(Movement, BaseTransformsAreFollowed) {
  for (uint64_t sample = 0; sample < 30; ++sample) {
    const BaseTransforms base = {.pad = 5, .flip = 0.5, .cutout = 8, .vflip = 0.5};
    expect_consistent(moved(sampler_of("Rotate", 12, base), sample), "base");
  }
}

// What the engine makes of an image is the image looked up in the sources.
TEST(Movement, MasksMoveAsTheImageDoes) {
  const Space space = space_by_name("pba");
  Space geometric = space;
  std::erase_if(geometric.ops, [](const SpaceOp& op) { return find_op(op.op)->move == nullptr; });
  Policy policy = zero_policy(geometric);
  for (PolicyEntry& entry : policy.entries) entry = {entry.op, 0.7, 6};
  const Rule rule = {.kind = RuleKind::kPba, .count_weights = {0.1, 0.3, 0.6}};
  const BaseTransforms base = {.pad = 3, .flip = 0.5, .cutout = 0};
  std::erase_if(geometric.ops, [](const SpaceOp& op) { return op.op == "CropBilinear"; });
  policy.entries.resize(geometric.ops.size());
  MovementSampler sampler(geometric, rule, base);
  const Augmenter augmenter(geometric, rule, policy, base, {{0, 0, 0}, {1, 1, 1}}, kWidth, kHeight,
                            3);
  Image image(kWidth, kHeight);
  std::vector<uint8_t> reds;
  Random random({.seed = 2, .purpose = Purpose::kTest});
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    reds.push_back(image.data()[i] = static_cast<uint8_t>(1 + random.below(255)));
  }
  for (uint64_t sample = 0; sample < 50; ++sample) {
    const SampleKey key = {.seed = 4, .epoch = 2, .sample = sample};
    const Image augmented = augmenter.augment(image, key);
    const std::vector<uint8_t> mask =
        sampler.draw(policy, key, kWidth, kHeight).mask(std::span<const uint8_t>(reds), uint8_t{0});
    for (size_t i = 0; i < mask.size(); ++i) {
      const uint8_t* pixel = augmented.data() + 4 * i;
      ASSERT_EQ(mask[i], pixel[3] == 0 ? 0 : pixel[0]) << sample << ", " << i;
    }
  }
}

TEST(Movement, BoxesAndPointsMove) {
  const Movement flipped = moved(sampler_of("FlipLR", 0, {.pad = 0, .flip = 0}));
  const PlaceBox box = flipped.box({2, 3, 10, 9});
  EXPECT_EQ(box.left, kWidth - 10);
  EXPECT_EQ(box.right, kWidth - 2);
  EXPECT_EQ(box.top, 3);
  EXPECT_EQ(flipped.point({2, 3}).x, kWidth - 2);
  const PlaceBox gone =
      moved(sampler_of("TranslateX", 1000, {.pad = 0, .flip = 0})).box({2, 3, 9, 9});
  EXPECT_EQ(gone.left, gone.right);
}

TEST(Movement, RefusesWhatItCannotKnow) {
  const auto refused = [](int width, int height) {
    return message_of([&] {
      sampler_of("FlipLR", 0, {}).draw({{{0, 1.0, 0}}}, {.seed = 1}, width, height);
    });
  };
  EXPECT_THAT(refused(0, 5), testing::HasSubstr("0x5 pixels; expected 1 .. 16777216 pixels"));
  EXPECT_THAT(refused(8192, 4096), testing::HasSubstr("expected 1 .. 16777216 pixels"));
}

}  // namespace
}  // namespace popaug
