// Where a schedule moves the pixels of an image, for what must move with them: masks, boxes,
// points.
//
// The ops that move pixels take the nearest one, so an image whose pixels hold their own numbers
// says, after the same draws, where each pixel came from. The ops run as their plain twins; colour
// ops and cutouts move nothing and are left out.
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>

#include "popaug/augment/augment.h"
#include "popaug/schedule/schedule.h"
#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 24;  // numbers of three bytes

// x_in = m[0] x + m[1] y + m[2], y_in = m[3] x + m[4] y + m[5]: where output (x, y) comes from, in
// pixels from the upper left corner of the image.
using Matrix = std::array<double, 6>;

constexpr Matrix kStill = {1, 0, 0, 0, 1, 0};

// First `inner`, then `outer`.
Matrix after(const Matrix& outer, const Matrix& inner) {
  const auto& [a, b, c, d, e, f] = outer;
  const auto& [p, q, r, s, t, u] = inner;
  return {a * p + b * s, a * q + b * t, a * r + b * u + c,
          d * p + e * s, d * q + e * t, d * r + e * u + f};
}

// Turns about the centre, as Pillow's Image.rotate.
Matrix rotation(double degrees, double width, double height) {
  const double angle = -degrees * (std::numbers::pi / 180.0);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double x = width / 2, y = height / 2;
  return {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y};
}

// A part of the image, brought to its whole size.
Matrix part(const CropBox& box, double width, double height) {
  return {box.width / width, 0, double(box.left), 0, box.height / height, double(box.top)};
}

enum class Kind { kStill, kAffine, kCrop };

struct Movement {
  Kind kind = Kind::kStill;
  Matrix matrix = kStill;
  CropBox box;  // kCrop
};

Movement affine(const Matrix& matrix) { return {Kind::kAffine, matrix, {}}; }

