// The door of room kernels: convolution and batch normalisation for training on a CPU, without
// torch.
//
// Tensors are float32, NHWC (torch's channels_last), contiguous; weights are [out][kh][kw][in],
// which is torch's OIHW in channels_last. Calls share only what the caller passes in, so several
// threads may train several networks if each has its own Workspace. All sums run in an order that
// depends only on the shape, so repeated calls give the same bytes. NaN and infinities propagate as
// in PyTorch, through ReLUs too; a 3x3 convolution may spread them over the tile of 4x4 pixels that
// they fall into.
//
// 3x3 convolutions of stride 1 use Winograd's F(4x4, 3x3) (Lavin and Gray, 1509.09308) at the
// points 0, +-5/8, +-3/2, infinity, which round half as coarsely as the customary 0, +-1, +-2,
// infinity (docs/decisions/conv-fast.md). Depthwise convolutions add shifted rows; all others are
// products of matrices whose rows are the windows of many pixels.
#ifndef POPAUG_KERNELS_KERNELS_H_
#define POPAUG_KERNELS_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace popaug::kernels {

// A buffer of 64-byte aligned floats, zero when first reserved. Large buffers ask for huge pages.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t floats) { reserve(floats); }
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  // Returns room for at least `floats`. The content is lost when the buffer has to grow.
  float* reserve(size_t floats);
  float* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};

// The scratch memory of one thread. Kernels divide it as they need and leave nothing behind.
using Workspace = Buffer;

// A square convolution without bias or dilation. Padding is (kernel - 1) / 2 on all sides; or, with
// `same`, as TensorFlow's "SAME" pads: only as many pixels as the outputs need, the odd one last.
struct ConvShape {
  int batch = 1, height = 1, width = 1;  // of the input
  int in = 1, out = 1;                   // channels
  int kernel = 3;                        // 1, 3, 5 or 7
  int stride = 1;                        // 1 or 2
  bool same = false;
  bool depthwise = false;  // every channel by itself: in == out, kernel 3 or 5
  int out_height() const { return (height - 1) / stride + 1; }
  int out_width() const { return (width - 1) / stride + 1; }
  // Padding above the first row and before the first pixel of a row.
  int pad_top() const { return pad_before(height); }
  int pad_left() const { return pad_before(width); }
  size_t in_pixels() const { return size_t(batch) * size_t(height) * size_t(width); }
  size_t out_pixels() const { return size_t(batch) * size_t(out_height()) * size_t(out_width()); }
  size_t weights() const {
    return size_t(out) * size_t(depthwise ? 1 : in) * size_t(kernel) * size_t(kernel);
  }
  bool winograd() const {
    return kernel == 3 && stride == 1 && in >= 8 && !depthwise && (height > 1 || width > 1);
  }

 private:
  int pad_before(int side) const {
    const int outputs = (side - 1) / stride + 1;
    const int needed = (outputs - 1) * stride + kernel - side;
    return same ? (needed > 0 ? needed / 2 : 0) : (kernel - 1) / 2;
  }
};

// What follows a batch norm: nothing, max(v, 0), or min(max(v, 0), 6).
enum class Clip { kNone, kRelu, kRelu6 };

// What a convolution reads instead of x: clip(scale * (x - mean) + shift), per channel [in]. It is
// computed while rows are read and never stored. If all pointers are null, the convolution reads x
// itself; `clip` then says which function x is the output of, so that gradients are masked by it.
struct Activation {
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  Clip clip = Clip::kNone;
  explicit operator bool() const { return scale != nullptr; }
};

// Mean and sum of squared deviations of each channel over all pixels, collected in double from
// blocks that are each centred on a value of their own: so no digits are lost if the mean of a
// channel is large compared with its spread.
struct Moments {
  explicit Moments(int channels = 0) : mean(size_t(channels)), m2(size_t(channels)) {}
  double count = 0;
  std::vector<double> mean, m2;
};

// Sums over all pixels of a gradient d and of d * (x - mean), per channel, in double. x and the
// mean are those of the activation that d belongs to; where it has no mean, those given here.
struct GradientSums {
  explicit GradientSums(int channels = 0) : sum(size_t(channels)), dot(size_t(channels)) {}
  std::vector<double> sum, dot;
  const float* x = nullptr;
  const float* mean = nullptr;
};

