#include "popaug/augment/augmenter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "popaug/augment/op.h"

namespace popaug {
namespace {

constexpr int kMaxSide = 16384;

struct Scaling {
  std::vector<float> scale, offset;  // per channel
};

Scaling scaling_of(const Normalisation& normalisation, int channels) {
  if (channels != 1 && channels != 3) {
    throw Error("augmentation: " + std::to_string(channels) + " channels; expected 1 or 3");
  }
  const auto count = static_cast<size_t>(channels);
  if (normalisation.mean.size() != count || normalisation.std.size() != count) {
    throw Error("normalisation: " + std::to_string(normalisation.mean.size()) + " means and " +
                std::to_string(normalisation.std.size()) + " deviations; expected " +
                std::to_string(channels) + " of each");
  }
  Scaling scaling;
  for (int c = 0; c < channels; ++c) {
    const double mean = normalisation.mean[c], std = normalisation.std[c];
    if (!std::isfinite(mean) || !std::isfinite(std) || std <= 0) {
      throw Error("normalisation: channel " + std::to_string(c) + " has mean " + number_text(mean) +
                  " and deviation " + number_text(std) +
                  "; expected finite numbers, the deviation " + "above 0");
    }
    scaling.scale.push_back(static_cast<float>(1.0 / (255.0 * std)));
    scaling.offset.push_back(static_cast<float>(-mean / std));
  }
  return scaling;
}

void check_batch(const ByteBatch& images, std::span<const uint32_t> indices) {
  if (images.width < 1 || images.height < 1 || images.width > kMaxSide ||
      images.height > kMaxSide) {
    throw Error("augmentation: images of " + std::to_string(images.width) + "x" +
                std::to_string(images.height) + "; expected 1..16384 pixels a side");
  }
  const size_t bytes = size_t{1} * images.width * images.height * images.channels;
  if (indices.size() > 1 && images.stride < bytes) {
    throw Error("augmentation: a stride of " + std::to_string(images.stride) +
                " bytes between images of " + std::to_string(bytes) + " bytes");
  }
}

void to_rgba(const uint8_t* bytes, int channels, Image& image) {
  uint8_t* out = image.data();
  for (size_t i = 0; i < image.size_bytes(); i += 4, bytes += channels) {
    for (int c = 0; c < 3; ++c) out[i + c] = bytes[channels == 1 ? 0 : c];
    out[i + 3] = 255;
  }
}

void write_normalised(const Image& image, const Scaling& scaling, size_t position,
                      const FloatBatch& out) {
  float* base = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const uint8_t* pixel = image.pixel(x, y);
      for (size_t c = 0; c < scaling.scale.size(); ++c) {
        const float product = static_cast<float>(pixel[c]) * scaling.scale[c];
        base[static_cast<ptrdiff_t>(c) * out.sc + y * out.sy + x * out.sx] =
            pixel[3] == 0 ? 0.0f : product + scaling.offset[c];
      }
    }
  }
}

// Pad with holes, crop, flip, cut out, on RGBA.
void apply_base(Image& image, const BaseTransforms& base, const BaseDraw& draw) {
  const int width = image.width(), height = image.height();
  const auto is_cut = [&](int x, int y) {
    const int left = draw.cutout_x - base.cutout / 2, top = draw.cutout_y - base.cutout / 2;
    return base.cutout > 0 && x >= left && x < left + base.cutout && y >= top &&
           y < top + base.cutout;
  };
  const Image source = image;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int column = draw.flip ? width - 1 - x : x;
      const int xin = base.pad > 0 ? column + draw.crop_x - base.pad : column;
      const int yin = base.pad > 0 ? y + draw.crop_y - base.pad : y;
      const bool outside = xin < 0 || xin >= width || yin < 0 || yin >= height;
      if (outside || is_cut(x, y)) {
        std::memset(image.pixel(x, y), 0, 4);
      } else {
        std::memcpy(image.pixel(x, y), source.pixel(xin, yin), 4);
      }
    }
  }
}

}  // namespace

struct Augmenter::Plan {
  Space space;
  Sampler sampler;
  BaseTransforms base;  // scaled to the image
  bool scale_pixels;
  Scaling scaling;
  int width, height, channels;
  std::vector<const OpRow*> rows;

  void apply(Image& image, const SampleKey& key) const {
    std::vector<Draw> draws(sampler.max_draws());
    Random random = stream_of(key, Purpose::kAugment);
    draws.resize(sampler.draw(random, draws.data()));
    Random inside = stream_of(key, Purpose::kOp);
    OpContext context{&inside, space.fill == Fill::kHole, channels == 1};
    for (const Draw& draw : draws) {
      const double value =
          op_value(space.ops[draw.op], draw.level, draw.negative, width, height, scale_pixels);
      rows[draw.op]->plain(image, value, context);
    }
    Random placing = stream_of(key, Purpose::kBaseTransform);
    apply_base(image, base, draw_base(base, width, height, placing));
  }
};

Augmenter::Augmenter(const Space& space, const Rule& rule, const Policy& policy,
                     const BaseTransforms& base, const Normalisation& normalisation, int width,
                     int height, int channels) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw Error("augmentation: images of " + std::to_string(width) + "x" + std::to_string(height) +
                "; expected 1..16384 pixels a side");
  }
  check_space(space, "space " + quote(space.name));
  base_from_json(base_to_json(base), "base transforms");
  plan_ = std::make_unique<Plan>(Plan{space,
                                      Sampler(space, rule, policy),
                                      scaled_base(base, width, height),
                                      base.scale_pixels,
                                      scaling_of(normalisation, channels),
                                      width,
                                      height,
                                      channels,
                                      {}});
  for (const SpaceOp& op : space.ops) plan_->rows.push_back(find_op(op.op));
}

Augmenter::~Augmenter() = default;

void Augmenter::run(const ByteBatch& images, std::span<const uint32_t> indices,
                    const SampleKey& key, const FloatBatch& out, int threads) const {
  check_batch(images, indices);
  if (images.width != plan_->width || images.height != plan_->height ||
      images.channels != plan_->channels) {
    throw Error("augmentation: images of " + std::to_string(images.width) + "x" +
                std::to_string(images.height) + "x" + std::to_string(images.channels) +
                "; this augmenter was made for " + std::to_string(plan_->width) + "x" +
                std::to_string(plan_->height) + "x" + std::to_string(plan_->channels));
  }
  parallel_for(indices.size(), threads, [&](size_t i) {
    Image image(plan_->width, plan_->height);
    to_rgba(images.data + indices[i] * images.stride, images.channels, image);
    SampleKey own = key;
    own.sample += indices[i];
    plan_->apply(image, own);
    write_normalised(image, plan_->scaling, i, out);
  });
}

Image Augmenter::augment(const Image& image, const SampleKey& key) const {
  if (image.width() != plan_->width || image.height() != plan_->height) {
    throw Error("augmentation: an image of " + std::to_string(image.width()) + "x" +
                std::to_string(image.height()) + "; this augmenter was made for " +
                std::to_string(plan_->width) + "x" + std::to_string(plan_->height));
  }
  Image result = image;
  plan_->apply(result, key);
  return result;
}

void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out) {
  check_batch(images, indices);
  const Scaling scaling = scaling_of(normalisation, images.channels);
  Image image(images.width, images.height);
  for (size_t i = 0; i < indices.size(); ++i) {
    to_rgba(images.data + indices[i] * images.stride, images.channels, image);
    write_normalised(image, scaling, i, out);
  }
}

}  // namespace popaug
