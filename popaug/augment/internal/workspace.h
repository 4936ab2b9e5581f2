// What one thread works in: made once, used for image after image.
#ifndef POPAUG_AUGMENT_INTERNAL_WORKSPACE_H_
#define POPAUG_AUGMENT_INTERNAL_WORKSPACE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "popaug/image/image.h"

namespace popaug {

class Workspace {
 public:
  Workspace(int width, int height);
  // The image that ops change, and the one that ops write to before swap(). Their format:
  // packed_pixels.h.
  uint32_t* pixels() { return current_; }
  uint32_t* other() { return other_; }
  void swap() { std::swap(current_, other_); }
  // Whether the image is known to have no hole. The output stage is faster then.
  bool solid() const { return solid_; }
  void set_solid(bool solid) { solid_ = solid; }
  uint32_t* counts() { return counts_.data(); }    // 3 * 256
  uint8_t* tables() { return tables_.data(); }     // 3 * 256
  uint16_t* columns() { return columns_.data(); }  // for sharpness
  float* line() { return line_.data(); }           // 3 rows of the image
  Image& image() { return image_; }                // for plain twins
  Resizer& resizer() { return resizer_; }          // for the random resized crop
  // Memory for a part of a larger image.
  uint32_t* part(size_t pixels) {
    if (part_.size() < pixels) part_.resize(pixels);
    return part_.data();
  }
  size_t size() const { return size_; }  // pixels
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
  std::vector<uint32_t> part_;
  Image image_;
  Resizer resizer_;
};

// Workspaces that are not in use, kept for the next call.
class Workspaces {
 public:
  Workspaces(int width, int height) : width_(width), height_(height) {}

  class Lease {
   public:
    explicit Lease(Workspaces& owner) : owner_(owner), work_(owner.take()) {}
    ~Lease() { owner_.give(std::move(work_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Workspace& operator*() { return *work_; }

   private:
    Workspaces& owner_;
    std::unique_ptr<Workspace> work_;
  };

 private:
  std::unique_ptr<Workspace> take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Workspace> work = std::move(idle_.back());
        idle_.pop_back();
        return work;
      }
    }
    return std::make_unique<Workspace>(width_, height_);
  }
  void give(std::unique_ptr<Workspace> work) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(work));
  }

  int width_, height_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_WORKSPACE_H_