// The gradient that enters a convolution from above: grad itself, or
//   (add ? add : 0) + p * d + q * (x - mean) + r
// per channel [out], which is the backward of a batch normalisation of x, whose output's gradient
// is d. It is computed row by row where it is needed, and stored to `keep` if that is given (it may
// be `add`).
struct Gradient {
  const float* grad = nullptr;
  const float* add = nullptr;
  const float* d = nullptr;
  const float* x = nullptr;
  const float *p = nullptr, *q = nullptr, *r = nullptr, *mean = nullptr;
  float* keep = nullptr;
};

// The weights of one convolution in the layouts that the kernels read. Call pack() again after each
// step.
class Weights {
 public:
  void pack(const ConvShape& shape, const float* weights);
  const float* forward() const { return forward_.data(); }
  const float* backward() const { return backward_.data(); }

 private:
  Buffer forward_, backward_;
};

// y = conv(act(x)) (+ addend). `moments`, if given, receives y's moments.
void conv_forward(const ConvShape& shape, const float* x, const Activation& act,
                  const Weights& weights, const float* addend, float* y, Moments* moments,
                  Workspace& workspace);

// Computes, from the gradient of y, dweights (if not null) and d (if not null): the gradient of
// act(x) times the mask of act's clip. `addend` is another gradient of act(x), which is added
// before the mask; it may be d itself. `sums`, if given, receives the sums of d.
void conv_backward(const ConvShape& shape, const float* x, const Activation& act,
                   const Weights& weights, const Gradient& gradient, float* dweights,
                   const float* addend, float* d, GradientSums* sums, Workspace& workspace);

// Moments of x [pixels][channels].
void moments_of(const float* x, size_t pixels, int channels, Moments* moments);

// y = act(x); y may be x.
void normalise(const float* x, size_t pixels, int channels, const Activation& act, float* y);

// y = clip(act(x) + other(z)): a residual sum. y may be x or z. act has a norm and no clip.
void add(const float* x, const Activation& act, const float* z, const Activation& other, Clip clip,
         size_t pixels, int channels, float* y);

// d = a gradient of act(x) times the mask of act's clip, and its sums: the first half of the
// backward of a batch normalisation. `grad` may be d.
void mask_and_sum(const float* x, const float* grad, size_t pixels, int channels,
                  const Activation& act, float* d, GradientSums* sums);

// The second half of that backward, if no convolution takes the Gradient directly: writes `keep`.
void materialise(const Gradient& gradient, size_t pixels, int channels);

// Mean over the pixels of each image of act(x): [batch][channels], and its backward: d from
// grad [batch][channels], masked, with its sums.
void pool_forward(const float* x, int batch, int pixels, int channels, const Activation& act,
                  float* y);
void pool_backward(const float* x, const float* grad, int batch, int pixels, int channels,
                   const Activation& act, float* d, GradientSums* sums);

// The greatest of 3x3 pixels of act(x), every second pixel, padded by one (ResNet's pooling): y
// [batch][(height + 1) / 2][(width + 1) / 2][channels]; NaN counts as greatest. Backward: d from
// the gradient of y, which goes to the first of equals; masked, with its sums.
void max_pool_forward(const float* x, int batch, int height, int width, int channels,
                      const Activation& act, float* y, Workspace& workspace);
void max_pool_backward(const float* x, const float* y, const float* grad, int batch, int height,
                       int width, int channels, const Activation& act, float* d, GradientSums* sums,
                       Workspace& workspace);

// The instruction sets that this machine can run; tests force each of them in turn.
std::vector<int64_t> supported_targets();
// Uses only this target from now on; 0 lifts the restriction. Not for use while kernels run.
void force_target(int64_t target);

// Plain twins in double, the specification of the kernels above (conv_plain.cc).
namespace plain {
std::vector<double> activated(const std::vector<double>& x, const std::vector<double>& mean,
                              const std::vector<double>& scale, const std::vector<double>& shift,
                              Clip clip);
// 0 where the gradient of `clip` at its output z is 0, otherwise d.
std::vector<double> masked(const std::vector<double>& d, const std::vector<double>& z, Clip clip);
std::vector<double> conv_forward(const ConvShape& shape, const std::vector<double>& x,
                                 const std::vector<double>& weights);
std::vector<double> conv_backward_data(const ConvShape& shape, const std::vector<double>& dy,
                                       const std::vector<double>& weights);
std::vector<double> conv_backward_weights(const ConvShape& shape, const std::vector<double>& x,
                                          const std::vector<double>& dy);
// Mean, then sum of squared deviations, of each channel.
std::vector<double> moments(const std::vector<double>& x, int channels);
}  // namespace plain

}  // namespace popaug::kernels

#endif  // POPAUG_KERNELS_KERNELS_H_
