#include "popaug/augment/augmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "popaug/augment/photo.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

TEST(Augmenter, NothingDrawnIsNormalisation) {
  const Space space = space_by_name("pba");
  const Normalisation normalisation{{0.5f, 0.25f, 0.75f}, {0.2f, 0.25f, 0.3f}};
  const Augmenter augmenter(space, Rule{}, zero_policy(space), BaseTransforms{}, normalisation, 3,
                            2, 3);
  std::vector<uint8_t> bytes(2 * 18);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(7 * i);
  const ByteBatch images{bytes.data(), 3, 2, 3, 18};
  const std::vector<uint32_t> indices{1, 0};
  std::vector<float> ran(36), plain(36);
  augmenter.run(images, indices, SampleKey{}, {ran.data(), 18, 6, 3, 1});
  normalise(images, indices, normalisation, {plain.data(), 18, 6, 3, 1});
  EXPECT_EQ(ran, plain);
  EXPECT_NEAR(ran[0], (bytes[18] / 255.0 - 0.5) / 0.2, 1e-5);
  EXPECT_NEAR(ran[6], (bytes[19] / 255.0 - 0.25) / 0.25, 1e-5);
}

TEST(Augmenter, HolesAreZeroAfterNormalisation) {
  const Space space = space_by_name("pba");
  const Normalisation normalisation{{0.5f}, {0.2f}};
  const BaseTransforms base{.cutout = 64};  // covers a 32x32 image wherever its centre is
  const Augmenter augmenter(space, Rule{}, zero_policy(space), base, normalisation, 32, 32, 1);
  const std::vector<uint8_t> bytes(1024, 200);
  const std::vector<uint32_t> indices{0};
  std::vector<float> out(1024, 9.0f);
  augmenter.run({bytes.data(), 32, 32, 1, 1024}, indices, SampleKey{},
                {out.data(), 1024, 1024, 32, 1});
  EXPECT_EQ(out, std::vector<float>(1024, 0.0f));
}

// The eight symmetries of a square image: flips left and right or not, then 0..3 quarter turns
// against the clock, as numpy.rot90 turns.
std::vector<uint8_t> symmetry(const std::vector<uint8_t>& pixels, int side, bool flip, int turns) {
  std::vector<uint8_t> result(pixels.size());
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      int row = y, column = flip ? side - 1 - x : x;
      for (int t = 0; t < turns; ++t) {
        const int was = row;
        row = side - 1 - column;
        column = was;
      }
      result[row * side + column] = pixels[y * side + x];
    }
  }
  return result;
}

// Which of the eight symmetries each of `count` images got, in 0..7; -1 for none of them.
std::vector<int> symmetries_drawn(const BaseTransforms& base, uint32_t count) {
  const Space space = space_by_name("pba");
  constexpr int kSide = 5;
  const Augmenter augmenter(space, Rule{}, zero_policy(space), base, {{0.5f}, {1.0f}}, kSide, kSide,
                            1);
  std::vector<uint8_t> bytes(kSide * kSide);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(10 * i);
  std::vector<int> drawn;
  std::vector<uint8_t> out(bytes.size());
  for (uint32_t i = 0; i < count; ++i) {
    augmenter.run({bytes.data(), kSide, kSide, 1, bytes.size()}, std::vector<uint32_t>{0},
                  {.seed = 3, .sample = i}, ByteOutput{out.data(), kSide * kSide, 1, kSide, 1});
    int found = -1;
    for (int s = 0; s < 8; ++s) {
      if (out == symmetry(bytes, kSide, s >= 4, s % 4)) found = s;
    }
    drawn.push_back(found);
  }
  return drawn;
}

