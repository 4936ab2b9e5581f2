#include "popaug/loader/memory_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace popaug {
namespace {

constexpr size_t kLine = 64, kHugePage = size_t{2} << 20;

struct Free {
  void operator()(std::byte* block) const { std::free(block); }
};
using Block = std::unique_ptr<std::byte, Free>;

Block new_block(size_t bytes) {
  const size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  const size_t size = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  Block block(static_cast<std::byte*>(std::aligned_alloc(alignment, size)));
  if (block == nullptr) throw std::bad_alloc();
  // Advice only: without it the pages are small, and nothing else changes.
  if (alignment == kHugePage) ::madvise(block.get(), size, MADV_HUGEPAGE);
  return block;
}

}  // namespace

struct MemoryPool::Shared {
  size_t bytes, kept;
  std::mutex mutex;
  std::vector<Block> free;
};

MemoryPool::MemoryPool(size_t bytes, size_t kept) : shared_(std::make_shared<Shared>()) {
  shared_->bytes = bytes;
  shared_->kept = kept;
  shared_->free.reserve(kept);
}

std::shared_ptr<std::byte> MemoryPool::take() {
  Block block;
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->free.empty()) {
      block = std::move(shared_->free.back());
      shared_->free.pop_back();
    }
  }
  if (block == nullptr) block = new_block(shared_->bytes);
  const auto give_back = [pool = shared_](std::byte* pointer) {
    Block returned(pointer);
    const std::lock_guard lock(pool->mutex);
    if (pool->free.size() < pool->kept) pool->free.push_back(std::move(returned));
  };
  return {block.release(), give_back};
}

}  // namespace popaug
