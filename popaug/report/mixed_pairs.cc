#include "popaug/report/mixed_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace popaug {
namespace {

// With a small probability of mixing most images stay alone: so many are looked at.
constexpr size_t kMostLookedAt = 4096;

Augmenter augmenter_of(const ImageSet& split, const Schedule& schedule, int epoch,
                       const std::vector<uint32_t>& indices) {
  const ChannelStatistics statistics = channel_statistics(split, indices);
  Normalisation plain;  // bytes: only the mean matters, which holes become
  plain.mean.assign(statistics.mean.begin(), statistics.mean.end());
  plain.std.assign(static_cast<size_t>(split.channels), 1.0f);
  const size_t segment = schedule.segment_of(epoch);
  return {schedule.space_of(segment),
          schedule.rule,
          schedule.segments[segment].policy,
          schedule.base_of(segment),
          plain,
          split.width,
          split.height,
          split.channels};
}

}  // namespace

std::string mixed_labels(const MixedRow& row) {
  return fmt::format("{:.0f} % {}, {:.0f} % {}", 100 * row.share, row.label, 100 * (1 - row.share),
                     row.other_label);
}

std::vector<MixedRow> mixed_pairs(const ImageSet& split, const std::vector<std::string>& classes,
                                  const Schedule& schedule, int epoch, uint64_t seed,
                                  size_t wanted) {
  const BaseTransforms& base = schedule.base_of(schedule.segment_of(epoch));
  if (!base.mixes()) {
    throw UsageError(quote(schedule.name) + " mixes no images at epoch " + std::to_string(epoch));
  }
  std::vector<uint32_t> indices(split.count());
  std::iota(indices.begin(), indices.end(), 0u);
  check_partners(base, indices);
  const Augmenter augmenter = augmenter_of(split, schedule, epoch, indices);
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
  for (size_t i = 0; i < std::min(split.count(), kMostLookedAt) && rows.size() < wanted; ++i) {
    const uint32_t own[] = {static_cast<uint32_t>(i)};
    Mixed mixed;
    augmenter.run(images, own, {.seed = seed, .epoch = static_cast<uint32_t>(epoch)}, out, 1,
                  {indices, &mixed});
    if (mixed.partner == own[0]) continue;
    rows.push_back({classes.at(split.labels[i]), classes.at(split.labels[mixed.partner]),
                    static_cast<double>(mixed.share), encode_png(split_image(split, i)),
                    encode_png(split_image(split, mixed.partner)),
                    encode_png(split_image(result, 0))});
  }
  return rows;
}

}  // namespace popaug
