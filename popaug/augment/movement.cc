// The ops that move pixels take the nearest one, so an image whose pixels hold their own numbers
// says, after the same draws, where each pixel came from. The ops run as their plain twins; colour
// ops and cutouts move nothing and are left out.
#include "popaug/augment/movement.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "popaug/augment/op.h"
#include "popaug/augment/photo.h"

namespace popaug {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 24;  // numbers of three bytes

PlaceMatrix inverse(const PlaceMatrix& matrix) {
  const auto& [a, b, c, d, e, f] = matrix;
  const double determinant = a * e - b * d;
  return {e / determinant,  -b / determinant, (b * f - c * e) / determinant,
          -d / determinant, a / determinant,  (c * d - a * f) / determinant};
}

// The nearest pixels of a part, at the size of the whole.
void take_part(Image& image, const CropBox& box) {
  const Image source = image;
  const auto nearest = [](int at, int part, int whole) {
    return static_cast<int>((2 * int64_t{at} + 1) * part / (2 * int64_t{whole}));
  };
  for (int y = 0; y < image.height(); ++y) {
    const int from_y = box.top + nearest(y, box.height, image.height());
    for (int x = 0; x < image.width(); ++x) {
      const int from_x = box.left + nearest(x, box.width, image.width());
      std::memcpy(image.pixel(x, y), source.pixel(from_x, from_y), 4);
    }
  }
}

Image numbered(int width, int height) {
  Image image(width, height);
  for (int64_t i = 0; i < int64_t{width} * height; ++i) {
    uint8_t* pixel = image.data() + 4 * i;
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(i >> (8 * c));
  }
  return image;
}

// The number of the source of each pixel, -1 where there is none.
std::vector<int32_t> numbers_of(const Image& image) {
  std::vector<int32_t> numbers(size_t(image.width()) * size_t(image.height()));
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint8_t* pixel = image.data() + 4 * i;
    numbers[i] = pixel[3] == 0 ? -1 : pixel[0] | pixel[1] << 8 | pixel[2] << 16;
  }
  return numbers;
}

// Base transforms that move pixels and draw as the given ones do: what is left out draws later.
BaseTransforms moving(BaseTransforms base) {
  base.resized_crop = 0;  // has a stream of its own
  base.cutout = 0;
  base.erase = base.cutmix = base.mixup = 0;
  return base;
}

PlaceMatrix base_matrix(const BaseTransforms& base, const BaseDraw& draw, double width,
                        double height) {
  PlaceMatrix matrix = kNoMovement;
  if (base.pad > 0) {
    matrix = {1, 0, double(draw.crop_x - base.pad), 0, 1, double(draw.crop_y - base.pad)};
  }
  if (draw.flip) matrix = after(matrix, {-1, 0, width, 0, 1, 0});
  if (draw.vflip) matrix = after(matrix, {1, 0, 0, 0, -1, height});
  for (int i = 0; i < draw.turns; ++i) matrix = after(matrix, {0, -1, width, 1, 0, 0});
  return matrix;
}

// Applies an op if it moves pixels, and adds what it does to places.
void apply_op(const OpRow& row, double value, Image& image, PlaceMatrix& matrix) {
  if (row.origin != "built-in") {
    throw UsageError("whether the op " + quote(row.name) +
                     " moves pixels is not known, because it is not built in: masks and boxes "
                     "cannot follow it");
  }
  if (row.move == nullptr) return;
  const OpMovement movement = row.move(value, image.width(), image.height());
  OpContext context;
  if (movement.part) {
    take_part(image, *movement.part);
  } else {
    row.plain(image, value, context);
  }
  matrix = after(matrix, movement.matrix);
}

}  // namespace

PlaceMatrix after(const PlaceMatrix& outer, const PlaceMatrix& inner) {
  const auto& [a, b, c, d, e, f] = outer;
  const auto& [p, q, r, s, t, u] = inner;
  return {a * p + b * s, a * q + b * t, a * r + b * u + c,
          d * p + e * s, d * q + e * t, d * r + e * u + f};
}

PlaceMatrix enlargement(const CropBox& box, int width, int height) {
  return {double(box.width) / width,
          0,
          double(box.left),
          0,
          double(box.height) / height,
          double(box.top)};
}

Movement::Movement(int width, int height, const PlaceMatrix& matrix, std::vector<int32_t> sources)
    : width_(width),
      height_(height),
      matrix_(matrix),
      forward_(inverse(matrix)),
      sources_(std::move(sources)) {}

Place Movement::point(Place given) const {
  const auto& [a, b, c, d, e, f] = forward_;
  return {a * given.x + b * given.y + c, d * given.x + e * given.y + f};
}

PlaceBox Movement::box(const PlaceBox& given) const {
  const Place corners[] = {point({given.left, given.top}), point({given.right, given.top}),
                           point({given.right, given.bottom}), point({given.left, given.bottom})};
  const auto [left, right] = std::ranges::minmax(corners, {}, &Place::x);
  const auto [top, bottom] = std::ranges::minmax(corners, {}, &Place::y);
  const auto within = [](double value, double most) { return std::clamp(value, 0.0, most); };
  return {within(left.x, width_), within(top.y, height_), within(right.x, width_),
          within(bottom.y, height_)};
}

MovementSampler::MovementSampler(Space space, Rule rule, const BaseTransforms& base)
    : space_(std::move(space)), rule_(std::move(rule)), base_(base) {}

MovementSampler::~MovementSampler() = default;

Movement MovementSampler::draw(const Policy& policy, const SampleKey& key, int width, int height) {
  if (width < 1 || height < 1 || int64_t{width} * height > kMostPixels) {
    throw UsageError("masks and boxes of an image of " + std::to_string(width) + "x" +
                     std::to_string(height) + " pixels; expected 1 .. 16777216 pixels");
  }
  Image image = numbered(width, height);
  PlaceMatrix matrix = kNoMovement;
  if (base_.resized_crop > 0) {
    Random random = stream_of(key, Purpose::kResizedCrop);
    const CropBox box = random_crop_box(width, height, {.least_area = base_.resized_crop}, random);
    take_part(image, box);
    matrix = enlargement(box, width, height);
  }
  for (const Draw& drawn : draw_ops(space_, rule_, policy, key)) {
    const SpaceOp& op = space_.ops[drawn.op];
    const OpRow* row = find_op(op.op);
    if (row == nullptr) throw UsageError(unknown_op(op.op));
    const double value =
        op_value(op, drawn.level, drawn.negative, width, height, base_.scale_pixels);
    apply_op(*row, value, image, matrix);
  }
  const BaseTransforms scaled = moving(scaled_base(base_, width, height));
  Random random = stream_of(key, Purpose::kBaseTransform);
  const BaseDraw drawn = draw_base(scaled, width, height, random);
  return {width, height, after(matrix, base_matrix(scaled, drawn, width, height)),
          numbers_of(base_pass(width, height).augment(image, key))};
}

// The engine with the base transforms alone, for images of this size.
const Augmenter& MovementSampler::base_pass(int width, int height) {
  if (!pass_ || width != width_ || height != height_) {
    const Space space = {.name = "none", .levels = 1, .search_levels = 1, .ops = {{"FlipLR"}}};
    pass_ =
        std::make_unique<Augmenter>(space, Rule{.kind = RuleKind::kNone}, Policy{}, moving(base_),
                                    Normalisation{{0, 0, 0}, {1, 1, 1}}, width, height, 3);
    width_ = width;
    height_ = height;
  }
  return *pass_;
}

}  // namespace popaug
