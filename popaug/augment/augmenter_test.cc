#include "popaug/augment/augmenter.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace popaug
