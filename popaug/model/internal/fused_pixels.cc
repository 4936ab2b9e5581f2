#include "popaug/model/internal/fused_pixels.h"

#include <cstring>
#include <vector>

namespace popaug {
namespace {

using kernels::Activation;
using kernels::Clip;

// Calls work(image, oy, ox) for every pixel of the output, in order.
template <class Work>
void for_pixels(const PixelGrid& grid, const Work& work) {
  for (int image = 0; image < grid.batch; ++image) {
    for (int oy = 0; oy < grid.out_height(); ++oy) {
      for (int ox = 0; ox < grid.out_width(); ++ox) work(image, oy, ox);
    }
  }
}

// Where pixel (y, x) of an image begins.
size_t begin_of(const PixelGrid& grid, int image, int y, int x) {
  return ((size_t(image) * size_t(grid.height) + size_t(y)) * size_t(grid.width) + size_t(x)) *
         size_t(grid.in);
}

bool inside(const PixelGrid& grid, int y, int x) {
  return y >= 0 && x >= 0 && y < grid.height && x < grid.width;
}

size_t floats_of(const PixelGrid& grid) {
  return size_t(grid.batch) * size_t(grid.height) * size_t(grid.width) * size_t(grid.in);
}

// The share of an image's branch.
float share_of(const float* shares, int image, bool second) {
  const float share = shares ? shares[image] : 0.5f;
  return second ? 1 - share : share;
}

// factor * act, whose norm has no clip.
class Scaled {
 public:
  explicit Scaled(int channels) : scale_(size_t(channels)), shift_(size_t(channels)) {}
  Activation of(const Activation& act, float factor) {
    for (size_t c = 0; c < scale_.size(); ++c) {
      scale_[c] = factor * act.scale[c];
      shift_[c] = factor * act.shift[c];
    }
    return {act.mean, scale_.data(), shift_.data(), Clip::kNone};
  }

 private:
  std::vector<float> scale_, shift_;
};

}  // namespace

void subsample(const PixelGrid& grid, const float* x, const Activation& act, int out, float* y) {
  for_pixels(grid, [&](int image, int oy, int ox) {
    kernels::normalise(x + begin_of(grid, image, oy * grid.stride, ox * grid.stride), 1, grid.in,
                       act, y);
    std::memset(y + grid.in, 0, size_t(out - grid.in) * sizeof(float));
    y += out;
  });
}

void subsample_backward(const PixelGrid& grid, const float* grad, int out, float* d) {
  std::memset(d, 0, floats_of(grid) * sizeof(float));
  for_pixels(grid, [&](int image, int oy, int ox) {
    std::memcpy(d + begin_of(grid, image, oy * grid.stride, ox * grid.stride), grad,
                size_t(grid.in) * sizeof(float));
    grad += out;
  });
}

void pair_pixels(const PixelGrid& grid, const float* x, int shift, float* y) {
  const size_t bytes = size_t(grid.in) * sizeof(float);
  for_pixels(grid, [&](int image, int oy, int ox) {
    const int row = oy * grid.stride, column = ox * grid.stride;
    std::memcpy(y, x + begin_of(grid, image, row, column), bytes);
    y += grid.in;
    if (inside(grid, row - shift, column - shift)) {
      std::memcpy(y, x + begin_of(grid, image, row - shift, column - shift), bytes);
    } else {
      std::memset(y, 0, bytes);
    }
    y += grid.in;
  });
}

void pair_pixels_backward(const PixelGrid& grid, const float* grad, int shift, float* d) {
  std::memset(d, 0, floats_of(grid) * sizeof(float));
  const auto add = [&](int image, int y, int x) {
    float* to = d + begin_of(grid, image, y, x);
    for (int c = 0; c < grid.in; ++c) to[c] += grad[c];
  };
  for_pixels(grid, [&](int image, int oy, int ox) {
    const int row = oy * grid.stride, column = ox * grid.stride;
    add(image, row, column);
    grad += grid.in;
    if (inside(grid, row - shift, column - shift)) add(image, row - shift, column - shift);
    grad += grid.in;
  });
}

void mix_images(int batch, size_t pixels, int channels, const Summand& one, const Summand& two,
                const Summand& rest, const float* shares, float* y) {
  const size_t image_floats = pixels * size_t(channels);
  if (two.x == nullptr) {
    kernels::normalise(one.x, size_t(batch) * pixels, channels, one.act, y);
    return;
  }
  Scaled first(channels), second(channels);
  for (int image = 0; image < batch; ++image) {
    const size_t at = size_t(image) * image_floats;
    kernels::add(one.x + at, first.of(one.act, share_of(shares, image, false)), rest.x + at,
                 rest.act, Clip::kNone, pixels, channels, y + at);
    kernels::add(two.x + at, second.of(two.act, share_of(shares, image, true)), y + at, {},
                 Clip::kNone, pixels, channels, y + at);
  }
}

void scale_images(int batch, size_t pixels, int channels, const float* x, const float* shares,
                  bool second, float* y) {
  const std::vector<float> zeros(size_t(channels), 0.0f);
  std::vector<float> scale(size_t(channels), 0.0f);
  for (int image = 0; image < batch; ++image) {
    scale.assign(scale.size(), share_of(shares, image, second));
    const size_t at = size_t(image) * pixels * size_t(channels);
    kernels::normalise(x + at, pixels, channels,
                       {zeros.data(), scale.data(), zeros.data(), Clip::kNone}, y + at);
  }
}

}  // namespace popaug
