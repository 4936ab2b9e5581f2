#include "popaug/augment/augmenter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "popaug/augment/internal/batch_checks.h"
#include "popaug/augment/internal/fast_draw.h"
#include "popaug/augment/internal/output_stage.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/op.h"
#include "popaug/augment/photo.h"

namespace popaug {
namespace {

// Images that a thread takes at a time.
constexpr size_t kGrain = PrefetchedDraws::kMost;

simd::ChannelScale scale_of(const Normalisation& normalisation, int channels) {
  if (channels != 1 && channels != 3) {
    throw Error("augmentation: " + std::to_string(channels) + " channels; expected 1 or 3");
  }
  const auto count = static_cast<size_t>(channels);
  if (normalisation.mean.size() != count || normalisation.std.size() != count) {
    throw Error("normalisation: " + std::to_string(normalisation.mean.size()) + " means and " +
                std::to_string(normalisation.std.size()) + " deviations; expected " +
                std::to_string(channels) + " of each");
  }
  simd::ChannelScale scale;
  for (int c = 0; c < channels; ++c) {
    const double mean = normalisation.mean[c], std = normalisation.std[c];
    if (!std::isfinite(mean) || !std::isfinite(std) || std <= 0) {
      throw Error("normalisation: channel " + std::to_string(c) + " has mean " + number_text(mean) +
                  " and deviation " + number_text(std) +
                  "; expected finite numbers, the deviation above 0");
    }
    scale.scale[c] = static_cast<float>(1.0 / (255.0 * std));
    scale.offset[c] = static_cast<float>(-mean / std);
  }
  scale.derive();
  return scale;
}

// The bytes of an image, without gaps.
struct Bytes {
  const uint8_t* data;
  int width, height;
};

// Brings an image into the cache while the one before it is worked on: images are asked for in
// random order, and a data set is larger than the caches. Long ones the processor follows by
// itself.
void prefetch(const Bytes& image, int channels) {
  constexpr size_t kMost = 8192, kLine = 64;
  const size_t size = std::min(size_t{1} * image.width * image.height * channels, kMost);
  for (size_t i = 0; i < size; i += kLine) __builtin_prefetch(image.data + i, 0, 2);
}

void expand(const Kernels& kernels, const uint8_t* bytes, int channels, Workspace& work) {
  const auto kernel = channels == 1 ? kernels.pixels.expand_grey : kernels.pixels.expand_rgb;
  kernel(bytes, work.pixels(), work.size());
  work.set_solid(true);
}

// Calls body(first, last) over [0, count) in chunks.
template <typename Body>
void in_chunks(size_t count, int threads, const Body& body) {
  if (threads <= 1 || count <= kGrain) return body(0, count);
  parallel_for((count + kGrain - 1) / kGrain, threads,
               [&](size_t chunk) { body(chunk * kGrain, std::min(count, (chunk + 1) * kGrain)); });
}

// The last stage of position i.
template <typename Numbers>
auto writer(const simd::ChannelScale& scale, const std::array<uint8_t, 3>&, int channels,
            const Numbers& out) {
  return [&scale, channels, out](const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                                 size_t i) {
    write_output(kernels, work, crop, scale, channels, i, out);
  };
}
auto writer(const simd::ChannelScale&, const std::array<uint8_t, 3>& hole, int channels,
            const ByteOutput& out) {
  return [&hole, channels, out](const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                                size_t i) {
    write_output(kernels, work, crop, hole.data(), channels, i, out);
  };
}

}  // namespace

struct Augmenter::Plan {
  Plan(const Space& space, const Rule& rule, const Policy& policy, const BaseTransforms& given,
       const Normalisation& normalisation, int w, int h, int c)
      : sampler(space, rule, policy),
        base(scaled_base(given, w, h)),
        fast_sampler(space, rule, policy, base, w, h),
        scale(scale_of(normalisation, c)),
        hole_fill(space.fill == Fill::kHole),
        levels(space.levels),
        width(w),
        height(h),
        channels(c),
        workspaces(w, h) {
    for (const SpaceOp& op : space.ops) {
      const OpRow* row = find_op(op.op);
      if (row == nullptr) {
        throw Error("space " + quote(space.name) + ": " + unknown_op(op.op) +
                    "; an op of your own needs setting \"plugin\"");
      }
      for (int level = 0; level < levels; ++level) {
        for (const bool negative : {false, true}) {
          const double value = op_value(op, level, negative, w, h, given.scale_pixels);
          ops.push_back(prepare_op(*row, value, w, h, hole_fill));
        }
      }
    }
    for (int i = 0; i < 3; ++i) {  // a grey image has three equal channels in the engine
      const double mean = std::round(255.0 * double{normalisation.mean[std::min(i, c - 1)]});
      mean_bytes[i] = static_cast<uint8_t>(std::clamp(mean, 0.0, 255.0));
    }
  }

