// Every kernel equals its plain twin bit for bit: all ops, values, signs, sizes, hole patterns and
// contents, on every instruction set that this machine has.
#include "popaug/augment/internal/prepared_op.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "popaug/augment/internal/targets_test.h"
#include "popaug/augment/space.h"

namespace popaug {
namespace {

enum class Content { kRandom, kSmooth, kFlat, kFewColours, kGrey };
enum class Holes { kNone, kSome, kAll, kPartialAlpha };

Image make_image(int width, int height, Content content, Holes holes, uint64_t sample) {
  Random random({.seed = 17, .purpose = Purpose::kTest, .sample = sample});
  Image image(width, height);
  const uint32_t colours[3] = {random.next32(), random.next32(), random.next32()};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.pixel(x, y);
      uint32_t v = random.next32();
      if (content == Content::kSmooth) {
        v = static_cast<uint32_t>(40 + 3 * x + (v & 3)) % 256 | (90 + 2 * y) % 256 << 8 |
            static_cast<uint32_t>(200 - x) % 256 << 16;
      }
      if (content == Content::kFlat) v = colours[0];
      if (content == Content::kFewColours) v = colours[v % 3];
      if (content == Content::kGrey) v = (v & 255) * 0x010101u;
      std::memcpy(pixel, &v, 3);
      if (holes == Holes::kSome) pixel[3] = random.below(4) == 0 ? 0 : 255;
      if (holes == Holes::kAll) pixel[3] = 0;
      if (holes == Holes::kPartialAlpha) pixel[3] = static_cast<uint8_t>(random.next32());
    }
  }
  return image;
}

// The values of an op in all built-in spaces with both signs, and some of its whole range.
std::set<double> values_of(const OpRow& row) {
  std::set<double> values;
  if (!row.uses_value) return {0};
  for (const std::string& name : space_names()) {
    for (const SpaceOp& op : space_by_name(name).ops) {
      if (op.op != row.name) continue;
      for (int level = 0; level < static_cast<int>(op.values.size()); ++level) {
        for (const bool negative : {false, true}) {
          values.insert(op_value(op, level, negative, 32, 32, true));
        }
      }
    }
  }
  for (const double share : {0.0, 0.013, 0.31, 0.5, 0.77, 1.0}) {
    values.insert(row.low + share * (row.high - row.low));
  }
  for (const double value : {0.0, 0.5, 1.0, -1.0, 3.0, -3.5, 89.0, 90.0, 180.0, 270.0, 359.5}) {
    if (value >= row.low && value <= row.high) values.insert(value);
  }
  return values;
}

bool has_hole(const Image& image) {
  for (size_t i = 3; i < image.size_bytes(); i += 4) {
    if (image.data()[i] == 0) return true;
  }
  return false;
}

class Comparison {
 public:
  // Returns a sentence for the first difference, or nothing.
  std::string run(const OpRow& row, double value, const Image& image, bool hole_fill, bool grey) {
    Image expected = image;
    Random random({.seed = 3, .purpose = Purpose::kOp, .sample = 5});
    OpContext context{&random, hole_fill, grey};
    row.plain(expected, value, context);

    Workspace work(image.width(), image.height());
    std::memcpy(work.pixels(), image.data(), image.size_bytes());
    Random again({.seed = 3, .purpose = Purpose::kOp, .sample = 5});
    OpContext fast_context{&again, hole_fill, grey};
    const PreparedOp op = prepare_op(row, value, image.width(), image.height(), hole_fill);
    if (!op.is_plain_twin()) ++fast_;
    work.set_solid(!has_hole(image));
    op.run(Kernels(), work, fast_context);
    ++compared_;
    if (random.next32() != again.next32()) return "draws differ";
    if (work.solid() && has_hole(expected)) return row.name + " hides a hole: it claims solid";
    const auto* bytes = reinterpret_cast<const uint8_t*>(work.pixels());
    for (size_t i = 0; i < image.size_bytes(); ++i) {
      if (bytes[i] == expected.data()[i]) continue;
      const size_t pixel = i / 4;
      return row.name + " value " + number_text(value) + ", image " +
             std::to_string(image.width()) + "x" + std::to_string(image.height()) + ", pixel " +
             std::to_string(pixel % image.width()) + "," + std::to_string(pixel / image.width()) +
             " channel " + std::to_string(i % 4) + ": " + std::to_string(bytes[i]) +
             ", the plain twin gives " + std::to_string(expected.data()[i]);
    }
    return "";
  }
  int compared_ = 0, fast_ = 0;
};

