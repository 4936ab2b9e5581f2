#include "popaug/loader/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <set>
#include <thread>
#include <type_traits>

#include "popaug/image/image.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kLong{600000};

// --- shards ---------------------------------------------------------------------------------

TEST(Shard, EveryImageOnceAndAllProcessesAlike) {
  for (const uint32_t count : {1u, 2u, 7u, 64u, 100u}) {
    for (const uint32_t world : {1u, 2u, 3u, 8u}) {
      for (const bool drop_last : {false, true}) {
        std::multiset<uint32_t> seen;
        std::set<uint64_t> sizes, batches;
        for (uint32_t rank = 0; rank < world; ++rank) {
          const Shard shard{rank, world, 4, true, drop_last};
          const std::vector<uint32_t> order = shard_order(count, shard, 5, 0, 2);
          EXPECT_EQ(order.size(), shard_images(count, shard));
          seen.insert(order.begin(), order.end());
          sizes.insert(order.size());
          batches.insert(shard_batches(count, shard));
        }
        EXPECT_EQ(sizes.size(), 1u);
        EXPECT_EQ(batches.size(), 1u);
        const uint32_t share = drop_last ? count / world / 4 * 4 : (count + world - 1) / world;
        EXPECT_EQ(*sizes.begin(), share);
        const std::set<uint32_t> different(seen.begin(), seen.end());
        EXPECT_EQ(different.size(), std::min<size_t>(count, seen.size()));
        // No image comes again before all have come.
        for (const uint32_t image : different) {
          EXPECT_LE(seen.count(image), (seen.size() + count - 1) / count);
        }
      }
    }
  }
}

TEST(Shard, OrderIsOfSeedStreamAndEpoch) {
  const Shard shard{0, 1, 8};
  const auto order = shard_order(100, shard, 1, 0, 0);
  EXPECT_EQ(order, shard_order(100, shard, 1, 0, 0));
  EXPECT_NE(order, shard_order(100, shard, 2, 0, 0));
  EXPECT_NE(order, shard_order(100, shard, 1, 1, 0));
  EXPECT_NE(order, shard_order(100, shard, 1, 0, 1));
  const auto plain = shard_order(5, {.rank = 1, .world = 2, .shuffle = false}, 1, 0, 0);
  EXPECT_THAT(plain, ::testing::ElementsAre(1, 3, 0));
}

// --- memory ---------------------------------------------------------------------------------

TEST(MemoryPool, GivesABlockAgainOnlyWhenNobodyHoldsIt) {
  std::shared_ptr<std::byte> outlives;
  {
    MemoryPool pool(1000, 2);
    std::shared_ptr<std::byte> one = pool.take();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(one.get()) % 64, 0u);
    const std::shared_ptr<std::byte> copy = one;
    const std::byte* const address = one.get();
    one.reset();
    EXPECT_NE(pool.take().get(), address);
    std::set<std::byte*> held = {copy.get()};
    std::vector<std::shared_ptr<std::byte>> many;
    for (int i = 0; i < 5; ++i) many.push_back(pool.take());
    for (const auto& block : many) EXPECT_TRUE(held.insert(block.get()).second);
    many.clear();
    EXPECT_EQ(held.count(pool.take().get()), 1u);
    outlives = pool.take();
  }
  std::fill_n(outlives.get(), 1000, std::byte{7});
}

TEST(MemoryPool, TakesLargeBlocks) {
  MemoryPool pool((size_t{5} << 20) + 3, 1);
  const auto block = pool.take();
  std::fill_n(block.get(), (size_t{5} << 20) + 3, std::byte{1});
}

// --- threads --------------------------------------------------------------------------------

TEST(Prefetcher, MakesEveryImageOnceAndGivesBatchesInOrder) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::vector<std::atomic<int>>> made(20);
    for (size_t b = 0; b < made.size(); ++b) made[b] = std::vector<std::atomic<int>>(b);
    Prefetcher prefetcher(threads, 4, [&](size_t batch, size_t first, size_t last) {
      EXPECT_LE(last - first, 4u);
      for (size_t i = first; i < last; ++i) ++made[batch][i];
    });
    for (size_t b = 1; b < made.size(); ++b) prefetcher.submit(b, b);
    for (size_t b = 1; b < made.size(); ++b) {
      ASSERT_TRUE(prefetcher.take(kLong));
      for (const auto& times : made[b]) EXPECT_EQ(times, 1);
    }
  }
}

TEST(Prefetcher, SaysWhenTheTimeIsOver) {
  std::atomic<bool> go = false;
  Prefetcher prefetcher(1, 1, [&](size_t, size_t, size_t) { go.wait(false); });
  prefetcher.submit(0, 1);
  EXPECT_FALSE(prefetcher.take(milliseconds(1)));
  go = true;
  go.notify_all();
  EXPECT_TRUE(prefetcher.take(kLong));
}

