#include "popaug/loader/batch_maker.h"

#include <algorithm>
#include <numeric>

namespace popaug {
namespace {

// Where element (n, c, y, x) of a batch lies.
template <typename Output, typename Number>
Output output_of(Number* data, const ImageSource& source, bool channels_last) {
  const ptrdiff_t width = source.width, height = source.height, channels = source.channels;
  const ptrdiff_t size = width * height * channels;
  if (channels_last) return {data, size, 1, width * channels, channels};
  return {data, size, width * height, width, 1};
}

size_t bytes_of(BatchType type) {
  switch (type) {
    case BatchType::kFloat32:
      return sizeof(float);
    case BatchType::kBFloat16:
      return sizeof(uint16_t);
    default:
      return sizeof(uint8_t);
  }
}

SampleKey of_sample(SampleKey key, uint64_t sample) {
  key.sample = sample;
  return key;
}

}  // namespace

BatchMaker::BatchMaker(Schedule schedule, ImageSource source, BatchForm form)
    : schedule_(std::move(schedule)), source_(std::move(source)), form_(std::move(form)) {
  check_schedule_fits(schedule_, source_.width, source_.height, schedule_.name);
  for (size_t segment = 0; segment < schedule_.segments.size(); ++segment) {
    least_areas_.push_back(source_.in_files() ? schedule_.base_of(segment).resized_crop : 0);
  }
  // Files are cropped while they are decoded, from all of their pixels.
  if (source_.in_files()) {
    schedule_.change_bases([](BaseTransforms& base) { base.resized_crop = 0; });
  }
  all_.resize(source_.count);
  std::iota(all_.begin(), all_.end(), 0u);
}

size_t BatchMaker::image_bytes() const { return source_.image_bytes() * bytes_of(form_.type); }

std::shared_ptr<const Augmenter> BatchMaker::plan_for(size_t segment, uint64_t table) const {
  const std::lock_guard lock(mutex_);
  for (const Plan& plan : plans_) {
    if (plan.segment == segment && plan.table == table) return plan.augmenter;
  }
  constexpr size_t kKept = 4;
  if (plans_.size() == kKept) plans_.erase(plans_.begin());
  plans_.push_back({table, segment,
                    make_augmenter(schedule_, segment, form_.normalisation, source_.width,
                                   source_.height, source_.channels)});
  return plans_.back().augmenter;
}

void BatchMaker::make(std::span<const uint32_t> indices, const SampleKey& key, size_t first,
                      std::byte* out, Mixed* mixed, uint64_t table) const {
  std::byte* const to = out + first * image_bytes();
  const bool last = form_.channels_last;
  if (form_.type == BatchType::kFloat32) {
    auto* const floats = reinterpret_cast<float*>(to);
    make_into(output_of<FloatBatch>(floats, source_, last), indices, key, mixed, table);
  } else if (form_.type == BatchType::kBFloat16) {
    auto* const bits = reinterpret_cast<uint16_t*>(to);
    make_into(output_of<BFloat16Batch>(bits, source_, last), indices, key, mixed, table);
  } else {
    auto* const bytes = reinterpret_cast<uint8_t*>(to);
    make_into(output_of<ByteOutput>(bytes, source_, last), indices, key, mixed, table);
  }
}

template <typename Output>
void BatchMaker::make_into(const Output& out, std::span<const uint32_t> indices,
                           const SampleKey& key, Mixed* mixed, uint64_t table) const {
  const size_t segment = schedule_.segment_of(static_cast<int>(key.epoch));
  const std::shared_ptr<const Augmenter> augmenter = plan_for(segment, table);
  const BaseTransforms& base = schedule_.base_of(segment);
  for (size_t i = 0; i < indices.size(); ++i) mixed[i] = {indices[i], 1};
  if (base.mixes()) check_partners(base, all_);
  if (source_.in_files()) {
    return make_of_files(out, *augmenter, base, indices, key, mixed);
  }
  const ByteBatch images{source_.pixels, source_.width, source_.height, source_.channels,
                         source_.stride};
  augmenter->run(images, indices, of_sample(key, 0), out, 1, {all_, mixed});
  for (size_t i = 0; i < indices.size(); ++i) {
    if (mixed[i].share == 1) mixed[i].partner = indices[i];  // an empty box of CutMix
  }
}

template <typename Output>
void BatchMaker::make_of_files(const Output& out, const Augmenter& augmenter,
                               const BaseTransforms& base, std::span<const uint32_t> indices,
                               const SampleKey& key, Mixed* mixed) const {
  const int width = source_.width, height = source_.height;
  const BaseTransforms scaled = scaled_base(base, width, height);
  const double least_area = least_areas_[schedule_.segment_of(static_cast<int>(key.epoch))];
  const size_t bytes = source_.image_bytes();
  const auto memory = std::make_unique_for_overwrite<uint8_t[]>(2 * bytes);
  uint8_t *const image = memory.get(), *const partner = memory.get() + bytes;
  Output place = out;
  for (size_t i = 0; i < indices.size(); ++i, place.data += out.sn) {
    const SampleKey own = of_sample(key, indices[i]);
    read_image(source_, indices[i], least_area, own, image);
    ImagePair pair{image, own.sample};
    Random random = stream_of(own, Purpose::kBaseTransform);
    draw_base(scaled, width, height, random);
    if (const MixDraw mix = draw_mix(scaled, width, height, random); mix.kind != MixKind::kNone) {
      const uint32_t drawn = draw_partner(all_, indices[i], random);
      const auto share = static_cast<float>(mix.share);
      if (share < 1) {  // else an empty box of CutMix
        mixed[i] = {drawn, share};
        const SampleKey other = of_sample(key, drawn);
        read_image(source_, drawn, least_area, other, partner);
        pair.partner = partner;
        pair.partner_sample = other.sample;
      }
    }
    augmenter.run({&pair, 1}, of_sample(key, 0), place, 1);
  }
}

}  // namespace popaug
