#include "popaug/augment/augmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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
