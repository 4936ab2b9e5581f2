// An op with its value, worked out for one image size: what the engine runs per image. Private to
// room augment.
#ifndef POPAUG_AUGMENT_PREPARED_OP_H_
#define POPAUG_AUGMENT_PREPARED_OP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "popaug/augment/kernels_simd.h"
#include "popaug/augment/op.h"

namespace popaug {

// What one thread works in; made once, used for image after image.
class Workspace {
 public:
  Workspace(int width, int height);
  // The image that ops change, and the one that ops write to before swap().
  uint32_t* pixels() { return current_; }
  uint32_t* other() { return other_; }
  void swap() { std::swap(current_, other_); }
  // That no pixel of the image is a hole: what table-only kernels leave behind, and what the
  // output stage is quicker for. False where nobody looked.
  bool solid() const { return solid_; }
  void set_solid(bool solid) { solid_ = solid; }
  uint32_t* counts() { return counts_.data(); }    // 3 * 256
  uint8_t* tables() { return tables_.data(); }     // 3 * 256
  uint16_t* columns() { return columns_.data(); }  // for sharpness
  float* line() { return line_.data(); }           // 3 rows of the image
  Image& image() { return image_; }                // for plain twins
  Resizer& resizer() { return resizer_; }          // for the random resized crop
  size_t size() const { return size_; }
  int width() const { return width_; }
  int height() const { return height_; }

 private:
  int width_, height_;
  size_t size_;
  std::unique_ptr<uint32_t[]> memory_;
  uint32_t* current_;
  uint32_t* other_;
  bool solid_ = false;
  std::array<uint32_t, 3 * 256> counts_;
  std::array<uint8_t, 3 * 256> tables_;
  std::vector<uint16_t> columns_;
  std::vector<float> line_;
  Image image_;
  Resizer resizer_;
};

// The kernels of one instruction set.
struct Kernels {
  const simd::TableKernels& table = simd::table_kernels();
  const simd::BlendKernels& blend = simd::blend_kernels();
  const simd::GeometryKernels& geometry = simd::geometry_kernels();
  const simd::SharpnessKernels& sharpness = simd::sharpness_kernels();
  const simd::PixelKernels& pixels = simd::pixel_kernels();
  const simd::OutputKernels& output = simd::output_kernels();
  const simd::PlaneKernels& planes = simd::plane_kernels();
  const simd::DrawKernels& draws = simd::draw_kernels();
};

struct PreparedOp {
  enum class Kind : uint8_t {
    kNothing,
    kBits,
    kSolarize,
    kAutoContrast,
    kEqualize,
    kBrightness,
    kContrast,
    kColor,
    kSharpness,
    kAffine,
    kShift,
    kFlip,
    kCutout,
    kPlain,  // no kernel: the row's plain twin, by way of Workspace::image()
  };
  Kind kind = Kind::kNothing;
  uint8_t keep = 255, flip = 0;  // kBits
  int threshold = 0;             // kSolarize
  simd::Blend blend;             // blends
  simd::FixedMap map;            // kAffine
  int dx = 0, dy = 0;            // kShift
  int side = 0;                  // kCutout
  uint32_t fill = 0;             // uncovered pixels
  double value = 0;              // kPlain
  const OpRow* row = nullptr;
};

// The row and the value (scaled, signed) for images of this size.
PreparedOp prepare_op(const OpRow& row, double value, int width, int height, bool hole_fill);

// Applies it to work.pixels(). The same bytes as the row's plain twin.
void run_op(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext& context);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_PREPARED_OP_H_
