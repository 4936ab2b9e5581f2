#include "popaug/train/internal/prefetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "popaug/train/internal/loop_torch.h"
#include "popaug/train/train.h"

namespace popaug {
namespace {

TEST(Prefetch, GivesEveryStepInOrderAndNeverTouchesTheSlotInUse) {
  std::vector<int> slots(Prefetch::kSlots, -1);
  std::atomic<int> in_use{-1}, clashes{0};
  Prefetch prefetch(3, 500, [&](int step, int slot) {
    clashes += slot == in_use;
    slots[slot] = step;
  });
  for (int step = 3; step < 500; ++step) {
    const int slot = prefetch.next();
    in_use = slot;
    EXPECT_EQ(slots[slot], step);
    in_use = -1;
  }
  EXPECT_EQ(clashes, 0);
}

// The next batch is made while the caller still works on this one: that is the overlap.
TEST(Prefetch, MakesTheNextWhileTheCallerWorks) {
  std::atomic<int> made{0};
  Prefetch prefetch(0, 2, [&](int, int) {
    ++made;
    made.notify_all();
  });
  prefetch.next();
  while (made < 2) made.wait(1);  // would never end if step 1 waited for the next call
  EXPECT_EQ(made, 2);
}

TEST(Prefetch, ThrowsWhatMakingThrewAfterTheStepsBefore) {
  Prefetch prefetch(0, 5, [](int step, int) {
    if (step == 1) throw Error("step 1 cannot be made");
  });
  prefetch.next();
  EXPECT_THROW(prefetch.next(), Error);
}

TEST(Prefetch, MayBeLeftInTheMiddle) {
  Prefetch unused(0, 100, [](int, int) {});
  Prefetch used(0, 100, [](int, int) {});
  used.next();
}

TEST(DeviceTurn, ServesInTheOrderOfAsking) {
  DeviceTurn turn;
  std::string order;
  turn.lock();
  EXPECT_EQ(turn.waiting(), 0);
  std::vector<std::thread> threads;
  for (const char name : {'a', 'b', 'c'}) {
    threads.emplace_back([&turn, &order, name] {
      const std::lock_guard lock(turn);
      order += name;
    });
    while (turn.waiting() < static_cast<int>(threads.size())) std::this_thread::yield();
  }
  turn.unlock();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(turn.waiting(), 0);
}

TEST(Devices, AListNamesEachOne) {
  EXPECT_EQ(find_devices("cpu").size(), 1u);
  EXPECT_EQ(find_devices("cpu,cpu").size(), 2u);
  EXPECT_THROW(find_devices("cpu,gpu"), UsageError);
  EXPECT_THROW(find_devices(""), UsageError);
  EXPECT_THROW(find_devices("cpu,,cpu"), UsageError);
  EXPECT_THROW(find_devices("cuda:"), UsageError);
  EXPECT_THROW(find_devices("cuda:1x"), UsageError);
  EXPECT_THROW(find_devices("cuda:99"), Error);  // no machine has so many
}

TEST(Devices, OneWorkerForEachGpuOrCore) {
  const at::Device cpu("cpu"), first("cuda:0"), second("cuda:1");
  EXPECT_EQ(default_workers({cpu}, 6), 6);
  EXPECT_EQ(default_workers({first}, 6), 1);
  EXPECT_EQ(default_workers({first, second}, 6), 2);
  EXPECT_EQ(default_workers("cpu"), available_cores());
  EXPECT_THROW(default_workers("cuda:99"), Error);
}

// What a GPU does with a batch, without the GPU: made ahead and in turns, the bytes are the same.
TEST(TrainEpoch, AheadAndInTurnsGiveTheSameBytes) {
  ImageSet split;
  split.width = split.height = 16;
  split.channels = 3;
  auto pixels = std::make_shared<std::vector<uint8_t>>(size_t{64} * 16 * 16 * 3);
  Random random({1, Purpose::kTest});
  for (uint8_t& pixel : *pixels) pixel = static_cast<uint8_t>(random.below(256));
  for (int i = 0; i < 64; ++i) split.labels.push_back(random.below(4));
  split.pixels = *pixels;
  split.storage = pixels;
  std::vector<uint32_t> indices(64);
  for (uint32_t i = 0; i < 64; ++i) indices[i] = i;
  TrainSettings settings;
  settings.network = "wrn-10-1";
  settings.batch = 16;
  const Space space = space_by_name("pba");
  Policy policy = zero_policy(space);
  policy.entries[0] = {0, 0.5, 5};
  const Normalisation normalisation = normalisation_of({&split, indices});
  const Augmenter augmenter(space, Rule(), policy, {.pad = 2, .flip = 0.5, .cutmix = 0.4},
                            normalisation, 16, 16, 3);
  const CheckpointInfo info =
      new_checkpoint_info(settings, {"a", "b", "c", "d"}, split, normalisation);
  const auto trained = [&](bool ahead) {
    use_one_thread();
    const auto network = new_network(settings, info, at::kCPU);
    start_network(*network, settings, 3, 1);
    EpochWork work{&settings, &split, &indices, &augmenter, 3, 1, 2};
    work.ahead = ahead;
    work.mixes = true;
    BatchBuffers buffers;
    for (int epoch = 0; epoch < 2; ++epoch) {
      EpochPlace place;
      train_epoch(
          *network, buffers, place, work, [](double) {}, StopToken());
    }
    return network->save(true);
  };
  const std::string plain = trained(false);
  DeviceTurn turn;
  EXPECT_TRUE(trained(true) == plain);
  std::vector<std::string> shared(2);
  std::vector<std::thread> members;
  for (std::string& bytes : shared) {
    members.emplace_back([&] {
      const std::lock_guard lock(turn);
      bytes = trained(true);
    });
  }
  for (std::thread& member : members) member.join();
  EXPECT_TRUE(shared[0] == plain);
  EXPECT_TRUE(shared[1] == plain);
}

}  // namespace
}  // namespace popaug
