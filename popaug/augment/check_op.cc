#include "popaug/augment/check_op.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <future>
#include <set>

namespace popaug {
namespace {

constexpr std::array<std::array<int, 2>, 9> kSizes = {
    {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {5, 5}, {17, 31}, {28, 28}, {32, 32}, {300, 200}}};

Image random_image(int width, int height, bool grey, Random& random) {
  Image image(width, height);
  const int holes = static_cast<int>(random.below(3));  // none, some, a block
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.pixel(x, y);
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(random.next32());
      if (grey) pixel[1] = pixel[2] = pixel[0];
      if (holes == 1 && random.below(8) == 0) pixel[3] = 0;
      if (holes == 2 && x < width / 2 && y < height / 2) pixel[3] = 0;
    }
  }
  return image;
}

std::vector<double> values_of(const OpRow& row, Random& random) {
  if (!row.uses_value) return {0};
  std::vector<double> values = {row.low, row.high};
  if (row.has_identity) values.push_back(row.identity);
  for (int i = 0; i < 3; ++i) values.push_back(row.low + (row.high - row.low) * random.uniform());
  if (row.unit == "bits") {
    for (double& value : values) value = static_cast<int>(value);
  }
  return values;
}

bool is_grey(const Image& image) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    const uint8_t* pixel = image.data() + i;
    if (pixel[0] != pixel[1] || pixel[0] != pixel[2]) return false;
  }
  return true;
}

// Whether every pixel has at least this alpha.
bool has_alpha(const Image& image, uint8_t least) {
  for (size_t i = 3; i < image.size_bytes(); i += 4) {
    if (image.data()[i] < least) return false;
  }
  return true;
}

// One op on one image, and the promises that can be seen there.
class Trial {
 public:
  Trial(const OpRow& row, const Image& image, bool grey, const RandomKey& key,
        std::set<std::string>& faults)
      : row_(row), image_(image), grey_(grey), key_(key), faults_(faults) {}

  void check(double value) {
    value_ = value;
    Random drawn(key_);
    const Image result = apply(image_, value, drawn);
    expect(result.width() == image_.width() && result.height() == image_.height(),
           "changes the size of the image");
    Random fresh(key_);
    expect(row_.draws || drawn.next64() == fresh.next64(), "draws, but its row says it does not");
    expect(apply_again(value) == result, "gives other bytes when called again with the same draws");
    // What an op throws on another thread is rethrown here.
    const Image elsewhere =
        std::async(std::launch::async, [&] { return apply_again(value); }).get();
    expect(elsewhere == result, "gives other bytes on another thread");
    if (!row_.uses_value) {
      expect(apply_again(value + 3) == result, "depends on a value that its row says it ignores");
    }
    if (row_.has_identity && (value == row_.identity || !row_.uses_value)) {
      expect(result == image_, "changes pixels at its identity value");
    }
    check_holes(result);
    if (grey_) {
      expect(is_grey(result), "makes a grey image coloured");
      if (!row_.changes_grey) {
        expect(result == image_, "changes a grey image, but its row says it cannot");
      }
    }
  }

 private:
  void check_holes(const Image& result) {
    if (row_.holes == HoleEffect::kFills) {
      expect(has_alpha(result, 255), "leaves a hole, but its row says it fills them");
    }
    if (!has_alpha(image_, 255)) return;
    if (row_.holes == HoleEffect::kKeeps) {
      expect(has_alpha(result, 1), "makes a hole, but its row says it does not");
    }
    if (row_.holes == HoleEffect::kUncovers) {
      Random random(key_);
      expect(has_alpha(apply(image_, value_, random, false), 255),
             "makes a hole where the space asks for black");
    }
  }

  Image apply(const Image& image, double value, Random& random, bool hole_fill = true) const {
    Image result = image;
    OpContext context{&random, hole_fill, grey_};
    row_.plain(result, value, context);
    return result;
  }
  Image apply_again(double value) const {
    Random random(key_);
    return apply(image_, value, random);
  }

  // Each broken promise once, with the first place where it was seen.
  void expect(bool holds, const std::string& promise) {
    const std::string start = "op " + row_.name + " " + promise;
    if (holds || std::any_of(faults_.begin(), faults_.end(),
                             [&](const std::string& fault) { return fault.starts_with(start); })) {
      return;
    }
    faults_.insert(start + " (value " + number_text(value_) + ", " +
                   std::to_string(image_.width()) + "x" + std::to_string(image_.height()) +
                   (grey_ ? ", grey)" : ")"));
  }

  const OpRow& row_;
  const Image& image_;
  bool grey_;
  RandomKey key_;
  std::set<std::string>& faults_;
  double value_ = 0;
};

}  // namespace

std::vector<std::string> check_op_row(const OpRow& row, uint64_t seed) {
  std::set<std::string> faults;
  Random random({.seed = seed, .purpose = Purpose::kTest});
  for (const auto& [width, height] : kSizes) {
    for (int round = 0; round < 6; ++round) {
      const bool grey = round % 2 == 1;
      const Image image = random_image(width, height, grey, random);
      const RandomKey key{.seed = seed, .purpose = Purpose::kOp, .sample = random.next32()};
      try {
        Trial trial(row, image, grey, key, faults);
        for (const double value : values_of(row, random)) trial.check(value);
      } catch (const Error& error) {
        faults.insert(error.what());
        return {faults.begin(), faults.end()};
      }
    }
  }
  return {faults.begin(), faults.end()};
}

}  // namespace popaug
