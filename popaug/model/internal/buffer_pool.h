// Buffers that several values of a hand-written pass share, and lend to each other.
#ifndef POPAUG_MODEL_INTERNAL_BUFFER_POOL_H_
#define POPAUG_MODEL_INTERNAL_BUFFER_POOL_H_

#include <memory>
#include <vector>

#include "popaug/kernels/kernels.h"

namespace popaug {

// A buffer that several values may share.
using SharedBuffer = std::shared_ptr<kernels::Buffer>;

inline float* data_of(const SharedBuffer& buffer) { return buffer ? buffer->data() : nullptr; }

// Lends buffers; one whose last borrower has dropped it is lent again.
class BufferPool {
 public:
  SharedBuffer take(size_t floats) {
    SharedBuffer* best = nullptr;  // the smallest that is large enough, else the largest
    for (SharedBuffer& buffer : all_) {
      if (buffer.use_count() > 1) continue;
      const bool fits = buffer->size() >= floats;
      if (best == nullptr || (fits ? (*best)->size() < floats || buffer->size() < (*best)->size()
                                   : (*best)->size() < buffer->size())) {
        best = &buffer;
      }
    }
    if (best == nullptr) best = &all_.emplace_back(std::make_shared<kernels::Buffer>());
    (*best)->reserve(floats);
    return *best;
  }
  // Whether `buffer` is the only handle outside of the pool.
  static bool unique(const SharedBuffer& buffer) {
    return buffer != nullptr && buffer.use_count() == 2;
  }

 private:
  std::vector<SharedBuffer> all_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_BUFFER_POOL_H_
