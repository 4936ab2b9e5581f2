#include "popaug/augment/augmenter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "popaug/augment/fast_draw.h"
#include "popaug/augment/op.h"
#include "popaug/augment/photo.h"
#include "popaug/augment/place.h"
#include "popaug/augment/prepared_op.h"

namespace popaug {
namespace {

constexpr int kMaxSide = 16384;
// Images that a thread takes at a time.
constexpr size_t kGrain = FirstWords::kMost;

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

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
  scale.repeat();
  return scale;
}

void check_size(int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw Error("augmentation: images of " + size_text(width, height) +
                "; expected 1..16384 pixels a side");
  }
}

void check_batch(const ByteBatch& images, std::span<const uint32_t> indices) {
  check_size(images.width, images.height);
  const size_t bytes = size_t{1} * images.width * images.height * images.channels;
  if (indices.size() > 1 && images.stride < bytes) {
    throw Error("augmentation: a stride of " + std::to_string(images.stride) +
                " bytes between images of " + std::to_string(bytes) + " bytes");
  }
}

// An axis is wide enough if it steps over all that the narrower ones reach: then no two elements
// share a place. Nobody lays arrays out otherwise, but for mistakes such as a stride of 0.
template <typename Output>
void check_strides(const Output& out, size_t count, int channels, int height, int width) {
  struct Axis {
    size_t step, steps;
  };
  const auto axis = [](ptrdiff_t stride, size_t length) {
    return Axis{static_cast<size_t>(std::abs(stride)), length - 1};
  };
  std::array<Axis, 4> axes = {axis(out.sn, std::max<size_t>(count, 1)), axis(out.sc, channels),
                              axis(out.sy, height), axis(out.sx, width)};
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.step < b.step; });
  size_t reach = 0;
  for (const Axis& a : axes) {
    if (a.steps > 0 && a.step <= reach) {
      throw Error("augmentation: output strides of " + std::to_string(out.sn) + ", " +
                  std::to_string(out.sc) + ", " + std::to_string(out.sy) + ", " +
                  std::to_string(out.sx) + " (image, channel, row, column) for " +
                  std::to_string(count) + " images of " + size_text(width, height) + "x" +
                  std::to_string(channels) + " make elements share a place");
    }
    reach += a.step * a.steps;
  }
}

// Brings an image into the cache while the one before it is worked on: images are asked for in
// random order, and a data set is larger than the caches. Long ones the processor follows by
// itself.
void prefetch(const uint8_t* bytes, size_t size) {
  constexpr size_t kMost = 8192, kLine = 64;
  for (size_t i = 0; i < std::min(size, kMost); i += kLine) __builtin_prefetch(bytes + i, 0, 2);
}

void expand(const Kernels& kernels, const uint8_t* bytes, int channels, Workspace& work) {
  const auto kernel = channels == 1 ? kernels.pixels.expand_grey : kernels.pixels.expand_rgb;
  kernel(bytes, work.pixels(), work.size());
  work.set_solid(true);
}

// Workspaces that are not in use, kept for the next call.
class Workspaces {
 public:
  Workspaces(int width, int height) : width_(width), height_(height) {}

  class Lease {
   public:
    explicit Lease(Workspaces& owner) : owner_(owner), work_(owner.take()) {}
    ~Lease() { owner_.give(std::move(work_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Workspace& operator*() { return *work_; }

   private:
    Workspaces& owner_;
    std::unique_ptr<Workspace> work_;
  };

 private:
  std::unique_ptr<Workspace> take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Workspace> work = std::move(idle_.back());
        idle_.pop_back();
        return work;
      }
    }
    return std::make_unique<Workspace>(width_, height_);
  }
  void give(std::unique_ptr<Workspace> work) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(work));
  }

  int width_, height_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

