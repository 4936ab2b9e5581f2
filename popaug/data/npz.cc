// NumPy archives as MedMNIST lays them out: train_images, train_labels, val_..., test_...; or as
// Keras does: x_train, y_train, x_test, y_test.
#include <zip.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "popaug/data/npy.h"
#include "popaug/data/source.h"

namespace popaug::source {
namespace {

// libzip's archive over bytes in memory.
class Archive {
 public:
  Archive(std::string_view bytes, const std::string& origin) : origin_(origin) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source != nullptr) {
      zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
      if (zip_ == nullptr) zip_source_free(source);
    }
    const std::string reason = zip_ == nullptr ? zip_error_strerror(&error) : "";
    zip_error_fini(&error);
    if (zip_ == nullptr) throw Error(origin + ": the ZIP archive is broken (" + reason + ")");
  }
  ~Archive() { zip_discard(zip_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  bool has(const std::string& name) const { return zip_name_locate(zip_, name.c_str(), 0) >= 0; }

  // The whole entry.
  Memory::Block read(const std::string& name, uint64_t archive_bytes, Memory& memory) {
    zip_stat_t status;
    zip_stat_init(&status);
    const std::string where = origin_ + ": entry " + name;
    constexpr uint64_t kMaxRatio = 1032;  // of deflate (zlib technical details)
    if (zip_stat(zip_, name.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0 ||
        status.size / kMaxRatio > archive_bytes) {
      throw Error(where + " announces more than the archive can hold");
    }
    Memory::Block block = memory.take(status.size, origin_);
    const std::span<uint8_t> bytes = block.bytes;
    zip_file_t* file = zip_fopen(zip_, name.c_str(), 0);
    if (file == nullptr) throw Error(where + " cannot be read (" + zip_strerror(zip_) + ")");
    size_t got = 0;
    zip_int64_t n = 0;
    while (got < bytes.size() &&
           (n = zip_fread(file, bytes.data() + got, bytes.size() - got)) > 0) {
      got += static_cast<size_t>(n);
    }
    char extra;
    const bool ended = n >= 0 && zip_fread(file, &extra, 1) == 0;  // checks the CRC
    const bool closed = zip_fclose(file) == 0;
    if (got != bytes.size() || !ended || !closed) {
      throw Error(where + " is broken or cut short");
    }
    return block;
  }

 private:
  std::string origin_;
  zip_t* zip_ = nullptr;
};

std::vector<uint32_t> labels_of(const NpyArray& array, size_t images, const std::string& where) {
  const bool flat = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
  if (!flat) {
    throw Error(where + " has several labels for each image; popaug learns one class per image");
  }
  if (array.shape[0] != images) {
    throw Error(where + " holds " + std::to_string(array.shape[0]) + " labels for " +
                std::to_string(images) + " images");
  }
  std::vector<uint32_t> labels(images);
  for (size_t i = 0; i < images; ++i) {
    const double value = array.number(i);
    constexpr double kMost = 1e6;
    if (!(value >= 0 && value < kMost) || value != std::floor(value)) {
      throw Error(where + ": label " + std::to_string(i) + " is " + number_text(value) +
                  "; expected whole numbers from 0");
    }
    labels[i] = static_cast<uint32_t>(value);
  }
  return labels;
}

SourceSplit split_of(const Memory::Block& images_block, const Memory::Block& labels_block,
                     const std::string& images_where, const std::string& labels_where,
                     const std::string& name) {
  const NpyArray images = parse_npy(images_block.text(), images_where);
  const size_t rank = images.shape.size();
  const uint64_t channels = rank == 4 ? images.shape[3] : 1;
  constexpr uint64_t kMaxSide = 16384;
  if (images.type != "|u1" || images.by_columns || rank < 3 || rank > 4 ||
      (channels != 1 && channels != 3) || images.shape[1] == 0 || images.shape[2] == 0 ||
      images.shape[1] > kMaxSide || images.shape[2] > kMaxSide) {
    throw Error(images_where + " is " + images.text() +
                "; expected uint8 images x height x width, with 1 or 3 channels last if at all");
  }
  SourceSplit out;
  out.split.name = name;
  out.split.width = static_cast<int>(images.shape[2]);
  out.split.height = static_cast<int>(images.shape[1]);
  out.split.channels = static_cast<int>(channels);
  out.split.pixels = {reinterpret_cast<const uint8_t*>(images.data.data()), images.data.size()};
  out.split.storage = images_block.keeper;
  out.split.labels =
      labels_of(parse_npy(labels_block.text(), labels_where), images.shape[0], labels_where);
  return out;
}

}  // namespace

Source parse_npz(std::string_view bytes, const std::string& origin, Memory& memory) {
  Archive archive(bytes, origin);
  Source source;
  source.kind = "npz";
  uint32_t highest = 0;
  for (const std::string split : {"train", "val", "test"}) {
    for (const auto& [images, labels] : {std::pair(split + "_images.npy", split + "_labels.npy"),
                                         std::pair("x_" + split + ".npy", "y_" + split + ".npy")}) {
      if (!archive.has(images)) continue;
      if (!archive.has(labels)) throw Error(origin + ": has " + images + ", but no " + labels);
      const Memory::Block pixels = archive.read(images, bytes.size(), memory);
      source.splits.push_back(split_of(pixels, archive.read(labels, bytes.size(), memory),
                                       origin + ": entry " + images, origin + ": entry " + labels,
                                       split));
      for (const uint32_t label : source.splits.back().split.labels) {
        highest = std::max(highest, label);
      }
      break;
    }
  }
  if (source.splits.empty()) {
    throw Error(origin + ": has no train_images and train_labels, as MedMNIST names them");
  }
  source.classes = number_names(highest + 1);
  return source;
}

Source open_npz(const fs::path& file, Memory& memory) {
  const MappedText archive(file);
  Source source = parse_npz(archive.text, show_path(file), memory);
  const std::vector<std::string> names = class_file(file.parent_path());
  if (names.empty()) return source;
  if (names.size() < source.classes.size()) {
    throw Error(show_path(file.parent_path() / "classes.txt") + ": names " +
                std::to_string(names.size()) + " classes, but the labels go up to " +
                std::to_string(source.classes.size() - 1));
  }
  source.classes = names;
  return source;
}

}  // namespace popaug::source
