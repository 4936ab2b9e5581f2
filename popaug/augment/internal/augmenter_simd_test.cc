// The fused pipeline equals the plain one bit for bit, on every instruction set, for every layout;
// results do not depend on the batch or the threads; nothing is allocated per image once warm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <type_traits>

#include "popaug/augment/internal/augmenter_plain.h"
#include "popaug/augment/internal/targets_test.h"

namespace {
// Counts allocations of this program (and of the library, which takes operator new from here).
thread_local size_t allocations = 0;
}  // namespace

// noinline: g++ would otherwise see a new that ends in free().
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace popaug {
namespace {

struct Case {
  const char* space;
  RuleKind rule;
  int width, height, channels;
  BaseTransforms base;
};

// A policy of the middle of a search: all ops, mixed probabilities and levels.
Policy busy_policy(const Space& space, RuleKind rule, uint64_t sample) {
  Policy policy = zero_policy(space, rule == RuleKind::kTrivial ? 1 : 2);
  Random random({.purpose = Purpose::kTest, .sample = sample});
  for (PolicyEntry& entry : policy.entries) {
    entry.probability = random.below(11) / 10.0;
    entry.level = static_cast<int>(random.below(static_cast<uint32_t>(space.levels)));
  }
  return policy;
}

std::vector<uint8_t> random_bytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  Random random({.purpose = Purpose::kTest, .sample = 99});
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next32() >> 13);
  return bytes;
}

Normalisation normalisation_of(int channels) {
  Normalisation full{{.49056774f, .48116026f, .44726052f}, {.24710728f, .24451308f, .26235099f}};
  full.mean.resize(channels);
  full.std.resize(channels);
  return full;
}

plain::Pipeline pipeline_of(const Case& c, uint64_t sample) {
  const Space space = space_by_name(c.space);
  Rule rule;
  rule.kind = c.rule;
  return {space,     rule, busy_policy(space, c.rule, sample), c.base, normalisation_of(c.channels),
          c.channels};
}

Augmenter augmenter_of(const plain::Pipeline& p, int width, int height) {
  return Augmenter(p.space, p.rule, p.policy, p.base, p.normalisation, width, height, p.channels);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"pba", RuleKind::kPba, 32, 32, 3, {4, 0.5, 16}},
      {"pba", RuleKind::kPba, 28, 28, 1, {4, 0.5, 16}},
      {"pba", RuleKind::kPba, 33, 17, 3, {4, 0.5, 16}},
      {"pba", RuleKind::kPba, 5, 70, 3, {8, 0.5, 0, false}},
      {"autoaugment", RuleKind::kSubPolicies, 32, 32, 3, {4, 0.5, 16}},
      {"randaugment", RuleKind::kRandAugment, 48, 31, 3, {0, 0.5, 8}},
      {"trivial", RuleKind::kTrivial, 32, 32, 3, {4, 0, 0}},
      {"pba", RuleKind::kPba, 112, 96, 3, {4, 0.5, 16}},  // large: written past the caches
      {"pba", RuleKind::kPba, 29, 40, 3, {0, 0.5, 8, true, 0.35}},
      {"trivial", RuleKind::kTrivial, 24, 24, 1, {0, 0.5, 0, true, 1}},
      // All symmetries, with a crop and without, at sides that blocks cover and that they do not.
      {"pba", RuleKind::kPba, 32, 32, 3, {.pad = 4, .flip = 0.5, .cutout = 16, .turn = 0.75}},
      {"pba", RuleKind::kPba, 29, 29, 1, {.pad = 4, .flip = 0.5, .vflip = 0.5, .turn = 1}},
      {"pba", RuleKind::kPba, 7, 7, 3, {.pad = 9, .cutout = 8, .vflip = 0.5, .turn = 0.6}},
      {"trivial", RuleKind::kTrivial, 2, 2, 3, {.vflip = 0.5, .turn = 0.75}},
      {"trivial", RuleKind::kTrivial, 112, 112, 3, {.pad = 4, .cutout = 9, .vflip = 1, .turn = 1}},
      {"pba", RuleKind::kPba, 24, 17, 3, {.pad = 2, .flip = 0.5, .vflip = 0.5}},
      {"pba", RuleKind::kPba, 112, 96, 1, {.pad = 4, .flip = 0.5, .cutout = 16}},
      // Rows of bfloat16 are whole cache lines at multiples of 32 columns only.
      {"pba", RuleKind::kPba, 128, 96, 3, {.pad = 4, .flip = 0.5, .cutout = 16}},
      {"pba", RuleKind::kPba, 160, 64, 1, {.pad = 4, .flip = 0.5, .cutout = 16}},
      // Erased and mixed: the last stages take the pixels one after the other.
      {"pba", RuleKind::kPba, 32, 32, 3, {.pad = 4, .flip = 0.5, .erase = 0.6}},
      {"pba",
       RuleKind::kPba,
       21,
       30,
       1,
       {.cutout = 8, .erase = 0.9, .erase_fill = EraseFill::kMean}},
      {"trivial", RuleKind::kTrivial, 28, 28, 1, {.erase = 0.8, .erase_fill = EraseFill::kNoise}},
      {"pba", RuleKind::kPba, 32, 32, 3, {.pad = 4, .flip = 0.5, .cutout = 16, .cutmix = 0.7}},
      {"trivial", RuleKind::kTrivial, 33, 19, 3, {.pad = 4, .mixup = 0.8, .mixup_alpha = 1}},
      {"pba", RuleKind::kPba, 27, 27, 1, {.pad = 4, .turn = 0.5, .cutmix = 0.6, .mixup = 0.6}},
      {"pba", RuleKind::kPba, 112, 96, 3, {.pad = 4, .erase = 0.5, .cutmix = 0.5, .mixup = 0.7}},
      {"pba",
       RuleKind::kPba,
       29,
       40,
       3,
       {.flip = 0.5, .cutout = 8, .resized_crop = 0.35, .cutmix = 1, .cutmix_alpha = 0.3}},
  };
  return all;
}