TEST(Augmenter, FlipsAndTurnsGiveTheSymmetriesThatTheySay) {
  const auto share = [](const BaseTransforms& base) {
    std::vector<double> shares(8);
    const std::vector<int> drawn = symmetries_drawn(base, 8000);
    for (const int s : drawn) {
      if (s < 0) return std::vector<double>();  // not a symmetry at all
      shares[s] += 1.0 / static_cast<double>(drawn.size());
    }
    return shares;
  };
  const auto expect = [&](const BaseTransforms& base, const std::vector<double>& wanted) {
    const std::vector<double> found = share(base);
    ASSERT_EQ(found.size(), 8u);
    for (size_t s = 0; s < 8; ++s) EXPECT_NEAR(found[s], wanted[s], 0.02) << s;
  };
  // Without a flip: 0..3 turns; with one: the same.
  expect({}, {1, 0, 0, 0, 0, 0, 0, 0});
  expect({.flip = 1}, {0, 0, 0, 0, 1, 0, 0, 0});
  expect({.vflip = 1}, {0, 0, 0, 0, 0, 0, 1, 0});
  expect({.turn = 0.6}, {0.4, 0.2, 0.2, 0.2, 0, 0, 0, 0});
  expect({.flip = 0.5, .vflip = 0.2}, {0.4, 0, 0.1, 0, 0.4, 0, 0.1, 0});
  expect({.flip = 0.5, .turn = 0.75}, std::vector<double>(8, 0.125));
}

// Parts of images of another size are what random_resized_crop() makes of them.
TEST(Augmenter, CutsPartsOutOfLargerAndSmallerImages) {
  const Space space = space_by_name("randaugment");
  const Policy policy = every_op(space, space.levels - 2);
  const Normalisation normalisation{{0.5f, 0.4f, 0.3f}, {0.2f, 0.2f, 0.3f}};
  constexpr int kWidth = 21, kHeight = 13;
  const BaseTransforms rest{.flip = 0.5, .cutout = 5, .cutmix = 0.7};
  BaseTransforms base = rest;
  base.resized_crop = 0.3;
  for (const auto& [width, height, channels] :
       {std::tuple{42, 26, 3}, std::tuple{37, 40, 1}, std::tuple{5, 3, 3}}) {
    const Normalisation scale{{normalisation.mean.begin(), normalisation.mean.begin() + channels},
                              {normalisation.std.begin(), normalisation.std.begin() + channels}};
    const size_t stride = size_t{1} * width * height * channels;
    const size_t cut_stride = size_t{1} * kWidth * kHeight * channels;
    constexpr uint32_t kImages = 40;
    std::vector<uint8_t> bytes(kImages * stride), cut(kImages * cut_stride);
    Random random({.seed = 4, .purpose = Purpose::kTest});
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next32());
    const SampleKey key{.seed = 7, .epoch = 2};
    std::vector<uint32_t> indices(kImages);
    for (uint32_t i = 0; i < kImages; ++i) {
      indices[i] = kImages - 1 - i;
      Image image(width, height);
      for (int p = 0; p < width * height; ++p) {
        for (int c = 0; c < 3; ++c) {
          image.data()[4 * p + c] = bytes[i * stride + p * channels + (channels == 3 ? c : 0)];
        }
      }
      SampleKey own = key;
      own.sample = i;
      const Image part = random_resized_crop(image, kWidth, kHeight, {.least_area = 0.3}, own);
      for (int p = 0; p < kWidth * kHeight; ++p) {
        for (int c = 0; c < channels; ++c) {
          cut[i * cut_stride + p * channels + c] = part.data()[4 * p + c];
        }
      }
    }
    const auto run = [&](const BaseTransforms& with, const ByteBatch& images, int threads) {
      const Augmenter augmenter(space, Rule{}, policy, with, scale, kWidth, kHeight, channels);
      EXPECT_EQ(augmenter.cuts(), with.resized_crop > 0);
      std::vector<float> out(kImages * cut_stride);
      std::vector<Mixed> mixed(kImages);
      const auto step = static_cast<ptrdiff_t>(cut_stride);
      augmenter.run(images, indices, key,
                    {out.data(), step, 1, ptrdiff_t{kWidth} * channels, channels}, threads,
                    {indices, mixed.data()});
      for (const Mixed& each : mixed) out.push_back(each.share);
      return out;
    };
    const ByteBatch whole{bytes.data(), width, height, channels, stride};
    const std::vector<float> parts =
        run(rest, {cut.data(), kWidth, kHeight, channels, cut_stride}, 1);
    EXPECT_EQ(run(base, whole, 1), parts) << width;
    EXPECT_EQ(run(base, whole, 3), parts) << width;
    EXPECT_THAT(message_of([&] { run(rest, whole, 1); }),
                ::testing::HasSubstr("this augmenter was made for 21x13"));
  }
}

