// The kernels of this room, written as their definitions, in double.
#include "popaug/kernels/kernels.h"

namespace popaug::kernels::plain {
namespace {

// Calls visit(x index of channel 0, y index of channel 0, tap) for every pair that the convolution
// multiplies; tap counts kh * kernel + kw.
template <class Visit>
void for_pairs(const ConvShape& s, const Visit& visit) {
  const int top = s.pad_top(), left = s.pad_left(), oh = s.out_height(), ow = s.out_width();
  for (int n = 0; n < s.batch; ++n) {
    for (int oy = 0; oy < oh; ++oy) {
      for (int ox = 0; ox < ow; ++ox) {
        for (int tap = 0; tap < s.kernel * s.kernel; ++tap) {
          const int y = oy * s.stride + tap / s.kernel - top;
          const int x = ox * s.stride + tap % s.kernel - left;
          if (y < 0 || y >= s.height || x < 0 || x >= s.width) continue;
          visit(size_t((n * s.height + y) * s.width + x) * size_t(s.in),
                size_t((n * oh + oy) * ow + ox) * size_t(s.out), size_t(tap));
        }
      }
    }
  }
}

// Calls visit(output channel, input channel, index of their weight of a tap).
template <class Visit>
void for_channels(const ConvShape& s, size_t tap, const Visit& visit) {
  const size_t taps = size_t(s.kernel * s.kernel), in = size_t(s.in);
  for (size_t o = 0; o < size_t(s.out); ++o) {
    if (s.depthwise) {
      visit(o, o, o * taps + tap);
    } else {
      for (size_t i = 0; i < in; ++i) visit(o, i, (o * taps + tap) * in + i);
    }
  }
}

}  // namespace

std::vector<double> activated(const std::vector<double>& x, const std::vector<double>& mean,
                              const std::vector<double>& scale, const std::vector<double>& shift,
                              Clip clip) {
  std::vector<double> z(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % mean.size();
    const double v = scale[c] * (x[i] - mean[c]) + shift[c];
    z[i] = v;  // every comparison with NaN is false, so NaN stays NaN
    if (clip != Clip::kNone && v <= 0) z[i] = 0;
    if (clip == Clip::kRelu6 && v > 6) z[i] = 6;
  }
  return z;
}

std::vector<double> masked(const std::vector<double>& d, const std::vector<double>& z, Clip clip) {
  std::vector<double> result(d);
  for (size_t i = 0; i < d.size(); ++i) {
    if (clip != Clip::kNone && z[i] <= 0) result[i] = 0;
    if (clip == Clip::kRelu6 && z[i] >= 6) result[i] = 0;
  }
  return result;
}

std::vector<double> conv_forward(const ConvShape& s, const std::vector<double>& x,
                                 const std::vector<double>& weights) {
  std::vector<double> y(s.out_pixels() * size_t(s.out));
  for_pairs(s, [&](size_t xi, size_t yi, size_t tap) {
    for_channels(s, tap,
                 [&](size_t o, size_t i, size_t w) { y[yi + o] += x[xi + i] * weights[w]; });
  });
  return y;
}

std::vector<double> conv_backward_data(const ConvShape& s, const std::vector<double>& dy,
                                       const std::vector<double>& weights) {
  std::vector<double> dx(s.in_pixels() * size_t(s.in));
  for_pairs(s, [&](size_t xi, size_t yi, size_t tap) {
    for_channels(s, tap,
                 [&](size_t o, size_t i, size_t w) { dx[xi + i] += dy[yi + o] * weights[w]; });
  });
  return dx;
}

std::vector<double> conv_backward_weights(const ConvShape& s, const std::vector<double>& x,
                                          const std::vector<double>& dy) {
  std::vector<double> dw(s.weights());
  for_pairs(s, [&](size_t xi, size_t yi, size_t tap) {
    for_channels(s, tap, [&](size_t o, size_t i, size_t w) { dw[w] += dy[yi + o] * x[xi + i]; });
  });
  return dw;
}

std::vector<double> moments(const std::vector<double>& x, int channels) {
  const size_t c = size_t(channels);
  std::vector<double> result(2 * c);
  const size_t pixels = x.size() / c;
  const double n = double(pixels);
  for (size_t i = 0; i < x.size(); ++i) result[i % c] += x[i] / n;
  for (size_t i = 0; i < x.size(); ++i) {
    const double delta = x[i] - result[i % c];
    result[c + i % c] += delta * delta;
  }
  return result;
}

}  // namespace popaug::kernels::plain