struct Layout {
  ptrdiff_t sn, sc, sy, sx;
  size_t numbers;  // of a batch of `count`
};

std::vector<Layout> layouts(int w, int h, int c, int count) {
  const ptrdiff_t image = ptrdiff_t{1} * w * h * c;
  std::vector<Layout> all = {
      {image, 1, ptrdiff_t{1} * w * c, c, 0},                  // channels last
      {image, ptrdiff_t{1} * w * h, w, 1, 0},                  // planes
      {1, count, ptrdiff_t{1} * w * c * count, c * count, 0},  // images innermost
      {image + 64, 1, ptrdiff_t{1} * w * c + 5, c, 0},         // padded rows
  };
  all[3].sn = (w * c + 5) * ptrdiff_t{1} * h + 11;
  for (Layout& layout : all) {
    layout.numbers = static_cast<size_t>((count - 1) * layout.sn + (c - 1) * layout.sc +
                                         (h - 1) * layout.sy + (w - 1) * layout.sx + 1);
  }
  return all;
}

// A batch on a cache line, as tensors are, between guards that show writes beside its elements.
template <typename Output>
class GuardedBatch {
 public:
  using Number = std::remove_pointer_t<decltype(Output::data)>;
  explicit GuardedBatch(const Layout& layout)
      : layout_(layout), memory_(kGuard + layout.numbers + 2 * kGuard, Number{77}) {}
  Output view() { return {begin() + kGuard, layout_.sn, layout_.sc, layout_.sy, layout_.sx}; }
  std::span<const Number> with_guards() { return {begin(), layout_.numbers + 2 * kGuard}; }

 private:
  static constexpr size_t kLine = 64, kGuard = kLine / sizeof(Number);
  Number* begin() {
    const size_t over = reinterpret_cast<uintptr_t>(memory_.data()) % kLine;
    return memory_.data() + (kLine - over) % kLine / sizeof(Number);
  }
  Layout layout_;
  std::vector<Number> memory_;
};

// Whether both pipelines write the same bytes, and mix the same images.
template <typename Output>
void expect_equal(const Augmenter& augmenter, const plain::Pipeline& pipeline,
                  const ByteBatch& images, std::span<const uint32_t> indices,
                  const Layout& layout) {
  const SampleKey key{.seed = 7, .stream = 3, .epoch = 5, .sample = 1000};
  GuardedBatch<Output> fast(layout), slow(layout);
  std::vector<Mixed> mixed(indices.size()), mixed_slowly(indices.size());
  augmenter.run(images, indices, key, fast.view(), 1, {indices, mixed.data()});
  plain::run(pipeline, images, indices, key, slow.view(), {indices, mixed_slowly.data()});
  for (size_t i = 0; i < indices.size(); ++i) {
    ASSERT_EQ(mixed[i].partner, mixed_slowly[i].partner);
    ASSERT_EQ(mixed[i].share, mixed_slowly[i].share);
  }
  const auto found = fast.with_guards(), want = slow.with_guards();
  ASSERT_EQ(std::memcmp(found.data(), want.data(), found.size_bytes()), 0)
      << pipeline.space.name << " " << images.width << "x" << images.height << " sx " << layout.sx
      << " sc " << layout.sc << ", " << sizeof(found[0]) << " bytes a number";
}