TEST(Augmenter, BadInputIsASentence) {
  using ::testing::HasSubstr;
  const Space space = space_by_name("pba");
  const Normalisation sound{{0.5f, 0.5f, 0.5f}, {0.2f, 0.2f, 0.2f}};
  const auto refusal = [&](const Normalisation& normalisation, int width, int height, int channels,
                           const BaseTransforms& base = {}, double probability = 0) {
    Policy policy = zero_policy(space);
    policy.entries[3].probability = probability;
    return message_of(
        [&] { Augmenter(space, Rule{}, policy, base, normalisation, width, height, channels); });
  };
  EXPECT_THAT(refusal(sound, 0, 8, 3), HasSubstr("images of 0x8; expected 1..16384"));
  EXPECT_THAT(refusal(sound, 8, 16385, 3), HasSubstr("images of 8x16385; expected 1..16384"));
  EXPECT_THAT(refusal(sound, 8, 8, 2), HasSubstr("2 channels; expected 1 or 3"));
  EXPECT_THAT(refusal(sound, 8, 8, 1), HasSubstr("3 means and 3 deviations; expected 1"));
  EXPECT_THAT(refusal({{0, 0, NAN}, {1, 1, 1}}, 8, 8, 3), HasSubstr("channel 2 has mean nan"));
  EXPECT_THAT(refusal({{0, 0, 0}, {1, 0, 1}}, 8, 8, 3), HasSubstr("channel 1 has mean 0"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {}, NAN), HasSubstr("probability"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {}, 1.5), HasSubstr("probability 1.5; expected 0..1"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.flip = NAN}), HasSubstr("flip"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.pad = -1}), HasSubstr("pad: -1 is not in"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.vflip = 1.5}), HasSubstr("vflip: 1.5 is not in"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.turn = -0.1}), HasSubstr("turn: -0.1 is not in"));
  EXPECT_THAT(
      refusal(sound, 8, 6, 3, {.turn = 0.5}),
      HasSubstr("turn 0.5: images of 8x6 cannot be turned by 90 degrees, only square ones"));
  EXPECT_EQ(refusal(sound, 8, 6, 3, {.vflip = 0.5}), "no error");
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.resized_crop = NAN}), HasSubstr("resized_crop"));
  EXPECT_THAT(refusal(sound, 8, 8, 3, {.resized_crop = 1.5}), HasSubstr("resized_crop: 1.5"));

  const Augmenter augmenter(space, Rule{}, zero_policy(space), {}, sound, 4, 5, 3);
  const std::vector<uint8_t> bytes(120);
  std::vector<float> out(120);
  std::vector<uint8_t> quiet(120);
  const std::vector<uint32_t> two{0, 1};
  const auto run = [&](const ByteBatch& images, const FloatBatch& to) {
    return message_of([&] { augmenter.run(images, two, {}, to); });
  };
  const ByteBatch good{bytes.data(), 4, 5, 3, 60};
  EXPECT_THAT(run({bytes.data(), 4, 5, 3, 59}, {out.data(), 60, 1, 12, 3}),
              HasSubstr("a stride of 59 bytes between images of 60 bytes"));
  EXPECT_THAT(run({bytes.data(), 5, 4, 3, 60}, {out.data(), 60, 1, 12, 3}),
              HasSubstr("images of 5x4x3; this augmenter was made for 4x5x3"));
  for (const FloatBatch& to : {FloatBatch{out.data(), 0, 1, 12, 3},
                               {out.data(), 59, 1, 12, 3},
                               {out.data(), 60, 0, 12, 3},
                               {out.data(), 60, 1, 11, 3},
                               {out.data(), 60, 1, 12, 2},
                               {out.data(), 60, 1, 12, 0}}) {
    EXPECT_THAT(run(good, to), HasSubstr("make elements share a place")) << to.sn << " " << to.sx;
    EXPECT_THAT(message_of([&] { normalise(good, two, sound, to); }), HasSubstr("share a place"));
    EXPECT_THAT(
        message_of([&] {
          augmenter.run(good, two, {}, ByteOutput{quiet.data(), to.sn, to.sc, to.sy, to.sx});
        }),
        HasSubstr("share a place"));
  }
  EXPECT_EQ(run(good, {out.data() + 60, -60, 20, 4, 1}), "no error");
  EXPECT_EQ(run(good, {out.data(), 1, 2, 24, 6}), "no error");
  EXPECT_EQ(out, std::vector<float>(120, out[0]));
}

}  // namespace
}  // namespace popaug