  // `first` are the first words of the image's draws.
  void apply_ops(const Kernels& kernels, Workspace& work, const SampleKey& key,
                 const uint32_t* first) const {
    // Rules draw a handful of ops; more than that is possible, and then allocates.
    std::array<Draw, 16> few;
    std::vector<Draw> many;
    Draw* draws = few.data();
    if (sampler.max_draws() > static_cast<int>(few.size())) {
      many.resize(sampler.max_draws());
      draws = many.data();
    }
    const int count = fast_sampler.draw(key, first, sampler, draws);
    Random inside = stream_of(key, Purpose::kOp);
    OpContext context{&inside, hole_fill, channels == 1};
    for (int i = 0; i < count; ++i) {
      const size_t index =
          2 * (size_t{1} * draws[i].op * levels + draws[i].level) + (draws[i].negative ? 1 : 0);
      ops[index].run(kernels, work, context);
    }
  }

  CropBox draw_crop(int from_width, int from_height, const SampleKey& key) const {
    Random random = stream_of(key, Purpose::kResizedCrop);
    return random_crop_box(from_width, from_height, CropRange{.least_area = base.resized_crop},
                           random);
  }

  // The random resized crop, where there is one: back to the image's size.
  void crop_and_resize(Workspace& work, const SampleKey& key) const {
    if (base.resized_crop <= 0) return;
    const CropBox box = draw_crop(width, height, key);
    const uint32_t* from = work.pixels() + size_t{1} * box.top * width + box.left;
    work.resizer().reserve(width, height, width, height);
    work.resizer().run(reinterpret_cast<const uint8_t*>(from), sizeof(*from) * width, box.width,
                       box.height, reinterpret_cast<uint8_t*>(work.other()), width, height);
    work.swap();
  }

  // The random resized crop of an image of another size: only the part is expanded.
  void cut_and_resize(const Kernels& kernels, Workspace& work, const Bytes& from,
                      const SampleKey& key) const {
    const CropBox box = draw_crop(from.width, from.height, key);
    const auto expand_row = channels == 1 ? kernels.pixels.expand_grey : kernels.pixels.expand_rgb;
    uint32_t* part = work.part(size_t{1} * box.width * box.height);
    for (int y = 0; y < box.height; ++y) {
      const size_t at = size_t{1} * (box.top + y) * from.width + box.left;
      expand_row(from.data + at * channels, part + size_t{1} * y * box.width, box.width);
    }
    work.resizer().reserve(from.width, from.height, width, height);
    work.resizer().run(reinterpret_cast<const uint8_t*>(part), sizeof(*part) * box.width, box.width,
                       box.height, reinterpret_cast<uint8_t*>(work.pixels()), width, height);
    work.set_solid(true);
  }

  // An image up to its base transforms. `first` are the first words of its draws.
  void begin(const Kernels& kernels, Workspace& work, const Bytes& from, const SampleKey& key,
             const uint32_t* first) const {
    if (from.width == width && from.height == height) {
      expand(kernels, from.data, channels, work);
      crop_and_resize(work, key);
    } else {
      cut_and_resize(kernels, work, from, key);
    }
    apply_ops(kernels, work, key, first);
  }

  // The base transforms as drawn, in the pixels of `work`.
  void apply_base(const Kernels& kernels, Workspace& work, const BaseDraw& draw) const {
    apply_crop(kernels, work, place_base(kernels, work, base, draw));
    if (draw.erases()) apply_erase(work, draw, base.erase_fill, channels == 1);
  }

  // Mixes the image of `work`, whose base transforms are applied, with another one.
  void apply_mix(const Kernels& kernels, Workspace& work, const Bytes& partner,
                 const SampleKey& key, const MixDraw& draw) const {
    Workspaces::Lease lease(workspaces);
    Workspace& other = *lease;
    PrefetchedDraws words;
    const uint32_t own = 0;
    words.make(kernels.draws, key, {&own, 1});
    begin(kernels, other, partner, key, words.augment(0));
    apply_base(kernels, other, fast_sampler.draw_base(key, words.base(0)));
    mix_pixels(kernels, work, other.pixels(), draw, mean_bytes);
  }