// Calls body(first, last) over [0, count) in chunks.
template <typename Body>
void in_chunks(size_t count, int threads, const Body& body) {
  if (threads <= 1 || count <= kGrain) return body(0, count);
  parallel_for((count + kGrain - 1) / kGrain, threads,
               [&](size_t chunk) { body(chunk * kGrain, std::min(count, (chunk + 1) * kGrain)); });
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
      for (int level = 0; level < levels; ++level) {
        for (const bool negative : {false, true}) {
          const double value = op_value(op, level, negative, w, h, given.scale_pixels);
          ops.push_back(prepare_op(*row, value, w, h, hole_fill));
        }
      }
    }
    for (int i = 0; i < c; ++i) {
      const double mean = std::round(255.0 * double{normalisation.mean[i]});
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
      run_op(ops[index], kernels, work, context);
    }
  }

  size_t bytes() const { return size_t{1} * width * height * channels; }

  // The random resized crop, where there is one: back to the image's size.
  void crop_and_resize(Workspace& work, const SampleKey& key) const {
    if (base.resized_crop <= 0) return;
    Random random = stream_of(key, Purpose::kResizedCrop);
    const CropBox box =
        random_crop_box(width, height, CropRange{.least_area = base.resized_crop}, random);
    const uint32_t* from = work.pixels() + size_t{1} * box.top * width + box.left;
    work.resizer().reserve(width, height, width, height);
    work.resizer().run(reinterpret_cast<const uint8_t*>(from), sizeof(*from) * width, box.width,
                       box.height, reinterpret_cast<uint8_t*>(work.other()), width, height);
    work.swap();
  }

  // The base transforms of the image in `work`.
  simd::Crop crop(const Workspace& work, const SampleKey& key, const uint32_t* first) const {
    return crop_of(base, fast_sampler.draw_base(key, first), width, height, work.solid());
  }

  void check(const ByteBatch& images, std::span<const uint32_t> indices) const {
    check_batch(images, indices);
    if (images.width != width || images.height != height || images.channels != channels) {
      throw Error("augmentation: images of " + size_text(images.width, images.height) + "x" +
                  std::to_string(images.channels) + "; this augmenter was made for " +
                  size_text(width, height) + "x" + std::to_string(channels));
    }
  }

  // Every image up to its last stage, which is write(kernels, work, crop, position).
  template <typename Write>
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           int threads, const Write& write) const {
    check(images, indices);
    const Kernels kernels;
    in_chunks(indices.size(), threads, [&](size_t begin, size_t end) {
      Workspaces::Lease lease(workspaces);
      Workspace& work = *lease;
      FirstWords words;
      const auto bytes_of = [&](size_t i) { return images.data + indices[i] * images.stride; };
      for (size_t i = begin; i < end; ++i) {
        const size_t in_words = (i - begin) % FirstWords::kMost;
        if (in_words == 0) {
          words.make(kernels.draws, key, indices.subspan(i, std::min(end - i, FirstWords::kMost)));
        }
        SampleKey own = key;
        own.sample += indices[i];
        expand(kernels, bytes_of(i), channels, work);
        crop_and_resize(work, own);
        if (i + 1 < end) prefetch(bytes_of(i + 1), bytes());
        apply_ops(kernels, work, own, words.augment(in_words));
        write(kernels, work, crop(work, own, words.base(in_words)), i);
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
  plan_ = std::make_unique<Plan>(space, rule, policy, base, normalisation, width, height, channels);
}

Augmenter::~Augmenter() = default;

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const FloatBatch& out, int threads) const {
  check_strides(out, indices.size(), plan_->channels, plan_->height, plan_->width);
  plan_->run(images, indices, key, threads,
             [&](const Kernels& kernels, Workspace& work, const simd::Crop& crop, size_t i) {
               place(kernels, work, crop, plan_->scale, plan_->channels, i, out);
             });
}

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const ByteOutput& out, int threads) const {
  check_strides(out, indices.size(), plan_->channels, plan_->height, plan_->width);
  plan_->run(images, indices, key, threads,
             [&](const Kernels& kernels, Workspace& work, const simd::Crop& crop, size_t i) {
               place(kernels, work, crop, plan_->mean_bytes.data(), plan_->channels, i, out);
             });
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
  FirstWords words;
  const uint32_t own = 0;
  words.make(kernels.draws, key, {&own, 1});
  plan.apply_ops(kernels, work, key, words.augment(0));
  place(kernels, work, plan.crop(work, key, words.base(0)));
  Image result(plan.width, plan.height);
  std::memcpy(result.data(), work.pixels(), result.size_bytes());
  return result;
}

void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out) {
  check_batch(images, indices);
  const simd::ChannelScale scale = scale_of(normalisation, images.channels);
  check_strides(out, indices.size(), images.channels, images.height, images.width);
  const Kernels kernels;
  Workspace work(images.width, images.height);
  for (size_t i = 0; i < indices.size(); ++i) {
    expand(kernels, images.data + indices[i] * images.stride, images.channels, work);
    if (i + 1 < indices.size()) {
      prefetch(images.data + indices[i + 1] * images.stride, work.size() * images.channels);
    }
    place(kernels, work, {.solid = true}, scale, images.channels, i, out);
  }
}

}  // namespace popaug