class EveryTargetPipeline : public testing::TestWithParam<int64_t> {};

TEST_P(EveryTargetPipeline, EqualsThePlainPipeline) {
  const ForcedTarget forced(GetParam());
  uint64_t sample = 0;
  for (const Case& c : cases()) {
    const plain::Pipeline pipeline = pipeline_of(c, ++sample);
    const Augmenter augmenter = augmenter_of(pipeline, c.width, c.height);
    const int count = c.width > 100 ? 6 : 40;
    const size_t stride = size_t{1} * c.width * c.height * c.channels + sample % 3;
    const auto bytes = random_bytes(count * stride);
    const ByteBatch images{bytes.data(), c.width, c.height, c.channels, stride};
    std::vector<uint32_t> indices(count);
    std::iota(indices.rbegin(), indices.rend(), 0u);
    for (const Layout& layout : layouts(c.width, c.height, c.channels, count)) {
      expect_equal<FloatBatch>(augmenter, pipeline, images, indices, layout);
      expect_equal<BFloat16Batch>(augmenter, pipeline, images, indices, layout);
      expect_equal<ByteOutput>(augmenter, pipeline, images, indices, layout);
    }
    for (uint32_t i = 0; i < 5; ++i) {
      Image image(c.width, c.height);
      for (size_t p = 0; p < image.size_bytes() / 4; ++p) {
        for (int k = 0; k < 3; ++k) {
          image.data()[4 * p + k] = bytes[i * stride + c.channels * p + (c.channels == 1 ? 0 : k)];
        }
      }
      const SampleKey key{.seed = 7, .stream = 3, .epoch = 5, .sample = 1000 + i};
      ASSERT_EQ(augmenter.augment(image, key), plain::augment(pipeline, image, key)) << c.space;
    }
  }
}

std::string target_name(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}
INSTANTIATE_TEST_SUITE_P(Simd, EveryTargetPipeline, testing::ValuesIn(runnable_targets()),
                         target_name);

TEST(AugmenterSimd, MixturesDrawAsTheSamplerDoes) {
  plain::Pipeline pipeline = pipeline_of(cases()[0], 1);
  const Policy other = pipeline_of(cases()[0], 2).policy;
  pipeline.policy.entries.insert(pipeline.policy.entries.end(), other.entries.begin(),
                                 other.entries.end());
  pipeline.rule.mixture = {0.25, 0.75};
  const Augmenter augmenter = augmenter_of(pipeline, 32, 32);
  const auto bytes = random_bytes(3072 * 30);
  const ByteBatch images{bytes.data(), 32, 32, 3, 3072};
  std::vector<uint32_t> indices(30);
  std::iota(indices.begin(), indices.end(), 0u);
  std::vector<float> fast(3072 * 30), slow(3072 * 30);
  augmenter.run(images, indices, {.seed = 2}, {fast.data(), 3072, 1, 96, 3});
  plain::run(pipeline, images, indices, {.seed = 2}, FloatBatch{slow.data(), 3072, 1, 96, 3});
  EXPECT_EQ(fast, slow);
}

struct Batch {
  explicit Batch(int count) : bytes(random_bytes(size_t{3072} * count)) {}
  ByteBatch view() const { return {bytes.data(), 32, 32, 3, 3072}; }
  std::vector<uint8_t> bytes;
};

const Case kMixed = {
    "pba", RuleKind::kPba,
    32,    32,
    3,     {.pad = 4, .flip = 0.5, .turn = 0.5, .erase = 0.3, .cutmix = 0.5, .mixup = 0.5}};
const Case kPhotos = {"pba", RuleKind::kPba, 32, 32, 3, {0, 0.5, 8, true, 0.2}};

