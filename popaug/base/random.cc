#include "popaug/base/random.h"

#include <cmath>
#include <numbers>
#include <string>

#include "popaug/base/error.h"

namespace popaug {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;  // golden ratio
constexpr uint32_t kWeyl1 = 0xBB67AE85;  // sqrt(3) - 1

void check_fits(uint64_t value, int bits, const char* field) {
  if (value >> bits != 0) {
    throw Error("random key: " + std::string(field) + " is " + std::to_string(value) +
                ", but only " + std::to_string(bits) + " bits are kept for it");
  }
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{kMultiplier0} * c[0];
    const uint64_t p1 = uint64_t{kMultiplier1} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
  return c;
}

Random::Random(const RandomKey& key) {
  check_fits(key.stream, 24, "stream");
  check_fits(key.epoch, 24, "epoch");
  check_fits(key.sample, 40, "sample");
  key_ = {static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)};
  counter_ = {0, static_cast<uint32_t>(key.sample),
              static_cast<uint32_t>(key.sample >> 32) | static_cast<uint32_t>(key.epoch << 8),
              static_cast<uint32_t>(key.stream) | static_cast<uint32_t>(key.purpose) << 24};
}

uint32_t Random::next32() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    POPAUG_ASSERT(counter_[0] != 0);
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Random::next64() {
  const uint64_t low = next32();
  return low | uint64_t{next32()} << 32;
}

double Random::uniform() { return static_cast<double>(next64() >> 11) * 0x1.0p-53; }

uint32_t Random::below(uint32_t n) {
  POPAUG_ASSERT(n >= 1);
  uint64_t product = uint64_t{next32()} * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = -n % n;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{next32()} * n;
  }
  return static_cast<uint32_t>(product >> 32);
}

bool Random::chance(double p) { return uniform() < p; }

double Random::normal() {
  const double u = 1.0 - uniform();  // in (0, 1]: the logarithm is finite
  const double v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace popaug
