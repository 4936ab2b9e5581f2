#include "popaug/report/mixed_pairs.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "popaug/compare/compare.h"

namespace popaug {
namespace {

// With a small probability of mixing most images stay alone: so many are looked at.
constexpr size_t kMostLookedAt = 4096;
// An image of which the partner has less cannot be seen to be mixed.
constexpr float kMostOf = 0.95f;

}  // namespace

std::string mixed_labels(const MixedRow& row) {
  return fmt::format("{:.0f} % {}, {:.0f} % {}", 100 * row.share, row.label, 100 * (1 - row.share),
                     row.other_label);
}

std::vector<MixedRow> mixed_pairs(const ImageSet& split, const std::vector<std::string>& classes,
                                  const Schedule& schedule, int epoch, uint64_t seed,
                                  size_t wanted) {
  const size_t segment = schedule.segment_of(epoch);
  const BaseTransforms& base = schedule.base_of(segment);
  if (!base.mixes()) {
    throw UsageError(quote(schedule.name) + " mixes no images at epoch " + std::to_string(epoch));
  }
  std::vector<uint32_t> indices(split.count());
  std::iota(indices.begin(), indices.end(), 0u);
  check_partners(base, indices);
  const auto augmenter = make_augmenter(schedule, segment, mean_for_holes(split, indices),
                                        split.width, split.height, split.channels);
  const ByteBatch images{split.pixels.data(), split.width, split.height, split.channels,
                         split.image_bytes()};
  const ptrdiff_t channels = split.channels, line = channels * split.width;
  std::vector<uint8_t> pixels(split.image_bytes());
  const ByteOutput out{pixels.data(), static_cast<ptrdiff_t>(pixels.size()), 1, line, channels};
  ImageSet result;  // of the one image
  result.width = split.width;
  result.height = split.height;
  result.channels = split.channels;
  result.labels = {0};
  result.pixels = pixels;
  std::vector<MixedRow> rows;
  for (const uint32_t i : classes_in_turn(split, classes.size(), kMostLookedAt)) {
    if (rows.size() == wanted) break;
    const uint32_t own[] = {i};
    Mixed mixed;
    augmenter->run(images, own, {.seed = seed, .epoch = static_cast<uint32_t>(epoch)}, out, 1,
                   {indices, &mixed});
    if (mixed.partner == own[0] || !(std::abs(mixed.share - 0.5) <= kMostOf - 0.5)) continue;
    rows.push_back({classes.at(split.labels[i]), classes.at(split.labels[mixed.partner]),
                    static_cast<double>(mixed.share), encode_png(split_image(split, i)),
                    encode_png(split_image(split, mixed.partner)),
                    encode_png(split_image(result, 0))});
  }
  return rows;
}

}  // namespace popaug
