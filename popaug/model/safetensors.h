// The safetensors file format: tensors by name, and text (docs/formats/checkpoint.md).
#ifndef POPAUG_MODEL_SAFETENSORS_H_
#define POPAUG_MODEL_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// One tensor of a file, row-major, little-endian. `bytes` is not owned.
struct RawTensor {
  std::string name;
  std::string dtype;           // "F32", "F64", "F16", "BF16", "I64", "U8", ...
  std::vector<int64_t> shape;  // [] for a scalar
  std::string_view bytes;
  int64_t elements() const;
};

struct RawTensors {
  std::map<std::string, std::string> metadata;
  std::vector<RawTensor> tensors;                      // in the order of their bytes
  const RawTensor* find(std::string_view name) const;  // nullptr if absent
};

// Parses a whole file; the result points into `bytes`. Throws Error starting with `origin` for
// anything that the format forbids: a header that is not a JSON object or is too large, unknown
// types, sizes that do not agree, overlaps, gaps, bytes left over, a duplicate name.
RawTensors parse_safetensors(std::string_view bytes, const std::string& origin);

// Returns the bytes of a file: tensors in the given order, the same bytes for the same input.
std::string make_safetensors(const RawTensors& tensors);

}  // namespace popaug

#endif  // POPAUG_MODEL_SAFETENSORS_H_
