// Embeds the augmentation engine: bytes in, normalised float32 out, straight into a buffer that is
// laid out as the caller wants it.
#include <popaug/augment/augment.h>

#include <cstdio>
#include <exception>
#include <numeric>
#include <vector>

namespace {

constexpr int kSide = 32, kImages = 256;

// A policy by name, probability and level. A learned one comes from a schedule file instead.
popaug::Policy small_policy(const popaug::Space& space) {
  popaug::Policy policy;
  policy.entries = {
      {.op = space.index_of("Rotate"), .probability = 0.4, .level = 5},
      {.op = space.index_of("Equalize"), .probability = 0.3, .level = 0},
      {.op = space.index_of("TranslateX"), .probability = 0.8, .level = 3},
  };
  return policy;
}

std::vector<uint8_t> images() {
  std::vector<uint8_t> bytes(size_t{3} * kSide * kSide * kImages);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 97);
  return bytes;
}

int run() {
  const popaug::Space space = popaug::space_by_name("pba");
  const popaug::BaseTransforms base{.pad = 4, .flip = 0.5, .cutout = 16};
  const popaug::Normalisation normalisation{{0.49f, 0.48f, 0.45f}, {0.25f, 0.24f, 0.26f}};
  const popaug::Augmenter augmenter(space, popaug::Rule{}, small_policy(space), base, normalisation,
                                    kSide, kSide, 3);

  const std::vector<uint8_t> bytes = images();
  const popaug::ByteBatch batch{bytes.data(), kSide, kSide, 3, size_t{3} * kSide * kSide};
  std::vector<uint32_t> order(kImages);
  std::iota(order.begin(), order.end(), 0u);

  // Channels first: image, channel, row, column.
  constexpr ptrdiff_t kPlane = kSide * kSide;
  std::vector<float> out(3 * kPlane * kImages);
  const popaug::FloatBatch tensor{out.data(), 3 * kPlane, kPlane, kSide, 1};

  // The key is the whole of the randomness: the same key gives the same floats everywhere, with any
  // number of threads.
  const popaug::SampleKey key{.seed = 1, .stream = 0, .epoch = 12};
  augmenter.run(batch, order, key, tensor, 2);

  size_t holes = 0;
  for (const float value : out) holes += value == 0.0f;
  std::printf("augmented %d images; %zu of %zu values lie in holes\n", kImages, holes, out.size());
  return holes > 0 && holes < out.size() ? 0 : 1;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embed: %s\n", error.what());
    return 1;
  }
}
