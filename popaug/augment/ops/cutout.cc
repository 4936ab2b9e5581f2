// Cutout: a square of holes, its centre uniform over the image (x first, then y), clipped at the
// border. Underneath lies the published colour, or its grey in a grey image. A later op that goes
// through RGB brings it to light.
#include <algorithm>
#include <array>

#include "popaug/augment/internal/blend_plain.h"
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"
#include "popaug/augment/internal/prepared_op.h"

namespace popaug::ops {
namespace {

std::array<uint8_t, 3> colour_underneath(const OpContext& context) {
  const std::array<uint8_t, 3> published = {125, 122, 113};
  const uint8_t grey = plain::grey_of(published.data());
  return context.grey ? std::array<uint8_t, 3>{grey, grey, grey} : published;
}

void apply(Image& image, double side, OpContext& context) {
  const int size = static_cast<int>(side);
  if (size <= 0) return;
  POPAUG_ASSERT(context.random != nullptr);
  const int left = static_cast<int>(context.random->below(image.width())) - size / 2;
  const int top = static_cast<int>(context.random->below(image.height())) - size / 2;
  const std::array<uint8_t, 3> colour = colour_underneath(context);
  for (int y = std::max(top, 0); y < std::min(top + size, image.height()); ++y) {
    for (int x = std::max(left, 0); x < std::min(left + size, image.width()); ++x) {
      uint8_t* pixel = image.pixel(x, y);
      std::copy(colour.begin(), colour.end(), pixel);
      pixel[3] = 0;
    }
  }
}

void prepare(PreparedOp& op, double side, int, int) {
  const int size = static_cast<int>(side);
  size <= 0 ? op.use_nothing() : op.use(size);
}

void run(const PreparedOp& op, const Kernels&, Workspace& work, OpContext& context) {
  const int size = op.parameters<int>(), width = work.width(), height = work.height();
  const int left = static_cast<int>(context.random->below(width)) - size / 2;
  const int top = static_cast<int>(context.random->below(height)) - size / 2;
  const auto [red, green, blue] = colour_underneath(context);
  const uint32_t under = uint32_t{red} | uint32_t{green} << 8 | uint32_t{blue} << 16;
  const int begin = std::max(left, 0), end = std::min(left + size, width);
  for (int y = std::max(top, 0); y < std::min(top + size, height); ++y) {
    uint32_t* line = work.pixels() + size_t{1} * y * width;
    std::fill(line + begin, line + std::max(begin, end), under);
  }
}

}  // namespace

OpRow cutout() {
  const auto values = levels::paper([](int m) { return 2 * m; });
  return {.name = "Cutout",
          .summary = "makes a square of holes",
          .unit = "px",
          .draws = true,
          .low = 0,
          .high = 16384,
          .has_identity = true,
          .identity = 0,
          .holes = HoleEffect::kUnknown,
          .paper = LevelTable{.scale = PixelScale::kShorter, .values = values},
          .plain = apply,
          .prepare = prepare,
          .run = run};
}

}  // namespace popaug::ops