  // From the base transforms of the image in `work` to its last stage, write(kernels, work, crop).
  template <typename Write>
  void finish(const Kernels& kernels, Workspace& work, const BaseDraw& draw, const MixDraw& mix,
              const Bytes& partner, const SampleKey& partner_key, const Write& write) const {
    if (!draw.erases() && mix.share == 1) {  // crop, flips and cutout while the pixels are written
      return write(kernels, work, place_base(kernels, work, base, draw));
    }
    apply_base(kernels, work, draw);
    if (mix.share < 1) apply_mix(kernels, work, partner, partner_key, mix);
    write(kernels, work, simd::Crop());
  }

  void check(const ByteBatch& images, std::span<const uint32_t> indices) const {
    check_batch(images, indices);
    const bool cut = base.resized_crop > 0;  // out of images of any size
    const bool fits = cut || (images.width == width && images.height == height);
    if (!fits || images.channels != channels) {
      throw Error("augmentation: images of " + size_text(images.width, images.height) + "x" +
                  std::to_string(images.channels) + "; this augmenter was made for " +
                  size_text(width, height) + "x" + std::to_string(channels));
    }
  }

  void check_mixing(std::span<const uint32_t> indices, const Mixing& mixing) const {
    if (!base.mixes()) return;
    check_partners(base, mixing.epoch);
    if (mixing.mixed == nullptr && !indices.empty()) {
      throw Error("augmentation: mixed images have two labels, but the caller takes one");
    }
  }

  template <typename Output>
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const Output& out, int threads, const Mixing& mixing) const {
    check_strides(out, indices.size(), channels, height, width);
    check(images, indices);
    check_mixing(indices, mixing);
    const auto write = writer(scale, mean_bytes, channels, out);
    const Kernels kernels;
    in_chunks(indices.size(), threads, [&](size_t begin_at, size_t end) {
      Workspaces::Lease lease(workspaces);
      Workspace& work = *lease;
      PrefetchedDraws words;
      const auto image = [&](uint32_t number) {
        return Bytes{images.data + number * images.stride, images.width, images.height};
      };
      for (size_t i = begin_at; i < end; ++i) {
        const size_t in_words = (i - begin_at) % PrefetchedDraws::kMost;
        if (in_words == 0) {
          words.make(kernels.draws, key,
                     indices.subspan(i, std::min(end - i, PrefetchedDraws::kMost)));
        }
        SampleKey own = key;
        own.sample += indices[i];
        if (i + 1 < end) prefetch(image(indices[i + 1]), channels);
        begin(kernels, work, image(indices[i]), own, words.augment(in_words));
        MixDraw mix;
        uint32_t partner = indices[i];
        const BaseDraw draw =
            base.mixes() ? fast_sampler.draw_base_and_mix(own, words.base(in_words), mixing.epoch,
                                                          indices[i], mix, partner)
                         : fast_sampler.draw_base(own, words.base(in_words));
        if (base.mixes()) mixing.mixed[i] = {partner, static_cast<float>(mix.share)};
        SampleKey other = key;
        other.sample += partner;
        finish(kernels, work, draw, mix, image(partner), other,
               [&](const Kernels& k, Workspace& w, const simd::Crop& c) { write(k, w, c, i); });
      }
    });
  }

  // The same for images that lie anywhere.
  template <typename Output>
  void run(std::span<const ImagePair> pairs, const SampleKey& key, const Output& out,
           int threads) const {
    check_strides(out, pairs.size(), channels, height, width);
    const auto write = writer(scale, mean_bytes, channels, out);
    const Kernels kernels;
    in_chunks(pairs.size(), threads, [&](size_t begin_at, size_t end) {
      Workspaces::Lease lease(workspaces);
      Workspace& work = *lease;
      PrefetchedDraws words;
      for (size_t i = begin_at; i < end; ++i) {
        const ImagePair& pair = pairs[i];
        SampleKey own = key, other = key;
        own.sample = pair.sample;
        other.sample = pair.partner_sample;
        const uint32_t none = 0;
        words.make(kernels.draws, own, {&none, 1});
        begin(kernels, work, {pair.image, width, height}, own, words.augment(0));
        MixDraw mix;
        const BaseDraw draw = fast_sampler.draw_base(own, words.base(0), &mix);
        if (pair.partner == nullptr) mix = {};
        finish(kernels, work, draw, mix, {pair.partner, width, height}, other,
               [&](const Kernels& k, Workspace& w, const simd::Crop& c) { write(k, w, c, i); });
      }
    });
  }

