// Randomness is a value: every draw is a pure function of a key
// (docs/architecture.md#randomness-is-a-value).
#ifndef POPAUG_BASE_RANDOM_H_
#define POPAUG_BASE_RANDOM_H_

#include <array>
#include <cstdint>

namespace popaug {

// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// Returns the four words for one counter under one key. Test vectors:
// docs/pba.md#philox-test-vectors.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// What a draw is for: two purposes never share a stream. Values are part of the results that
// popaug promises to repeat: append only, never renumber.
enum class Purpose : uint8_t {
  kAugment = 0,        // ops of the policy: (stream: member, epoch, sample)
  kBaseTransform = 1,  // crop, flip, cutout: (stream: member, epoch, sample)
  kShuffle = 2,        // data order: (stream: member, epoch)
  kInit = 3,           // initial weights: (stream: member, sample: parameter index)
  kExploit = 4,        // donors, ties, drift targets: (epoch: round)
  kExplore = 5,        // mutations: (stream: member, epoch: round)
  kSplit = 6,          // data splits: (stream: split number)
  kNetwork = 7,        // shake, drop and dropout draws: (stream: member, epoch, sample: step)
  kSchedule = 8,       // shuffled schedules, random policies: (stream: segment)
  kToy = 9,            // toy trainers
  kTest = 10,          // tests and benchmarks
  kCompare = 11,       // arms, seeds, bootstrap: (stream: arm)
  kStart = 12,         // starting populations that are not zero: (stream: member)
  kOp = 13,            // draws inside an op, e.g. Cutout's centre: (stream: member, epoch, sample)
  kResizedCrop = 14,   // which part of a photograph: (stream: member, epoch, sample)
};

// The key of one stream of draws. Packing into Philox: the Philox key is `seed`; of the counter,
// word 0 counts blocks within the stream, word 1 holds the low 32 bits of `sample`, word 2 the low
// 8 bits of (sample >> 32) and `epoch` above them, word 3 holds `stream` and `purpose` above it.
struct RandomKey {
  uint64_t seed = 0;
  Purpose purpose = Purpose::kTest;
  uint64_t stream = 0;  // 0 .. 2^24-1: member, split, arm
  uint64_t epoch = 0;   // 0 .. 2^24-1: epoch or round
  uint64_t sample = 0;  // 0 .. 2^40-1: image, parameter or step
};

// A stream of draws under a key. Cheap to make (no work until the first draw); a value: a copy
// continues on its own. Not for use from two threads at once.
class Random {
 public:
  // Throws Error if a field of the key does not fit: nothing is ever wrapped.
  explicit Random(const RandomKey& key);

  uint32_t next32();
  uint64_t next64();
  // Uniform in [0, 1), 53 bits, from one next64().
  double uniform();
  // Uniform integer in [0, n), n >= 1, without bias (Lemire 2019, arXiv 1805.10941).
  uint32_t below(uint32_t n);
  // True with probability p (0: never, 1: always); takes one next64() whatever p is.
  bool chance(double p);
  // Standard normal by Box-Muller; takes two next64(), gives one value.
  double normal();

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace popaug

#endif  // POPAUG_BASE_RANDOM_H_
