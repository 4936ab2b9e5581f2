#include "popaug/augment/augmenter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <mutex>

#include "popaug/augment/fast_draw.h"
#include "popaug/augment/op.h"
#include "popaug/augment/prepared_op.h"

namespace popaug {
namespace {

constexpr int kMaxSide = 16384;
// Images that a thread takes at a time.
constexpr size_t kGrain = 32;

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

// Brings an image into the cache while the one before it is worked on: images are asked for in
// random order, and a data set is larger than the caches. Long ones the processor follows by
// itself.
void prefetch(const uint8_t* bytes, size_t size) {
  constexpr size_t kMost = 8192, kLine = 64;
  for (size_t i = 0; i < std::min(size, kMost); i += kLine) __builtin_prefetch(bytes + i, 0, 2);
}

void expand(const Kernels& kernels, const uint8_t* bytes, int channels, Workspace& work) {
  const auto kernel = channels == 1 ? kernels.table.expand_grey : kernels.table.expand_rgb;
  kernel(bytes, work.pixels(), work.size());
}

// The pixels of `work`, cropped, normalised, to image `position` of `out`.
void write(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
           const simd::ChannelScale& scale, int channels, size_t position, const FloatBatch& out) {
  float* target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const int width = work.width(), height = work.height();
  if (channels == 3 && out.sc == 1 && out.sx == 3) {
    return kernels.output.interleaved(work.pixels(), width, height, crop, scale, target, out.sy);
  }
  if (out.sx == 1) {
    return kernels.output.planes(work.pixels(), width, height, crop, scale, channels, target,
                                 out.sc, out.sy);
  }
  for (int y = 0; y < height; ++y) {  // any strides: one row as planes, then spread
    simd::Crop row = crop;
    row.dy += y;
    const bool inside = row.dy >= 0 && row.dy < height;
    const uint32_t* line = work.pixels() + (inside ? ptrdiff_t{1} * row.dy * width : 0);
    row.dy = inside ? 0 : 1;
    kernels.output.planes(line, width, 1, row, scale, channels, work.line(), width, width);
    for (int c = 0; c < channels; ++c) {
      float* to = target + c * out.sc + y * out.sy;
      for (int x = 0; x < width; ++x) to[x * out.sx] = work.line()[c * width + x];
    }
  }
}

// `pixels` of one image as bytes to image `position` of `out`, holes as `hole`.
void write(const Kernels& kernels, const uint32_t* pixels, int width, int height,
           const uint8_t* hole, int channels, size_t position, const ByteOutput& out) {
  uint8_t* target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const bool triples = channels == 3 && out.sc == 1 && out.sx == 3;
  if (!triples && out.sx != 1) {  // any strides
    for (int i = 0; i < width * height; ++i) {
      uint8_t* to = target + i / width * out.sy + i % width * out.sx;
      for (int c = 0; c < channels; ++c) {
        to[c * out.sc] = pixels[i] >> 24 == 0 ? hole[c] : static_cast<uint8_t>(pixels[i] >> 8 * c);
      }
    }
    return;
  }
  // Rows without gaps are one long row.
  const bool dense = out.sy == width * out.sx;
  const int rows = dense ? 1 : height;
  const size_t count = size_t{1} * width * (dense ? height : 1);
  for (int y = 0; y < rows; ++y, pixels += count, target += out.sy) {
    triples ? kernels.output.byte_triples(pixels, count, hole, target)
            : kernels.output.byte_planes(pixels, count, hole, channels, target, out.sc);
  }
}

// A square of the output, clipped.
struct Square {
  int left = 0, top = 0, right = 0, bottom = 0;
};

Square square_of(const BaseTransforms& base, const BaseDraw& draw, int width, int height) {
  if (base.cutout <= 0) return {};
  const int left = draw.cutout_x - base.cutout / 2, top = draw.cutout_y - base.cutout / 2;
  return {std::max(left, 0), std::max(top, 0), std::min(left + base.cutout, width),
          std::min(top + base.cutout, height)};
}

void clear(const Kernels& kernels, const Square& square, int channels, size_t position,
           const FloatBatch& out) {
  float* target = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  const bool dense = out.sx == channels && (out.sc == 1 || channels == 1);
  const int count = square.right - square.left;
  if (dense) {
    return kernels.output.clear(target + square.top * out.sy + square.left * out.sx,
                                channels * count, square.bottom - square.top, out.sy);
  }
  for (int y = square.top; y < square.bottom; ++y) {
    float* line = target + y * out.sy + square.left * out.sx;
    for (int c = 0; c < channels; ++c) {
      for (int x = 0; x < count; ++x) line[c * out.sc + x * out.sx] = 0;
    }
  }
}

void clear(const Square& square, int width, uint32_t* pixels) {
  for (int y = square.top; y < square.bottom; ++y) {
    uint32_t* line = pixels + size_t{1} * y * width;
    std::fill(line + square.left, line + square.right, 0u);
  }
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

  void apply_ops(const Kernels& kernels, Workspace& work, const SampleKey& key) const {
    // Rules draw a handful of ops; more than that is possible, and then allocates.
    std::array<Draw, 16> few;
    std::vector<Draw> many;
    Draw* draws = few.data();
    if (sampler.max_draws() > static_cast<int>(few.size())) {
      many.resize(sampler.max_draws());
      draws = many.data();
    }
    const int count = fast_sampler.draw(key, sampler, draws);
    Random inside = stream_of(key, Purpose::kOp);
    OpContext context{&inside, hole_fill, channels == 1};
    for (int i = 0; i < count; ++i) {
      const size_t index =
          2 * (size_t{1} * draws[i].op * levels + draws[i].level) + (draws[i].negative ? 1 : 0);
      run_op(ops[index], kernels, work, context);
    }
  }

  size_t bytes() const { return size_t{1} * width * height * channels; }

  simd::Crop crop_of(const BaseDraw& draw) const {
    if (base.pad <= 0) return {.flip = draw.flip};
    return {draw.crop_x - base.pad, draw.crop_y - base.pad, draw.flip};
  }

  void check(const ByteBatch& images, std::span<const uint32_t> indices) const {
    check_batch(images, indices);
    if (images.width != width || images.height != height || images.channels != channels) {
      throw Error("augmentation: images of " + size_text(images.width, images.height) + "x" +
                  std::to_string(images.channels) + "; this augmenter was made for " +
                  size_text(width, height) + "x" + std::to_string(channels));
    }
  }

  // The cropped pixels of one image with all its holes.
  const uint32_t* finish(const Kernels& kernels, Workspace& work, const SampleKey& key) const {
    const BaseDraw draw = fast_sampler.draw_base(key);
    kernels.output.pixels(work.pixels(), width, height, crop_of(draw), work.other());
    work.swap();
    clear(square_of(base, draw, width, height), width, work.pixels());
    return work.pixels();
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
  const Plan& plan = *plan_;
  plan.check(images, indices);
  const Kernels kernels;
  in_chunks(indices.size(), threads, [&](size_t first, size_t last) {
    Workspaces::Lease lease(plan.workspaces);
    Workspace& work = *lease;
    for (size_t i = first; i < last; ++i) {
      SampleKey own = key;
      own.sample += indices[i];
      expand(kernels, images.data + indices[i] * images.stride, plan.channels, work);
      if (i + 1 < last) prefetch(images.data + indices[i + 1] * images.stride, plan.bytes());
      plan.apply_ops(kernels, work, own);
      const BaseDraw draw = plan.fast_sampler.draw_base(own);
      write(kernels, work, plan.crop_of(draw), plan.scale, plan.channels, i, out);
      clear(kernels, square_of(plan.base, draw, plan.width, plan.height), plan.channels, i, out);
    }
  });
}

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const ByteOutput& out, int threads) const {
  const Plan& plan = *plan_;
  plan.check(images, indices);
  const Kernels kernels;
  in_chunks(indices.size(), threads, [&](size_t first, size_t last) {
    Workspaces::Lease lease(plan.workspaces);
    Workspace& work = *lease;
    for (size_t i = first; i < last; ++i) {
      SampleKey own = key;
      own.sample += indices[i];
      expand(kernels, images.data + indices[i] * images.stride, plan.channels, work);
      if (i + 1 < last) prefetch(images.data + indices[i + 1] * images.stride, plan.bytes());
      plan.apply_ops(kernels, work, own);
      const uint32_t* pixels = plan.finish(kernels, work, own);
      write(kernels, pixels, plan.width, plan.height, plan.mean_bytes.data(), plan.channels, i,
            out);
    }
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
  plan.apply_ops(kernels, work, key);
  Image result(plan.width, plan.height);
  std::memcpy(result.data(), plan.finish(kernels, work, key), result.size_bytes());
  return result;
}

void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out) {
  check_batch(images, indices);
  const simd::ChannelScale scale = scale_of(normalisation, images.channels);
  const Kernels kernels;
  Workspace work(images.width, images.height);
  for (size_t i = 0; i < indices.size(); ++i) {
    expand(kernels, images.data + indices[i] * images.stride, images.channels, work);
    if (i + 1 < indices.size()) {
      prefetch(images.data + indices[i + 1] * images.stride, work.size() * images.channels);
    }
    write(kernels, work, {}, scale, images.channels, i, out);
  }
}

}  // namespace popaug