  Sampler sampler;
  BaseTransforms base;  // scaled to the image
  FastSampler fast_sampler;
  simd::ChannelScale scale;
  std::array<uint8_t, 3> mean_bytes{};
  bool hole_fill;
  int levels, width, height, channels;
  std::vector<PreparedOp> ops;  // [op][level][sign]
  mutable Workspaces workspaces;
};

Augmenter::Augmenter(const Space& space, const Rule& rule, const Policy& policy,
                     const BaseTransforms& base, const Normalisation& normalisation, int width,
                     int height, int channels) {
  check_size(width, height);
  check_space(space, "space " + quote(space.name));
  base_from_json(base_to_json(base), "base transforms");
  check_base_fits(base, width, height, "base transforms");
  plan_ = std::make_unique<Plan>(space, rule, policy, base, normalisation, width, height, channels);
}

Augmenter::~Augmenter() = default;

bool Augmenter::cuts() const { return plan_->base.resized_crop > 0; }

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const FloatBatch& out, int threads,
                    const Mixing& mixing) const {
  plan_->run(images, indices, key, out, threads, mixing);
}

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const BFloat16Batch& out, int threads,
                    const Mixing& mixing) const {
  plan_->run(images, indices, key, out, threads, mixing);
}

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const ByteOutput& out, int threads,
                    const Mixing& mixing) const {
  plan_->run(images, indices, key, out, threads, mixing);
}

void Augmenter::run(std::span<const ImagePair> pairs, const SampleKey& key, const FloatBatch& out,
                    int threads) const {
  plan_->run(pairs, key, out, threads);
}

void Augmenter::run(std::span<const ImagePair> pairs, const SampleKey& key,
                    const BFloat16Batch& out, int threads) const {
  plan_->run(pairs, key, out, threads);
}

void Augmenter::run(std::span<const ImagePair> pairs, const SampleKey& key, const ByteOutput& out,
                    int threads) const {
  plan_->run(pairs, key, out, threads);
}

Image Augmenter::augment(const Image& image, const SampleKey& key) const {
  const Plan& plan = *plan_;
  if (image.width() != plan.width || image.height() != plan.height) {
    throw Error("augmentation: an image of " + size_text(image.width(), image.height()) +
                "; this augmenter was made for " + size_text(plan.width, plan.height));
  }
  const Kernels kernels;
  Workspaces::Lease lease(plan.workspaces);
  Workspace& work = *lease;
  std::memcpy(work.pixels(), image.data(), image.size_bytes());
  work.set_solid(false);
  plan.crop_and_resize(work, key);
  PrefetchedDraws words;
  const uint32_t own = 0;
  words.make(kernels.draws, key, {&own, 1});
  plan.apply_ops(kernels, work, key, words.augment(0));
  plan.apply_base(kernels, work, plan.fast_sampler.draw_base(key, words.base(0)));
  Image result(plan.width, plan.height);
  std::memcpy(result.data(), work.pixels(), result.size_bytes());
  return result;
}

namespace {

template <typename Numbers>
void normalise_to(const ByteBatch& images, std::span<const uint32_t> indices,
                  const Normalisation& normalisation, const Numbers& out) {
  check_batch(images, indices);
  const simd::ChannelScale scale = scale_of(normalisation, images.channels);
  check_strides(out, indices.size(), images.channels, images.height, images.width);
  const Kernels kernels;
  Workspace work(images.width, images.height);
  for (size_t i = 0; i < indices.size(); ++i) {
    expand(kernels, images.data + indices[i] * images.stride, images.channels, work);
    if (i + 1 < indices.size()) {
      prefetch({images.data + indices[i + 1] * images.stride, images.width, images.height},
               images.channels);
    }
    write_output(kernels, work, {.solid = true}, scale, images.channels, i, out);
  }
}

}  // namespace

void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out) {
  normalise_to(images, indices, normalisation, out);
}

void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const BFloat16Batch& out) {
  normalise_to(images, indices, normalisation, out);
}

}  // namespace popaug
