#include "popaug/image/image.h"

#include <algorithm>

#include "popaug/base/setting.h"
#include "popaug/image/internal/resize.h"

namespace popaug {

Image::Image(int width, int height) : width_(width), height_(height) {
  POPAUG_ASSERT(width >= 0 && height >= 0);
  pixels_.resize(size_t{4} * width * height);
  for (size_t i = 3; i < pixels_.size(); i += 4) pixels_[i] = 255;
}

namespace {

// Half of `rest`, halves rounded to even numbers, as Python's round() does.
int half_to_even(int rest) {
  const int half = rest / 2;
  return rest % 2 == 0 ? half : half + half % 2;
}

int scaled(int64_t side, int64_t to, int64_t from) { return static_cast<int>(side * to / from); }

// The outputs first .. first + count - 1 of an axis.
void keep_part(ResizeAxis& axis, int first, int count) {
  const auto begin = static_cast<ptrdiff_t>(first), end = begin + count;
  axis.first.assign(axis.first.begin() + begin, axis.first.begin() + end);
  axis.weights.assign(axis.weights.begin() + begin * axis.taps,
                      axis.weights.begin() + end * axis.taps);
}

// What crop() of resize(image, plan.width, plan.height) gives, without the pixels around it: those
// of a long strip would not fit into memory.
Image resized_part(const Image& image, const FitPlan& plan, int width, int height) {
  ResizeAxis across, down;
  resizing::fill_axis(image.width(), plan.width, across);
  resizing::fill_axis(image.height(), plan.height, down);
  keep_part(across, plan.left, width);
  keep_part(down, plan.top, height);
  const auto [top, last] = std::minmax_element(down.first.begin(), down.first.end());
  const int first_row = *top, rows = *last + down.taps - first_row;
  for (int32_t& row : down.first) row -= first_row;
  const resizing::Kernels& kernels = resizing::kernels();
  Image out(width, height);
  const size_t in_row = size_t{4} * image.width(), out_row = size_t{4} * width;
  std::vector<uint8_t> between(out_row * static_cast<size_t>(rows));
  kernels.across(image.pixel(0, first_row), in_row, rows, across, width, between.data());
  kernels.down(between.data(), out_row, width, down, height, out.data());
  return out;
}

// The mean colour of the image itself: what a network sees of the border says nothing else.
std::array<uint8_t, 3> mean_colour(const Image& image) {
  std::array<uint64_t, 3> sums = {};
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    for (size_t c = 0; c < 3; ++c) sums[c] += image.data()[i + c];
  }
  const uint64_t pixels = image.size_bytes() / 4;
  std::array<uint8_t, 3> mean = {};
  for (size_t c = 0; c < 3; ++c) mean[c] = static_cast<uint8_t>((sums[c] + pixels / 2) / pixels);
  return mean;
}

Image padded(const Image& inner, const FitPlan& plan, int width, int height) {
  Image out(width, height);
  const std::array<uint8_t, 3> border = mean_colour(inner);
  for (size_t i = 0; i < out.size_bytes(); i += 4) {
    std::copy(border.begin(), border.end(), out.data() + i);
  }
  for (int y = 0; y < inner.height(); ++y) {
    std::copy_n(inner.pixel(0, y), size_t{4} * inner.width(), out.pixel(plan.left, plan.top + y));
  }
  return out;
}

}  // namespace

FitPlan plan_fit(int image_width, int image_height, int width, int height, Fit fit) {
  POPAUG_ASSERT(image_width > 0 && image_height > 0 && width > 0 && height > 0);
  FitPlan plan = {width, height, 0, 0};
  if (fit == Fit::kStretch) return plan;
  // Whether the image is narrower than the target, or equally shaped.
  const bool narrow = int64_t{image_width} * height <= int64_t{image_height} * width;
  // To crop, one side fits and the other is longer; to pad, it is shorter.
  if (narrow == (fit == Fit::kCrop)) {
    plan.height = std::max(1, scaled(image_height, width, image_width));
  } else {
    plan.width = std::max(1, scaled(image_width, height, image_height));
  }
  plan.left = half_to_even(std::abs(plan.width - width));
  plan.top = half_to_even(std::abs(plan.height - height));
  return plan;
}

Image fit_image(const Image& image, int width, int height, Fit fit) {
  const FitPlan plan = plan_fit(image.width(), image.height(), width, height, fit);
  if (plan.width == width && plan.height == height) return resize(image, width, height);
  // Such an image becomes smaller, so that it can be resized as a whole.
  if (fit == Fit::kCrop && resizing::goes_down_first(image, plan.height)) {
    const Image whole = resize(image, plan.width, plan.height);
    Image out(width, height);
    for (int y = 0; y < height; ++y) {
      std::copy_n(whole.pixel(plan.left, plan.top + y), size_t{4} * width, out.pixel(0, y));
    }
    return out;
  }
  if (fit == Fit::kCrop) return resized_part(image, plan, width, height);
  return padded(resize(image, plan.width, plan.height), plan, width, height);
}

Fit parse_fit(std::string_view text) {
  if (text.empty() || text == fit_name(Fit::kStretch)) return Fit::kStretch;
  if (text == fit_name(Fit::kCrop)) return Fit::kCrop;
  if (text == fit_name(Fit::kPad)) return Fit::kPad;
  throw UsageError(name_setting("fit") + ": expected stretch, crop or pad, found " + quote(text));
}

std::string fit_name(Fit fit) {
  return fit == Fit::kStretch ? "stretch" : fit == Fit::kCrop ? "crop" : "pad";
}

}  // namespace popaug
