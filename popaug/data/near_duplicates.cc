#include "popaug/data/near_duplicates.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <numeric>
#include <set>

namespace popaug {
namespace {

constexpr int kSide = 32;  // of the picture that is transformed
constexpr int kWaves = 8;  // frequencies each way
constexpr int kBands = 4;
constexpr int kBandBits = 16;
constexpr size_t kGrain = 64;

// cos(pi * (2x + 1) * u / 64) as integers, so that a hash is the same on every machine.
struct Cosines {
  std::array<std::array<int32_t, kSide>, kWaves> at;
  Cosines() {
    constexpr double kOne = 1 << 12;
    for (int u = 0; u < kWaves; ++u) {
      for (int x = 0; x < kSide; ++x) {
        const double angle = std::numbers::pi * (2 * x + 1) * u / (2 * kSide);
        at[u][x] = static_cast<int32_t>(std::lround(kOne * std::cos(angle)));
      }
    }
  }
};

using Grey = std::array<uint8_t, kSide * kSide>;

uint64_t hash_of(const Grey& grey) {
  static const Cosines cosines;
  std::array<std::array<int32_t, kWaves>, kSide> rows;  // [y][u]
  for (int y = 0; y < kSide; ++y) {
    for (int u = 0; u < kWaves; ++u) {
      int32_t sum = 0;
      for (int x = 0; x < kSide; ++x) sum += cosines.at[u][x] * grey[y * kSide + x];
      rows[y][u] = sum;
    }
  }
  std::array<int64_t, kWaves * kWaves - 1> waves;  // without the mean
  for (int i = 1; i < kWaves * kWaves; ++i) {
    int64_t sum = 0;
    for (int y = 0; y < kSide; ++y) {
      sum += int64_t{cosines.at[i / kWaves][y]} * rows[y][i % kWaves];
    }
    waves[i - 1] = sum;
  }
  auto sorted = waves;
  const auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  uint64_t hash = 0;
  for (size_t i = 0; i < waves.size(); ++i) hash |= uint64_t{waves[i] > *middle} << i;
  return hash;
}

// n^2 times the covariance of two pictures of n pixels.
int64_t covariance(const ImageSketch& a, const ImageSketch& b) {
  uint32_t sum_a = 0, sum_b = 0, products = 0;
  for (size_t i = 0; i < a.picture.size(); ++i) {
    sum_a += a.picture[i];
    sum_b += b.picture[i];
    products += uint32_t{a.picture[i]} * b.picture[i];
  }
  const auto n = static_cast<int64_t>(a.picture.size());
  return n * products - int64_t{sum_a} * sum_b;
}

uint32_t band_of(uint64_t hash, int band) {
  return static_cast<uint32_t>(hash >> band * kBandBits) & 0xFFFF;
}

// Which images have a value in a band, in rising order.
class BandTable {
 public:
  BandTable(std::span<const ImageSketch> sketches, int band) : begin_((1 << kBandBits) + 1) {
    for (const ImageSketch& sketch : sketches) {
      if (!sketch.flat) ++begin_[band_of(sketch.hash, band) + 1];
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    images_.resize(begin_.back());
    std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
    for (uint32_t i = 0; i < sketches.size(); ++i) {
      if (!sketches[i].flat) images_[next[band_of(sketches[i].hash, band)]++] = i;
    }
  }
  // Those before `image`.
  std::span<const uint32_t> before(uint32_t value, uint32_t image) const {
    const auto begin = images_.begin() + begin_[value], end = images_.begin() + begin_[value + 1];
    return {begin, std::lower_bound(begin, end, image)};
  }

 private:
  std::vector<uint32_t> begin_, images_;
};

// Sets that are joined by several threads: each is named by its lowest member, whatever the order.
class Clusters {
 public:
  explicit Clusters(size_t count) : parent_(count) {
    for (uint32_t i = 0; i < count; ++i) parent_[i] = i;
  }
  uint32_t find(uint32_t i) const {
    for (uint32_t up = parent_[i]; up != i; up = parent_[i]) i = up;
    return i;
  }
  void join(uint32_t a, uint32_t b) {
    for (;;) {
      a = find(a);
      b = find(b);
      if (a == b) return;
      if (a < b) std::swap(a, b);
      uint32_t root = a;
      if (parent_[a].compare_exchange_strong(root, b)) return;
    }
  }

 private:
  std::vector<std::atomic<uint32_t>> parent_;
};

class Search {
 public:
  Search(std::span<const ImageSketch> sketches, std::span<const uint32_t> part)
      : sketches_(sketches), part_(part), clusters_(sketches.size()) {
    for (int band = 0; band < kBands; ++band) tables_.emplace_back(sketches, band);
  }

  NearDuplicates run(int threads) {
    parallel_for(
        sketches_.size(), threads > 0 ? threads : available_cores(),
        [&](size_t i) { compare(static_cast<uint32_t>(i)); }, kGrain);
    std::sort(found_.between.begin(), found_.between.end(), [](const auto& a, const auto& b) {
      return std::tuple(-a.likeness, a.second) < std::tuple(-b.likeness, b.second);
    });
    for (uint32_t i = 0; i < sketches_.size(); ++i) found_.cluster.push_back(clusters_.find(i));
    return std::move(found_);
  }

