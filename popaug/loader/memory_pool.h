// Memory for batches, used again once nobody holds it.
//
// A fresh block of some megabytes costs a page fault for each of its pages, which takes longer than
// making the batch. So blocks are kept and handed out again.
#ifndef POPAUG_LOADER_MEMORY_POOL_H_
#define POPAUG_LOADER_MEMORY_POOL_H_

#include <cstddef>
#include <memory>

namespace popaug {

// Blocks of one size. Thread safe. Blocks stay valid when the pool is gone.
class MemoryPool {
 public:
  // Keeps at most `kept` blocks that nobody holds.
  MemoryPool(size_t bytes, size_t kept);

  // A block of `bytes`, on a cache line, contents undefined. It goes back to the pool when the last
  // copy of the pointer is gone, and never before: no two holders share a block. Throws
  // std::bad_alloc.
  std::shared_ptr<std::byte> take();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace popaug

#endif  // POPAUG_LOADER_MEMORY_POOL_H_