TEST(Prefetcher, ThrowsTheFirstErrorOfABatchAfterTheBatchesBefore) {
  for (int round = 0; round < 50; ++round) {
    Prefetcher prefetcher(3, 2, [&](size_t batch, size_t first, size_t last) {
      for (size_t i = first; i < last; ++i) {
        if (batch == 1 && i >= 5) throw Error("image " + std::to_string(i));
      }
    });
    for (size_t b = 0; b < 3; ++b) prefetcher.submit(b, 40);
    EXPECT_TRUE(prefetcher.take(kLong));
    EXPECT_EQ(message_of([&] { prefetcher.take(kLong); }), "image 5");
  }
}

TEST(Prefetcher, EndsWithWorkLeft) {
  std::atomic<int> made = 0;
  {
    Prefetcher prefetcher(2, 1, [&](size_t, size_t, size_t) { ++made; });
    for (size_t b = 0; b < 1000; ++b) prefetcher.submit(b, 1000);
    EXPECT_TRUE(prefetcher.take(kLong));
    prefetcher.stop();
    const int then = made;
    std::this_thread::yield();
    EXPECT_EQ(made, then);
  }
  Prefetcher(4, 1, [](size_t, size_t, size_t) {});  // nothing was asked for
}

// --- batches --------------------------------------------------------------------------------

std::vector<uint8_t> noise(size_t bytes) {
  std::vector<uint8_t> values(bytes);
  Random random({.seed = 4});
  for (uint8_t& value : values) value = static_cast<uint8_t>(random.next32());
  return values;
}

Schedule schedule_of(const std::string& name) { return baseline_schedule(name); }

BatchForm form_of(BatchType type, bool channels_last, int channels) {
  const auto count = static_cast<size_t>(channels);
  const float deviation = type == BatchType::kBytes ? 1.0f : 0.25f;
  return {type, channels_last, {std::vector<float>(count, 0.4f), std::vector(count, deviation)}};
}

template <typename Output>
void expect_bytes_of_the_engine(BatchType type, const std::string& name, int channels,
                                bool channels_last) {
  using Number = std::remove_pointer_t<decltype(Output::data)>;
  constexpr int kSide = 16, kCount = 50;
  const std::vector<uint8_t> pixels = noise(size_t{kCount} * kSide * kSide * channels);
  ImageSource source;
  source.count = kCount;
  source.width = source.height = kSide;
  source.channels = channels;
  source.pixels = pixels.data();
  source.stride = source.image_bytes();
  const Schedule schedule = schedule_of(name);
  const BatchForm form = form_of(type, channels_last, channels);
  const BatchMaker maker(schedule, source, form);
  const std::vector<uint32_t> indices = {7, 3, 49, 0, 11, 3};
  const SampleKey key{9, 2, 1, 0};
  std::vector<Number> found(indices.size() * source.image_bytes(), Number{1});
  std::vector<Mixed> mixed(indices.size());
  // In two parts, as threads do.
  auto* const out = reinterpret_cast<std::byte*>(found.data());
  const std::span<const uint32_t> all(indices);
  maker.make(all.subspan(0, 2), key, 0, out, mixed.data());
  maker.make(all.subspan(2), key, 2, out, mixed.data() + 2);

  std::vector<Number> want(found.size(), Number{2});
  std::vector<Mixed> partners(indices.size());
  std::vector<uint32_t> epoch(kCount);
  std::iota(epoch.begin(), epoch.end(), 0u);
  const auto augmenter = make_augmenter(schedule, 0, form.normalisation, kSide, kSide, channels);
  const ptrdiff_t area = ptrdiff_t{kSide} * kSide, size = area * channels;
  const Output to = channels_last ? Output{want.data(), size, 1, kSide * channels, channels}
                                  : Output{want.data(), size, area, kSide, 1};
  augmenter->run({pixels.data(), kSide, kSide, channels, source.stride}, indices, key, to, 1,
                 {epoch, partners.data()});
  EXPECT_EQ(found, want) << name;
  for (size_t i = 0; schedule.mixes() && i < indices.size(); ++i) {
    EXPECT_EQ(mixed[i].share, partners[i].share);
    EXPECT_EQ(mixed[i].partner, mixed[i].share < 1 ? partners[i].partner : indices[i]);
  }
}

TEST(BatchMaker, GivesTheBytesOfTheEngine) {
  for (const char* name : {"trivial", "flipcrop+cutmix"}) {
    for (const int channels : {1, 3}) {
      for (const bool last : {false, true}) {
        expect_bytes_of_the_engine<FloatBatch>(BatchType::kFloat32, name, channels, last);
        expect_bytes_of_the_engine<BFloat16Batch>(BatchType::kBFloat16, name, channels, last);
        expect_bytes_of_the_engine<ByteOutput>(BatchType::kBytes, name, channels, last);
      }
    }
  }
}

