#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "popaug/kernels/kernels.h"

namespace popaug::kernels {
namespace {
constexpr size_t kHugePage = size_t(2) << 20;
}

Buffer::~Buffer() { std::free(data_); }

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

float* Buffer::reserve(size_t floats) {
  if (floats <= size_) return data_;
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  const bool large = floats * sizeof(float) >= kHugePage;
  const size_t alignment = large ? kHugePage : 64;
  const size_t bytes = (floats * sizeof(float) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  // Touching memory for the first time, page by page, costs more than the convolution that follows.
  // Huge pages avoid that.
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 0, bytes);
  data_ = static_cast<float*>(memory);
  size_ = bytes / sizeof(float);
  return data_;
}

}  // namespace popaug::kernels