void expect_results_independent_of_batches(const Case& c) {
  const plain::Pipeline pipeline = pipeline_of(c, 1);
  const Augmenter augmenter = augmenter_of(pipeline, 32, 32);
  constexpr int kCount = 200;
  const Batch batch(kCount);
  std::vector<uint32_t> order(kCount);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<float> together(kCount * 3072);
  std::vector<Mixed> mixed(kCount), again(kCount);
  augmenter.run(batch.view(), order, {.seed = 1}, {together.data(), 3072, 1, 96, 3}, 1,
                {order, mixed.data()});
  std::vector<uint32_t> shuffled;
  for (uint32_t i = 0; i < kCount; ++i) shuffled.push_back(i * 77 % kCount);
  for (const int threads : {1, 2, 5}) {
    std::vector<float> out(kCount * 3072);
    augmenter.run(batch.view(), shuffled, {.seed = 1}, {out.data(), 3072, 1, 96, 3}, threads,
                  {order, again.data()});
    for (size_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(again[i].partner, mixed[shuffled[i]].partner);
      ASSERT_EQ(again[i].share, mixed[shuffled[i]].share);
      ASSERT_EQ(std::memcmp(&out[i * 3072], &together[shuffled[i] * 3072], 4 * 3072), 0)
          << i << " with " << threads << " threads";
    }
  }
  std::vector<float> alone(3072);
  augmenter.run(batch.view(), std::vector<uint32_t>{41}, {.seed = 1},
                {alone.data(), 3072, 1, 96, 3}, 1, {order, again.data()});
  EXPECT_EQ(std::memcmp(alone.data(), &together[41 * 3072], 4 * 3072), 0);
  // Another epoch draws otherwise.
  augmenter.run(batch.view(), std::vector<uint32_t>{41}, {.seed = 1, .epoch = 1},
                {alone.data(), 3072, 1, 96, 3}, 1, {order, again.data()});
  EXPECT_NE(std::memcmp(alone.data(), &together[41 * 3072], 4 * 3072), 0);
}

TEST(AugmenterSimd, ResultsDoNotDependOnBatchOrderOrThreads) {
  expect_results_independent_of_batches(cases()[0]);
  expect_results_independent_of_batches(kPhotos);
  expect_results_independent_of_batches(kMixed);
}

void expect_no_allocation_once_warm(const Case& c) {
  const plain::Pipeline pipeline = pipeline_of(c, 1);
  const Augmenter augmenter = augmenter_of(pipeline, 32, 32);
  const Batch batch(500);
  std::vector<uint32_t> order(500);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<float> out(500 * 3072);
  const FloatBatch to{out.data(), 3072, 1, 96, 3};
  std::vector<Mixed> mixed(500);
  const Mixing mixing{order, mixed.data()};
  augmenter.run(batch.view(), {order.data(), c.base.mixes() ? size_t{100} : size_t{1}}, {.seed = 1},
                to, 1, mixing);
  const size_t before = allocations;
  EXPECT_GT(before, 0u);  // the counter counts
  augmenter.run(batch.view(), order, {.seed = 1}, to, 1, mixing);
  EXPECT_EQ(allocations - before, 0u);
}

TEST(AugmenterSimd, AllocatesNothingPerImageOnceWarm) {
  expect_no_allocation_once_warm(cases()[0]);
  expect_no_allocation_once_warm(kPhotos);
  expect_no_allocation_once_warm(kMixed);
}

TEST(AugmenterSimd, BytesAreThePixelsWithTheMeanColourInHoles) {
  const Case& c = cases()[0];
  const plain::Pipeline pipeline = pipeline_of(c, 1);
  const Augmenter augmenter = augmenter_of(pipeline, 32, 32);
  const Batch batch(20);
  std::vector<uint32_t> order(20);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<uint8_t> out(20 * 3072);
  augmenter.run(batch.view(), order, {.seed = 1}, ByteOutput{out.data(), 3072, 1024, 32, 1});
  size_t holes = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    Image image(32, 32);
    for (size_t p = 0; p < 1024; ++p)
      std::memcpy(image.data() + 4 * p, &batch.bytes[i * 3072 + 3 * p], 3);
    const Image want = plain::augment(pipeline, image, {.seed = 1, .sample = i});
    for (size_t p = 0; p < 1024; ++p) {
      const uint8_t* pixel = want.data() + 4 * p;
      const uint8_t mean[3] = {125, 123, 114};
      holes += pixel[3] == 0;
      for (int k = 0; k < 3; ++k) {
        ASSERT_EQ(out[i * 3072 + k * 1024 + p], pixel[3] == 0 ? mean[k] : pixel[k]);
      }
    }
  }
  EXPECT_GT(holes, 1000u);
}

}  // namespace
}  // namespace popaug
