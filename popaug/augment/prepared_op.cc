#include "popaug/augment/prepared_op.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "popaug/augment/ops_plain.h"

namespace popaug {
namespace {

using Kind = PreparedOp::Kind;

// Blends by larger factors would leave the range of int32 on the way.
constexpr double kMostFactor = 1 << 20;

bool fits_fixed(const plain::Matrix& a, double x, double y) {
  return std::fabs(x * a[0] + y * a[1] + a[2]) < 32768.0 &&
         std::fabs(x * a[3] + y * a[4] + a[5]) < 32768.0;
}

int32_t fixed(double value) { return static_cast<int32_t>(std::floor(value * 65536.0 + 0.5)); }

// The path of plain::affine in 16.16, or nothing where that takes another path.
void prepare_affine(PreparedOp& op, const plain::Matrix& a, int width, int height) {
  if (a[1] == 0 && a[3] == 0) {  // Pillow's scale path: here, whole pixels only
    const bool moves = a[0] == 1 && a[4] == 1 && a[2] == std::floor(a[2]) &&
                       a[5] == std::floor(a[5]) && std::fabs(a[2]) < 65536 &&
                       std::fabs(a[5]) < 65536;
    if (!moves) return;
    op.kind = Kind::kShift;
    op.dx = static_cast<int>(a[2]);
    op.dy = static_cast<int>(a[5]);
    return;
  }
  if (!fits_fixed(a, 0, 0) || !fits_fixed(a, width, height) || !fits_fixed(a, 0, height) ||
      !fits_fixed(a, width, 0)) {
    return;
  }
  op.kind = Kind::kAffine;
  op.map = {fixed(a[0]), fixed(a[1]), fixed(a[2] + a[0] * 0.5 + a[1] * 0.5),
            fixed(a[3]), fixed(a[4]), fixed(a[5] + a[3] * 0.5 + a[4] * 0.5)};
}

void prepare_rotate(PreparedOp& op, double degrees, int width, int height) {
  double angle = std::fmod(degrees, 360.0);
  if (angle < 0) angle += 360.0;
  if (angle == 0 || angle == 360.0) {
    op.kind = Kind::kNothing;
  } else if (std::fmod(angle, 90.0) != 0) {  // quarter turns stay with the plain twin
    prepare_affine(op, plain::rotation(angle, width, height), width, height);
  }
}

void prepare_blend(PreparedOp& op, Kind kind, double value) {
  if (!(std::fabs(value) <= kMostFactor)) return;
  op.blend = simd::find_blend(static_cast<float>(value));
  op.kind = op.blend.factor == 1.0f ? Kind::kNothing : kind;
}

void run_auto_contrast(const Kernels& kernels, Workspace& work) {
  uint8_t low[4], high[4];
  kernels.table.extrema(work.pixels(), work.size(), low, high);
  bool changes = false;
  for (int c = 0; c < 3; ++c) {
    uint8_t* table = work.tables() + 256 * c;
    const int top = high[c] > low[c] ? high[c] : 255, bottom = high[c] > low[c] ? low[c] : 0;
    changes = changes || top != 255 || bottom != 0;
    if (c > 0 && high[c] == high[0] && low[c] == low[0]) {
      std::memcpy(table, work.tables(), 256);
    } else {
      kernels.table.auto_contrast_table(bottom, top, table);
    }
  }
  if (changes) {
    kernels.table.table3(work.pixels(), work.size(), work.tables(), simd::kOpaque);
  } else {
    kernels.table.bits(work.pixels(), work.size(), 255, 0);
  }
}

void run_equalize(const Kernels& kernels, Workspace& work) {
  kernels.table.histogram(work.pixels(), work.size(), work.counts());
  kernels.table.equalize_tables(work.counts(), work.tables());
  kernels.table.table3(work.pixels(), work.size(), work.tables(), simd::kOpaque);
}

void blend_with_value(const Kernels& kernels, Workspace& work, uint8_t from,
                      const simd::Blend& blend) {
  if (kernels.table.wide_tables) {
    kernels.table.blend_table(from, blend.factor, work.tables());
    kernels.table.table1(work.pixels(), work.size(), work.tables(), 0);
  } else {
    kernels.blend.blend_value(work.pixels(), work.size(), from, blend);
  }
}

void run_contrast(const Kernels& kernels, Workspace& work, const simd::Blend& blend) {
  const auto sum = static_cast<double>(kernels.blend.grey_sum(work.pixels(), work.size()));
  const auto mean = static_cast<uint8_t>(sum / static_cast<double>(work.size()) + 0.5);
  blend_with_value(kernels, work, mean, blend);
}

void run_cutout(const PreparedOp& op, Workspace& work, OpContext& context) {
  const int width = work.width(), height = work.height();
  const int left = static_cast<int>(context.random->below(width)) - op.side / 2;
  const int top = static_cast<int>(context.random->below(height)) - op.side / 2;
  const uint8_t published[3] = {125, 122, 113};
  const uint32_t grey = plain::grey_of(published);
  const uint32_t under = context.grey ? grey * 0x010101u : 113u << 16 | 122u << 8 | 125u;
  const int begin = std::max(left, 0), end = std::min(left + op.side, width);
  for (int y = std::max(top, 0); y < std::min(top + op.side, height); ++y) {
    uint32_t* line = work.pixels() + size_t{1} * y * width;
    std::fill(line + begin, line + std::max(begin, end), under);
  }
}

void run_plain(const PreparedOp& op, Workspace& work, OpContext& context) {
  Image& image = work.image();
  if (image.width() != work.width()) image = Image(work.width(), work.height());
  std::memcpy(image.data(), work.pixels(), image.size_bytes());
  op.row->plain(image, op.value, context);
  std::memcpy(work.pixels(), image.data(), image.size_bytes());
}

// Whether the image is known to have no hole after the op, if `before` says so of the image before.
bool solid_after(const PreparedOp& op, bool before) {
  switch (op.kind) {
    case Kind::kBits:
    case Kind::kSolarize:
    case Kind::kAutoContrast:
    case Kind::kEqualize:
      return true;  // alpha becomes 255
    case Kind::kAffine:
    case Kind::kShift:
      return before && op.fill != 0;
    case Kind::kCutout:
    case Kind::kPlain:
      return false;
    default:
      return before;
  }
}

}  // namespace

Workspace::Workspace(int width, int height)
    : width_(width),
      height_(height),
      size_(size_t{1} * width * height),
      columns_(8 * size_t{1} * width + 256),
      line_(3 * size_t{1} * width) {
  // slack, image, slack, image, slack; each image on a cache line.
  const size_t room = (size_ + 15) / 16 * 16;
  const size_t count = 2 * room + 3 * simd::kSlack + 16;
  memory_ = std::make_unique<uint32_t[]>(count);
  const auto address = reinterpret_cast<uintptr_t>(memory_.get());
  uint32_t* begin = memory_.get() + (64 - address % 64) % 64 / 4;
  current_ = begin + simd::kSlack;
  other_ = current_ + room + simd::kSlack;
}

PreparedOp prepare_op(const OpRow& row, double value, int width, int height, bool hole_fill) {
  PreparedOp op;
  op.kind = Kind::kPlain;
  op.row = &row;
  op.value = value;
  op.fill = hole_fill ? 0 : simd::kOpaque;
  const std::string& name = row.name;
  if (name == "Identity") {
    op.kind = Kind::kNothing;
  } else if (name == "Rotate") {
    prepare_rotate(op, value, width, height);
  } else if (name == "TranslateX") {
    prepare_affine(op, {1, 0, value, 0, 1, 0}, width, height);
  } else if (name == "TranslateY") {
    prepare_affine(op, {1, 0, 0, 0, 1, value}, width, height);
  } else if (name == "ShearX") {
    prepare_affine(op, {1, value, 0, 0, 1, 0}, width, height);
  } else if (name == "ShearY") {
    prepare_affine(op, {1, 0, 0, value, 1, 0}, width, height);
  } else if (name == "FlipLR") {
    op.kind = Kind::kFlip;
  } else if (name == "Invert") {
    op.kind = Kind::kBits;
    op.flip = 255;
  } else if (name == "Posterize") {
    op.kind = Kind::kBits;
    op.keep = static_cast<uint8_t>(~((1 << (8 - static_cast<int>(value))) - 1));
  } else if (name == "Solarize") {
    op.kind = Kind::kSolarize;
    op.threshold = static_cast<int>(std::clamp(std::ceil(value), 0.0, 256.0));
  } else if (name == "Equalize") {
    op.kind = Kind::kEqualize;
  } else if (name == "AutoContrast") {
    op.kind = Kind::kAutoContrast;
  } else if (name == "Brightness") {
    prepare_blend(op, Kind::kBrightness, value);
  } else if (name == "Contrast") {
    prepare_blend(op, Kind::kContrast, value);
  } else if (name == "Color") {
    prepare_blend(op, Kind::kColor, value);
  } else if (name == "Sharpness") {
    prepare_blend(op, Kind::kSharpness, value);
  } else if (name == "Cutout") {
    op.side = static_cast<int>(value);
    op.kind = op.side <= 0 ? Kind::kNothing : Kind::kCutout;
  }
  // A move by nothing is Pillow's copy.
  if (op.kind == Kind::kShift && op.dx == 0 && op.dy == 0) op.kind = Kind::kNothing;
  return op;
}

void run_op(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext& context) {
  work.set_solid(solid_after(op, work.solid()));
  const int width = work.width(), height = work.height();
  switch (op.kind) {
    case Kind::kNothing:
      return;
    case Kind::kBits:
      return kernels.table.bits(work.pixels(), work.size(), op.keep, op.flip);
    case Kind::kSolarize:
      return kernels.table.solarize(work.pixels(), work.size(), op.threshold);
    case Kind::kAutoContrast:
      return run_auto_contrast(kernels, work);
    case Kind::kEqualize:
      return run_equalize(kernels, work);
    case Kind::kBrightness:
      return blend_with_value(kernels, work, 0, op.blend);
    case Kind::kContrast:
      return run_contrast(kernels, work, op.blend);
    case Kind::kColor:
      return kernels.blend.blend_grey(work.pixels(), work.size(), op.blend);
    case Kind::kSharpness:
      kernels.sharpness.sharpness(work.pixels(), work.other(), width, height, op.blend,
                                  work.columns());
      return work.swap();
    case Kind::kAffine:
      kernels.geometry.affine(work.pixels(), work.other(), width, height, op.map, op.fill);
      return work.swap();
    case Kind::kShift:
      kernels.geometry.shift(work.pixels(), work.other(), width, height, op.dx, op.dy, op.fill);
      return work.swap();
    case Kind::kFlip:
      kernels.pixels.crop(work.pixels(), width, height, {.flip = true}, work.other());
      return work.swap();
    case Kind::kCutout:
      return run_cutout(op, work, context);
    case Kind::kPlain:
      return run_plain(op, work, context);
  }
}

}  // namespace popaug