// What an op does to places. Throws UsageError for an op that is not built in.
Movement movement_of(const OpRow& row, double value, int width, int height) {
  const std::string& op = row.name;
  const double w = width, h = height;
  if (row.origin != "built-in") {
    throw UsageError("whether the op " + quote(op) +
                     " moves pixels is not known, because it is not built in: masks and boxes "
                     "cannot follow it");
  }
  if (op == "Rotate") return affine(rotation(value, w, h));
  if (op == "TranslateX") return affine({1, 0, value, 0, 1, 0});
  if (op == "TranslateY") return affine({1, 0, 0, 0, 1, value});
  if (op == "ShearX") return affine({1, value, 0, 0, 1, 0});
  if (op == "ShearY") return affine({1, 0, 0, value, 1, 0});
  if (op == "FlipLR") return affine({-1, 0, w, 0, 1, 0});
  if (op == "FlipUD") return affine({1, 0, 0, 0, -1, h});
  if (op == "CropBilinear") {
    const int margin = std::clamp(static_cast<int>(value), 0, (std::min(width, height) - 1) / 2);
    const CropBox box = {margin, margin, width - 2 * margin, height - 2 * margin};
    return {Kind::kCrop, part(box, w, h), box};
  }
  return {};
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

// Base transforms that move pixels and draw as the given ones do: what is left out draws later.
BaseTransforms moving(BaseTransforms base) {
  base.resized_crop = 0;  // has a stream of its own
  base.cutout = 0;
  base.erase = base.cutmix = base.mixup = 0;
  return base;
}

Matrix base_matrix(const BaseTransforms& base, const BaseDraw& draw, double width, double height) {
  Matrix matrix = kStill;
  if (base.pad > 0) {
    matrix = {1, 0, double(draw.crop_x - base.pad), 0, 1, double(draw.crop_y - base.pad)};
  }
  if (draw.flip) matrix = after(matrix, {-1, 0, width, 0, 1, 0});
  if (draw.vflip) matrix = after(matrix, {1, 0, 0, 0, -1, height});
  for (int i = 0; i < draw.turns; ++i) matrix = after(matrix, {0, -1, width, 1, 0, 0});
  return matrix;
}

// Not thread safe.
class Geometry {
 public:
  Geometry(const std::string& schedule, const std::string& name)
      : schedule_(schedule_from_text(schedule, name)) {}

  // The image of the numbers 0 .. width * height - 1 after all that moves pixels, and the matrix of
  // all movements together.
  std::pair<Image, Matrix> run(const SampleKey& key, int width, int height) {
    if (width < 1 || height < 1 || int64_t{width} * height > kMostPixels) {
      throw UsageError("masks and boxes of an image of " + std::to_string(width) + "x" +
                       std::to_string(height) + " pixels; expected 1 .. 16777216 pixels");
    }
    Image image = numbered(width, height);
    Matrix matrix = kStill;
    const BaseTransforms& base = schedule_.base;
    if (base.resized_crop > 0) {
      Random random = stream_of(key, Purpose::kResizedCrop);
      const CropBox box =
          random_crop_box(width, height, CropRange{.least_area = base.resized_crop}, random);
      take_part(image, box);
      matrix = part(box, width, height);
    }
    apply_ops(key, image, matrix);
    const BaseTransforms scaled = moving(scaled_base(base, width, height));
    Random random = stream_of(key, Purpose::kBaseTransform);
    const BaseDraw draw = draw_base(scaled, width, height, random);
    return {base_pass(width, height).augment(image, key),
            after(matrix, base_matrix(scaled, draw, width, height))};
  }

 private:
  void apply_ops(const SampleKey& key, Image& image, Matrix& matrix) const {
    const int width = image.width(), height = image.height();
    const Policy& policy = schedule_.at(static_cast<int>(key.epoch));
    OpContext context;
    for (const Draw& draw : draw_ops(schedule_.space, schedule_.rule, policy, key)) {
      const SpaceOp& op = schedule_.space.ops[draw.op];
      const OpRow* row = find_op(op.op);
      if (row == nullptr) throw UsageError(unknown_op(op.op));
      const double value =
          op_value(op, draw.level, draw.negative, width, height, schedule_.base.scale_pixels);
      const Movement movement = movement_of(*row, value, width, height);
      if (movement.kind == Kind::kStill) continue;
      if (movement.kind == Kind::kAffine) row->plain(image, value, context);
      if (movement.kind == Kind::kCrop) take_part(image, movement.box);
      matrix = after(matrix, movement.matrix);
    }
  }

  // The engine with the base transforms alone, for images of this size.
  const Augmenter& base_pass(int width, int height) {
    if (!pass_ || width != width_ || height != height_) {
      const Space space = {.name = "none", .levels = 1, .search_levels = 1, .ops = {{"FlipLR"}}};
      pass_ = std::make_unique<Augmenter>(space, Rule{.kind = RuleKind::kNone}, Policy{},
                                          moving(schedule_.base),
                                          Normalisation{{0, 0, 0}, {1, 1, 1}}, width, height, 3);
      width_ = width;
      height_ = height;
    }
    return *pass_;
  }

  Schedule schedule_;
  std::unique_ptr<Augmenter> pass_;
  int width_ = 0, height_ = 0;
};

using Places = nb::ndarray<nb::numpy, int32_t, nb::ndim<2>>;

// The number of the source of each pixel, -1 where there is none.
Places places_of(const Image& image) {
  const int64_t count = int64_t{image.width()} * image.height();
  auto places = std::make_unique<int32_t[]>(count);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* pixel = image.data() + 4 * i;
    places[i] = pixel[3] == 0 ? -1 : pixel[0] | pixel[1] << 8 | pixel[2] << 16;
  }
  int32_t* data = places.get();
  nb::capsule owner(places.release(), [](void* p) noexcept { delete[] static_cast<int32_t*>(p); });
  return Places(data, {static_cast<size_t>(image.height()), static_cast<size_t>(image.width())},
                owner);
}

}  // namespace

void bind_geometry(nb::module_& m) {
  nb::class_<Geometry>(m, "Geometry")
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("schedule"), nb::arg("name"))
      .def(
          "movement",
          [](Geometry& geometry, uint64_t seed, uint32_t stream, uint32_t epoch, uint64_t sample,
             int width, int height) {
            std::shared_lock table(op_table_mutex());
            const auto [image, matrix] = geometry.run({seed, stream, epoch, sample}, width, height);
            return nb::make_tuple(places_of(image), matrix);
          },
          nb::arg("seed"), nb::arg("stream"), nb::arg("epoch"), nb::arg("sample"), nb::arg("width"),
          nb::arg("height"));
}

}  // namespace popaug::python
