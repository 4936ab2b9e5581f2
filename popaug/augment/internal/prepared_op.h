// An op with its value, prepared for one image size: what the engine runs per image.
//
// Preparation happens once per Augmenter, for every op, level and sign. It leaves a function and
// its parameters, so that running an op is one indirect call, whatever the op is.
#ifndef POPAUG_AUGMENT_INTERNAL_PREPARED_OP_H_
#define POPAUG_AUGMENT_INTERNAL_PREPARED_OP_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "popaug/augment/internal/kernels.h"
#include "popaug/augment/internal/workspace.h"
#include "popaug/augment/op.h"

namespace popaug {

class PreparedOp {
 public:
  // What OpRow::prepare starts from: the row's `run`, or its plain twin where there is none.
  PreparedOp(const OpRow& row, double value, bool hole_fill);

  // For OpRow::prepare: the parameters of the kernel call, a struct of the op's own.
  template <typename Parameters>
  void use(const Parameters& parameters) {
    static_assert(std::is_trivially_copyable_v<Parameters>);
    static_assert(sizeof(Parameters) <= sizeof(parameters_));
    std::memcpy(parameters_, &parameters, sizeof(Parameters));
  }
  // ... and another kernel call than OpRow::run.
  template <typename Parameters>
  void use(const Parameters& parameters, RunFunction run) {
    use(parameters);
    run_ = run;
  }
  // For OpRow::prepare: no kernel handles this value.
  void use_plain_twin();
  // For OpRow::prepare: this value changes no pixel.
  void use_nothing();

  // For OpRow::run: the parameters that use() stored.
  template <typename Parameters>
  Parameters parameters() const {
    static_assert(sizeof(Parameters) <= sizeof(parameters_));
    Parameters parameters;
    std::memcpy(static_cast<void*>(&parameters), parameters_, sizeof(Parameters));
    return parameters;
  }
  // For OpRow::run: what uncovered pixels become.
  uint32_t fill() const { return fill_; }

  // Applies the op to work.pixels(), and updates work.solid(). The same bytes as the row's plain
  // twin. `context` is for the image at hand; its hole_fill is that of the constructor.
  void run(const Kernels& kernels, Workspace& work, OpContext& context) const {
    work.set_solid(makes_solid_ || (keeps_solid_ && work.solid()));
    run_(*this, kernels, work, context);
  }
  bool is_plain_twin() const { return run_ == &run_plain_twin; }

 private:
  static void run_plain_twin(const PreparedOp& op, const Kernels& kernels, Workspace& work,
                             OpContext& context);

  RunFunction run_;
  alignas(8) std::byte parameters_[32] = {};
  uint32_t fill_;
  // The effect on an image without holes: OpRow::holes.
  bool makes_solid_, keeps_solid_;
  const OpRow* row_;
  double value_;
};

// The row and the value (scaled, signed) for images of this size. The row must outlive the result.
PreparedOp prepare_op(const OpRow& row, double value, int width, int height, bool hole_fill);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_PREPARED_OP_H_
