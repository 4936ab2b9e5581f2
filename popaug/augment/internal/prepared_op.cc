#include "popaug/augment/internal/prepared_op.h"

namespace popaug {
namespace {

void run_nothing(const PreparedOp&, const Kernels&, Workspace&, OpContext&) {}

}  // namespace

PreparedOp::PreparedOp(const OpRow& row, double value, bool hole_fill)
    : run_(row.run != nullptr ? row.run : &run_plain_twin),
      fill_(hole_fill ? 0 : simd::kOpaque),
      makes_solid_(row.holes == HoleEffect::kFills),
      keeps_solid_(row.holes == HoleEffect::kKeeps ||
                   (row.holes == HoleEffect::kUncovers && !hole_fill)),
      row_(&row),
      value_(value) {}

void PreparedOp::use_plain_twin() { run_ = &run_plain_twin; }

void PreparedOp::use_nothing() {
  run_ = run_nothing;
  makes_solid_ = false;
  keeps_solid_ = true;
}

void PreparedOp::run_plain_twin(const PreparedOp& op, const Kernels&, Workspace& work,
                                OpContext& context) {
  Image& image = work.image();
  if (image.width() != work.width()) image = Image(work.width(), work.height());
  std::memcpy(image.data(), work.pixels(), image.size_bytes());
  op.row_->plain(image, op.value_, context);
  std::memcpy(work.pixels(), image.data(), image.size_bytes());
}

PreparedOp prepare_op(const OpRow& row, double value, int width, int height, bool hole_fill) {
  PreparedOp op(row, value, hole_fill);
  if (row.prepare != nullptr) row.prepare(op, value, width, height);
  return op;
}

}  // namespace popaug