std::vector<std::pair<int, int>> sizes() {
  std::vector<std::pair<int, int>> all = {{1, 1},   {2, 1},   {1, 3},   {2, 2},  {3, 3},  {4, 3},
                                          {5, 7},   {7, 5},   {8, 8},   {15, 4}, {16, 9}, {17, 6},
                                          {31, 33}, {32, 32}, {33, 20}, {64, 5}, {67, 41}};
  if (std::getenv("POPAUG_LONG") != nullptr) {
    for (int width = 1; width <= 80; ++width) all.emplace_back(width, 1 + width * 7 % 23);
    all.insert(all.end(), {{300, 200}, {224, 224}, {129, 300}});
  }
  return all;
}

class EveryTarget : public testing::TestWithParam<int64_t> {};

TEST_P(EveryTarget, OpsEqualTheirPlainTwins) {
  const ForcedTarget forced(GetParam());
  ASSERT_STREQ(simd::table_kernels().target, hwy::TargetName(GetParam()));
  uint64_t sample = 0;
  int fast = 0;
  for (const OpRow& row : op_rows()) {
    if (row.origin != "built-in") continue;
    Comparison comparison;
    for (const double value : values_of(row)) {
      for (const auto& [width, height] : sizes()) {
        ++sample;  // contents and holes rotate: every pair meets every op and size class
        const auto content = static_cast<Content>(sample % 5);
        const auto holes = static_cast<Holes>(sample / 5 % 4);
        const Image image = make_image(width, height, content, holes, sample);
        const std::string fault =
            comparison.run(row, value, image, sample % 3 != 0, content == Content::kGrey);
        ASSERT_EQ(fault, "") << hwy::TargetName(GetParam());
      }
    }
    fast += comparison.fast_;
  }
  EXPECT_GT(fast, 10000);  // the kernels were at work, not only plain twins
}

TEST_P(EveryTarget, LargerImages) {
  const ForcedTarget forced(GetParam());
  Comparison comparison;
  uint64_t sample = 1000;
  for (const OpRow& row : op_rows()) {
    if (row.origin != "built-in" || row.name == "CropBilinear") continue;
    const SpaceOp* found = nullptr;
    static const Space space = space_by_name("pba");
    for (const SpaceOp& op : space.ops) {
      if (op.op == row.name) found = &op;
    }
    for (const int level : {3, 9}) {
      ++sample;
      const double value =
          found == nullptr ? 0 : op_value(*found, level, level == 9, 300, 200, true);
      const Image image = make_image(300, 200, static_cast<Content>(sample % 5),
                                     static_cast<Holes>(sample / 5 % 4), sample);
      ASSERT_EQ(comparison.run(row, value, image, true, false), "");
    }
  }
}

std::string target_name(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}
INSTANTIATE_TEST_SUITE_P(Simd, EveryTarget, testing::ValuesIn(runnable_targets()), target_name);

// What a change of one constant would do: a kernel that is off by one rounding is found.
TEST(SimdComparison, FindsADifferenceOfOneByte) {
  OpRow row = *find_op("Invert");
  row.plain = [](Image& image, double value, OpContext& context) {
    find_op("Invert")->plain(image, value, context);
    image.data()[image.size_bytes() - 2] ^= 1;
  };
  Comparison comparison;
  const Image image = make_image(17, 6, Content::kRandom, Holes::kNone, 1);
  EXPECT_NE(comparison.run(row, 0, image, true, false), "");

  OpRow claims = *find_op("Cutout");
  claims.holes = HoleEffect::kKeeps;
  EXPECT_THAT(comparison.run(claims, 6, image, true, false), testing::HasSubstr("claims solid"));
}

}  // namespace
}  // namespace popaug