 private:
  // The image with those before it.
  void compare(uint32_t image) {
    const ImageSketch& sketch = sketches_[image];
    if (sketch.flat) return;
    NearDuplicates::Pair best;
    bool all = true;
    for (int band = 0; band < kBands; ++band) {
      const uint32_t value = band_of(sketch.hash, band);
      for (int bit = -1; bit < kBandBits; ++bit) {
        const uint32_t wanted = bit < 0 ? value : value ^ 1u << bit;
        std::span<const uint32_t> others = tables_[band].before(wanted, image);
        all = all && others.size() <= kMostInBand;
        others = others.last(std::min(others.size(), kMostInBand));
        for (const uint32_t other : others) look_at(image, other, band, best);
      }
    }
    if (all && best.likeness == 0) return;
    const std::lock_guard lock(mutex_);
    found_.unfinished += !all;
    if (best.likeness > 0) found_.between.push_back(best);
  }

  void look_at(uint32_t image, uint32_t other, int band, NearDuplicates::Pair& best) {
    const uint64_t difference = sketches_[image].hash ^ sketches_[other].hash;
    if (std::popcount(difference) > kNearBits) return;
    for (int before = 0; before < band; ++before) {
      if (std::popcount(band_of(difference, before)) <= 1) return;  // found in that band already
    }
    const bool between = part_[image] != part_[other];
    if (!between && clusters_.find(image) == clusters_.find(other)) return;
    const double alike = likeness(sketches_[image], sketches_[other]);
    if (alike < kNearLikeness) return;
    clusters_.join(image, other);
    const bool better = alike > best.likeness || (alike == best.likeness && other < best.first);
    if (between && better) best = {other, image, alike};
  }

  static constexpr size_t kMostInBand = 4096;  // bounds the work on sets of one picture

  std::span<const ImageSketch> sketches_;
  std::span<const uint32_t> part_;
  std::vector<BandTable> tables_;
  Clusters clusters_;
  std::mutex mutex_;
  NearDuplicates found_;
};

}  // namespace

ImageSketch sketch_of(const Image& image) {
  constexpr int kLeastContrast = 2;  // standard deviation, in levels
  const Image small = resize(image, kSide, kSide);
  Grey grey;
  for (int i = 0; i < kSide * kSide; ++i) grey[i] = grey_value(small.data() + 4 * i);
  ImageSketch sketch;
  for (int y = 0; y < ImageSketch::kSide; ++y) {
    for (int x = 0; x < ImageSketch::kSide; ++x) {
      const uint8_t* p = &grey[2 * y * kSide + 2 * x];
      const int sum = p[0] + p[1] + p[kSide] + p[kSide + 1];
      sketch.picture[y * ImageSketch::kSide + x] = static_cast<uint8_t>((sum + 2) / 4);
    }
  }
  const auto n = static_cast<int64_t>(sketch.picture.size());
  sketch.flat = covariance(sketch, sketch) < n * n * kLeastContrast * kLeastContrast;
  sketch.hash = hash_of(grey);
  return sketch;
}

double likeness(const ImageSketch& a, const ImageSketch& b) {
  if (a.flat || b.flat) return 0;
  const double spread = std::sqrt(static_cast<double>(covariance(a, a))) *
                        std::sqrt(static_cast<double>(covariance(b, b)));
  return static_cast<double>(covariance(a, b)) / spread;
}

NearDuplicates find_near_duplicates(std::span<const ImageSketch> sketches,
                                    std::span<const uint32_t> part, int threads) {
  POPAUG_ASSERT(sketches.size() == part.size() && std::is_sorted(part.begin(), part.end()));
  return Search(sketches, part).run(threads);
}

std::vector<ImageSketch> sketches_of(const ImageSet& split, int threads) {
  std::vector<ImageSketch> sketches(split.count());
  parallel_for(
      split.count(), threads > 0 ? threads : available_cores(),
      [&](size_t i) { sketches[i] = sketch_of(split_image(split, i)); }, kGrain);
  return sketches;
}

ImageSet group_duplicates(const ImageSet& split, size_t* clusters, int threads) {
  const std::vector<ImageSketch> sketches = sketches_of(split, threads);
  const std::vector<uint32_t> part(split.count());
  const std::vector<uint32_t> cluster = find_near_duplicates(sketches, part, threads).cluster;
  // A group of the set joins the clusters of its images.
  Clusters joined(split.count());
  std::map<std::string, uint32_t> first_of;
  std::set<uint32_t> several;
  for (uint32_t i = 0; i < split.count(); ++i) {
    joined.join(i, cluster[i]);
    if (cluster[i] != i) several.insert(cluster[i]);
    if (!split.groups.empty()) joined.join(i, first_of.emplace(split.groups[i], i).first->second);
  }
  if (clusters != nullptr) *clusters = several.size();
  ImageSet out = split;
  out.groups.resize(split.count());
  for (uint32_t i = 0; i < split.count(); ++i) {
    const uint32_t root = joined.find(i);
    out.groups[i] = std::to_string(root);
  }
  return out;
}

}  // namespace popaug