class FilesOfLoader : public ::testing::Test {
 protected:
  // Photographs of several sizes; one is a PNG.
  ImageSource source(int count) {
    ImageSource made;
    made.width = 24;
    made.height = 20;
    for (int i = 0; i < count; ++i) {
      Image image(40 + 7 * i, 60 + 3 * i);
      const std::vector<uint8_t> pixels = noise(image.size_bytes());
      for (size_t p = 0; p < pixels.size(); ++p) {
        if (p % 4 < 3) image.data()[p] = static_cast<uint8_t>(pixels[p] / 4 + 20 * i);
      }
      const bool png = i == 1;
      made.files.push_back(folder_.path() / (std::to_string(i) + (png ? ".png" : ".jpg")));
      write_file_atomic(made.files.back(), png ? encode_png(image) : encode_jpeg(image));
    }
    made.count = static_cast<uint32_t>(count);
    return made;
  }
  TemporaryFolder folder_;
};

std::vector<uint8_t> bytes_of(const BatchMaker& maker, const std::vector<uint32_t>& indices,
                              const SampleKey& key, std::vector<Mixed>* mixed = nullptr) {
  std::vector<uint8_t> out(indices.size() * maker.image_bytes());
  std::vector<Mixed> ignored(indices.size());
  if (mixed != nullptr) mixed->resize(indices.size());
  maker.make(indices, key, 0, reinterpret_cast<std::byte*>(out.data()),
             mixed != nullptr ? mixed->data() : ignored.data());
  return out;
}

TEST_F(FilesOfLoader, AreTheSameAsTheirPixelsInMemory) {
  const ImageSource files = source(6);
  for (const char* name : {"trivial", "flipcrop+cutmix"}) {
    std::vector<uint8_t> pixels(6 * files.image_bytes());
    for (size_t i = 0; i < 6; ++i) {
      const Image image = resize(load_image(files.files[i]), 24, 20);
      for (size_t p = 0; p < image.size_bytes() / 4; ++p) {
        std::copy_n(image.data() + 4 * p, 3, pixels.data() + i * files.image_bytes() + 3 * p);
      }
    }
    ImageSource memory = files;
    memory.files.clear();
    memory.pixels = pixels.data();
    memory.stride = memory.image_bytes();
    const std::vector<uint32_t> indices = {5, 0, 1, 2, 3, 4};
    for (const auto& [epoch, type] :
         {std::pair(0u, BatchType::kBytes), {1u, BatchType::kBytes}, {2u, BatchType::kBFloat16}}) {
      const BatchMaker of_files(schedule_of(name), files, form_of(type, true, 3));
      const BatchMaker of_memory(schedule_of(name), memory, form_of(type, true, 3));
      std::vector<Mixed> mixed, want;
      EXPECT_EQ(bytes_of(of_files, indices, {3, 1, epoch, 0}, &mixed),
                bytes_of(of_memory, indices, {3, 1, epoch, 0}, &want));
      for (size_t i = 0; i < indices.size(); ++i) {
        EXPECT_EQ(mixed[i].partner, want[i].partner);
        EXPECT_EQ(mixed[i].share, want[i].share);
      }
    }
  }
}

TEST_F(FilesOfLoader, AreCroppedFromAllOfTheirPixels) {
  const ImageSource files = source(4);
  Schedule schedule = schedule_of("none");
  schedule.base = {};
  schedule.base.resized_crop = 0.2;
  const BatchMaker maker(schedule, files, form_of(BatchType::kBytes, true, 3));
  for (uint32_t i = 0; i < 4; ++i) {
    const SampleKey key{8, 0, 5, i};
    const Image want =
        random_resized_crop(load_image(files.files[i]), 24, 20, {.least_area = 0.2}, key);
    const std::vector<uint8_t> found = bytes_of(maker, {i}, {8, 0, 5, 0});
    for (size_t p = 0; p < found.size(); ++p) {
      ASSERT_EQ(found[p], want.data()[p / 3 * 4 + p % 3]) << i;
    }
  }
}

TEST_F(FilesOfLoader, NameAFileThatCannotBeRead) {
  ImageSource files = source(3);
  write_file_atomic(files.files[2], "not an image");
  const BatchMaker maker(schedule_of("none"), files, form_of(BatchType::kBytes, true, 3));
  bytes_of(maker, {0, 1}, {});
  EXPECT_THAT(message_of([&] { bytes_of(maker, {0, 2}, {}); }), HasSubstr("2.jpg"));
}

TEST(BatchMaker, RefusesBaseTransformsThatDoNotFit) {
  ImageSource source;
  source.count = 2;
  source.width = 20;
  source.height = 10;
  Schedule schedule = schedule_of("none");
  schedule.base.turn = 0.5;
  const std::vector<uint8_t> pixels = noise(2 * source.image_bytes());
  source.pixels = pixels.data();
  source.stride = source.image_bytes();
  EXPECT_THROW(BatchMaker(schedule, source, form_of(BatchType::kFloat32, false, 3)), UsageError);
}

}  // namespace
}  // namespace popaug
