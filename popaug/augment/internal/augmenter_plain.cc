#include "popaug/augment/internal/augmenter_plain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "popaug/augment/internal/bfloat16.h"
#include "popaug/augment/internal/mix_plain.h"
#include "popaug/augment/op.h"
#include "popaug/augment/photo.h"

namespace popaug::plain {
namespace {

void to_rgba(const uint8_t* bytes, int channels, Image& image) {
  uint8_t* out = image.data();
  for (size_t i = 0; i < image.size_bytes(); i += 4, bytes += channels) {
    for (int c = 0; c < 3; ++c) out[i + c] = bytes[channels == 1 ? 0 : c];
    out[i + 3] = 255;
  }
}

// The random resized crop, where there is one.
Image cropped(const Image& image, double least_area, const SampleKey& key) {
  if (least_area <= 0) return image;
  Random random = stream_of(key, Purpose::kResizedCrop);
  const CropBox box =
      random_crop_box(image.width(), image.height(), {.least_area = least_area}, random);
  Image part(box.width, box.height);
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      std::memcpy(part.pixel(x, y), image.pixel(box.left + x, box.top + y), 4);
    }
  }
  return plain::resize(part, image.width(), image.height());
}

// The pixel of the flipped image that output (x, y) of its turn shows.
std::pair<int, int> turned(int x, int y, int width, int height, int quarter_turns) {
  switch (quarter_turns) {
    case 1:
      return {width - 1 - y, x};
    case 2:
      return {width - 1 - x, height - 1 - y};
    case 3:
      return {y, height - 1 - x};
    default:
      return {x, y};
  }
}

// Pad with holes, crop, flip, turn, cut out. `base` is scaled to the image.
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
      const auto [xturned, yturned] = turned(x, y, width, height, draw.turns);
      const int column = draw.flip ? width - 1 - xturned : xturned;
      const int row = draw.vflip ? height - 1 - yturned : yturned;
      const int xin = base.pad > 0 ? column + draw.crop_x - base.pad : column;
      const int yin = base.pad > 0 ? row + draw.crop_y - base.pad : row;
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

Image augment(const Pipeline& pipeline, const Image& image, const SampleKey& key) {
  const int width = image.width(), height = image.height();
  Image result = cropped(image, pipeline.base.resized_crop, key);
  const bool scale = pipeline.base.scale_pixels;
  Random inside = stream_of(key, Purpose::kOp);
  OpContext context{&inside, pipeline.space.fill == Fill::kHole, pipeline.channels == 1};
  for (const Draw& draw : draw_ops(pipeline.space, pipeline.rule, pipeline.policy, key)) {
    const SpaceOp& op = pipeline.space.ops[draw.op];
    const double value = op_value(op, draw.level, draw.negative, width, height, scale);
    find_op(op.op)->plain(result, value, context);
  }
  Random placing = stream_of(key, Purpose::kBaseTransform);
  const BaseTransforms base = scaled_base(pipeline.base, width, height);
  const BaseDraw draw = draw_base(base, width, height, placing);
  apply_base(result, base, draw);
  if (draw.erases()) plain::erase(result, draw, base.erase_fill, pipeline.channels == 1);
  return result;
}

namespace {

// The bytes of the mean colour, which a hole stands for when it is mixed.
std::array<uint8_t, 3> hole_colour(const Normalisation& normalisation) {
  std::array<uint8_t, 3> colour{};
  for (size_t c = 0; c < 3; ++c) {
    const size_t channel = std::min(c, normalisation.mean.size() - 1);
    colour[c] = static_cast<uint8_t>(std::round(255.0 * double{normalisation.mean[channel]}));
  }
  return colour;
}

// Calls take(image, position) with each augmented image, and says what it was mixed with.
template <typename Take>
void augment_all(const Pipeline& pipeline, const ByteBatch& images,
                 std::span<const uint32_t> indices, const SampleKey& key, const Mixing& mixing,
                 const Take& take) {
  const auto augmented = [&](uint32_t index) {
    Image image(images.width, images.height);
    to_rgba(images.data + index * images.stride, images.channels, image);
    SampleKey own = key;
    own.sample += index;
    return augment(pipeline, image, own);
  };
  const BaseTransforms base = scaled_base(pipeline.base, images.width, images.height);
  for (size_t i = 0; i < indices.size(); ++i) {
    Image image = augmented(indices[i]);
    if (base.mixes()) {
      SampleKey own = key;
      own.sample += indices[i];
      Random random = stream_of(own, Purpose::kBaseTransform);
      draw_base(base, images.width, images.height, random);
      const MixDraw draw = draw_mix(base, images.width, images.height, random);
      mixing.mixed[i] = {indices[i], static_cast<float>(draw.share)};
      if (draw.kind != MixKind::kNone) {
        const uint32_t partner = draw_partner(mixing.epoch, indices[i], random);
        mixing.mixed[i].partner = partner;
        mix(image, augmented(partner), draw, hole_colour(pipeline.normalisation));
      }
    }
    take(image, i);
  }
}

}  // namespace

void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const FloatBatch& out, const Mixing& mixing) {
  augment_all(pipeline, images, indices, key, mixing, [&](const Image& image, size_t position) {
    write_normalised(image, pipeline.normalisation, position, out);
  });
}

void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const BFloat16Batch& out, const Mixing& mixing) {
  augment_all(pipeline, images, indices, key, mixing, [&](const Image& image, size_t position) {
    write_normalised(image, pipeline.normalisation, position, out);
  });
}

void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const ByteOutput& out, const Mixing& mixing) {
  augment_all(pipeline, images, indices, key, mixing, [&](const Image& image, size_t position) {
    uint8_t* base = out.data + static_cast<ptrdiff_t>(position) * out.sn;
    for (int c = 0; c < pipeline.channels; ++c) {
      const double mean = std::round(255.0 * double{pipeline.normalisation.mean[c]});
      for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
          const uint8_t* pixel = image.pixel(x, y);
          base[c * out.sc + y * out.sy + x * out.sx] =
              pixel[3] == 0 ? static_cast<uint8_t>(mean) : pixel[c];
        }
      }
    }
  });
}

namespace {

// Calls put(number, place) for each number of an image, and for the place where it goes.
template <typename Numbers, typename Put>
void each_normalised(const Image& image, const Normalisation& normalisation, size_t position,
                     const Numbers& out, const Put& put) {
  auto* const base = out.data + static_cast<ptrdiff_t>(position) * out.sn;
  for (size_t c = 0; c < normalisation.mean.size(); ++c) {
    const double mean = normalisation.mean[c], std = normalisation.std[c];
    const auto scale = static_cast<float>(1.0 / (255.0 * std));
    const auto offset = static_cast<float>(-mean / std);
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        const uint8_t* pixel = image.pixel(x, y);
        const float product = static_cast<float>(pixel[c]) * scale;
        put(pixel[3] == 0 ? 0.0f : product + offset,
            base[static_cast<ptrdiff_t>(c) * out.sc + y * out.sy + x * out.sx]);
      }
    }
  }
}

}  // namespace

void write_normalised(const Image& image, const Normalisation& normalisation, size_t position,
                      const FloatBatch& out) {
  each_normalised(image, normalisation, position, out,
                  [](float number, float& to) { to = number; });
}

void write_normalised(const Image& image, const Normalisation& normalisation, size_t position,
                      const BFloat16Batch& out) {
  each_normalised(image, normalisation, position, out,
                  [](float number, uint16_t& to) { to = bfloat16_bits(number); });
}

}  // namespace popaug::plain
