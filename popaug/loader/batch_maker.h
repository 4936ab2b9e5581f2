// Makes batches: reads images, augments them under a schedule, and writes them where the caller
// says.
#ifndef POPAUG_LOADER_BATCH_MAKER_H_
#define POPAUG_LOADER_BATCH_MAKER_H_

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/loader/image_source.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// What the numbers of a batch are.
enum class BatchType {
  kFloat32,   // normalised, holes 0
  kBFloat16,  // the same, rounded to the nearest, ties to even
  kBytes,     // uint8, holes in the mean colour
};

// How a batch lies in memory: [images, channels, height, width] or, channels last, [images, height,
// width, channels], without gaps.
struct BatchForm {
  BatchType type = BatchType::kFloat32;
  bool channels_last = false;
  Normalisation normalisation;  // one number for each channel of the images
};

// Thread safe after construction.
class BatchMaker {
 public:
  // Throws as Augmenter does, at the first batch of a segment that does not fit the images.
  BatchMaker(Schedule schedule, ImageSource source, BatchForm form);

  // The bytes of one image of a batch.
  size_t image_bytes() const;
  const ImageSource& source() const { return source_; }
  const Schedule& schedule() const { return schedule_; }

  // Image indices[i] of the source under `key`, with its own number as the sample, to position
  // `first` + i of the batch at `out`; `mixed[i]` receives what it was mixed with. Partners are
  // drawn from all images of the source. `key` is (seed, stream, epoch). `table` is a number that
  // changes when the table of ops does: what was prepared under another one is prepared anew.
  // Throws Error with the name of a file that cannot be read.
  void make(std::span<const uint32_t> indices, const SampleKey& key, size_t first, std::byte* out,
            Mixed* mixed, uint64_t table = 0) const;

 private:
  struct Plan {
    uint64_t table;
    size_t segment;
    std::shared_ptr<const Augmenter> augmenter;
  };
  std::shared_ptr<const Augmenter> plan_for(size_t segment, uint64_t table) const;
  template <typename Output>
  void make_into(const Output& out, std::span<const uint32_t> indices, const SampleKey& key,
                 Mixed* mixed, uint64_t table) const;
  template <typename Output>
  void make_of_files(const Output& out, const Augmenter& augmenter, const BaseTransforms& base,
                     std::span<const uint32_t> indices, const SampleKey& key, Mixed* mixed) const;

  Schedule schedule_;
  ImageSource source_;
  BatchForm form_;
  std::vector<double> least_areas_;  // of each segment: what files are cropped to while decoded
  std::vector<uint32_t> all_;        // 0 .. count - 1
  mutable std::mutex mutex_;
  mutable std::vector<Plan> plans_;  // those of the last segments, the newest last
};

}  // namespace popaug

#endif  // POPAUG_LOADER_BATCH_MAKER_H_
