// SVHN's 32x32 sets (ufldl.stanford.edu/housenumbers): MATLAB level 5 MAT-files with an array X of
// bytes, 32x32x3xN by columns, and labels y. Only what these two arrays need of the format
// ("MAT-File Format", MathWorks, chapter 1) is read.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "popaug/data/internal/inflate.h"
#include "popaug/data/internal/source.h"

namespace popaug::source {
namespace {

constexpr size_t kHeader = 128;
enum Type : uint32_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kMatrix = 14,
  kCompressed = 15
};

struct Element {
  uint32_t type = 0;
  std::string_view data;
};

class Elements {
 public:
  Elements(std::string_view bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {}
  bool done() const { return bytes_.empty(); }

  Element next() {
    constexpr size_t kTag = 8;
    if (bytes_.size() < kTag) cut_short();
    const uint32_t first = word(0);
    Element element;
    // A small element holds its size and up to four bytes in the tag itself.
    if (const uint32_t small = first >> 16; small != 0) {
      if (small > 4)
        throw Error(origin_ + ": the MAT-file is broken (a small element of " +
                    std::to_string(small) + " bytes)");
      element = {first & 0xFFFF, bytes_.substr(4, small)};
      bytes_.remove_prefix(kTag);
      return element;
    }
    const uint64_t size = word(4);
    if (size > bytes_.size() - kTag) cut_short();
    element = {first, bytes_.substr(kTag, size)};
    // Elements are padded to 8 bytes, compressed ones are not.
    const uint64_t padded = first == kCompressed ? size : (size + 7) / 8 * 8;
    bytes_.remove_prefix(kTag + std::min<uint64_t>(padded, bytes_.size() - kTag));
    return element;
  }

 private:
  uint32_t word(size_t at) const {
    uint32_t value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  [[noreturn]] void cut_short() const { throw Error(origin_ + ": the MAT-file is cut short"); }
  std::string_view bytes_;
  std::string origin_;
};

struct Array {
  std::vector<uint64_t> sizes;
  uint32_t type = 0;
  Memory::Block storage;  // of a compressed array, else empty
  std::string_view data;  // into the storage or the file
};

size_t bytes_of(uint32_t type) {
  switch (type) {
    case kInt8:
    case kUint8:
      return 1;
    case kInt16:
    case kUint16:
      return 2;
    case kInt32:
    case kUint32:
    case kSingle:
      return 4;
    case kDouble:
      return 8;
    default:
      return 0;
  }
}

// The array of one matrix element that is called X or y, and its name; none of any other.
std::optional<std::pair<std::string, Array>> read_matrix(std::string_view data,
                                                         const std::string& origin) {
  Elements parts(data, origin);
  parts.next();  // flags: class and complexity, which the data's type settles
  const Element sizes = parts.next();
  const std::string name(parts.next().data);
  if (name != "X" && name != "y") return std::nullopt;
  const Element values = parts.next();
  Array array;
  if (sizes.type != kInt32 || sizes.data.size() % 4 != 0) {
    throw Error(origin + ": the sizes of array " + name + " are broken");
  }
  uint64_t count = 1;
  for (size_t i = 0; i < sizes.data.size() / 4; ++i) {
    int32_t size;
    std::memcpy(&size, sizes.data.data() + 4 * i, sizeof size);
    if (size < 0) throw Error(origin + ": array " + name + " has a negative size");
    array.sizes.push_back(static_cast<uint64_t>(size));
    if (size != 0 && count > UINT64_MAX / 8 / static_cast<uint64_t>(size)) {
      throw Error(origin + ": array " + name + " declares more values than a file can hold");
    }
    count *= static_cast<uint64_t>(size);
  }
  array.type = values.type;
  array.data = values.data;
  const size_t each = bytes_of(values.type);
  if (each == 0) {
    throw Error(origin + ": array " + name + " is of a kind that SVHN does not use");
  }
  if (values.data.size() != count * each) {
    throw Error(origin + ": array " + name + " has " + std::to_string(values.data.size()) +
                " bytes, but declares " + std::to_string(count * each));
  }
  return std::pair(name, std::move(array));
}

// Inflates a compressed element, whose first 8 bytes say how long it is.
Memory::Block inflated(std::string_view data, const std::string& origin, Memory& memory) {
  const std::string tag = inflate_prefix(data, 8, origin);
  if (tag.size() < 8) throw Error(origin + ": the MAT-file is cut short");
  uint32_t words[2];
  std::memcpy(words, tag.data(), sizeof words);
  if (words[0] != kMatrix) throw Error(origin + ": a compressed element is not an array");
  return inflate_exactly(data, 8 + uint64_t{words[1]}, origin, memory);
}

// X and y; what comes after both is not looked at.
std::map<std::string, Array> find_arrays(std::string_view file, const std::string& origin,
                                         Memory& memory) {
  std::map<std::string, Array> found;
  Elements elements(file.substr(kHeader), origin);
  while (!elements.done() && found.size() < 2) {
    Element element = elements.next();
    Memory::Block storage;
    if (element.type == kCompressed) {
      storage = inflated(element.data, origin, memory);
      element = Elements(storage.text(), origin).next();
    }
    if (element.type != kMatrix) continue;
    if (auto array = read_matrix(element.data, origin)) {
      array->second.storage = std::move(storage);
      found.insert(std::move(*array));
    }
  }
  for (const char* name : {"X", "y"}) {
    if (!found.contains(name)) {
      throw Error(origin + ": has no array called " + name + "; expected SVHN's X and y");
    }
  }
  return found;
}

double value_at(const Array& array, size_t i) {
  const auto as = [&](auto value) {
    std::memcpy(&value, array.data.data() + i * sizeof value, sizeof value);
    return static_cast<double>(value);
  };
  switch (array.type) {
    case kInt8:
      return as(int8_t{});
    case kUint8:
      return as(uint8_t{});
    case kInt16:
      return as(int16_t{});
    case kUint16:
      return as(uint16_t{});
    case kInt32:
      return as(int32_t{});
    case kUint32:
      return as(uint32_t{});
    case kSingle:
      return as(float{});
    default:
      return as(double{});
  }
}

// Labels 1 to 10, where 10 stands for the digit 0.
std::vector<uint32_t> labels_of(const Array& array, size_t images, const std::string& origin) {
  const size_t count = array.data.size() / bytes_of(array.type);
  if (count != images) {
    throw Error(origin + ": has " + std::to_string(count) + " labels for " +
                std::to_string(images) + " images");
  }
  std::vector<uint32_t> labels(count);
  for (size_t i = 0; i < count; ++i) {
    const double value = value_at(array, i);
    constexpr double kZero = 10;
    if (!(value >= 0 && value <= kZero) || value != std::floor(value)) {
      throw Error(origin + ": label " + std::to_string(i) + " is " + number_text(value) +
                  "; expected 1 to 10");
    }
    labels[i] = value == kZero ? 0 : static_cast<uint32_t>(value);
  }
  return labels;
}

}  // namespace

bool is_mat(std::string_view begin) {
  return begin.starts_with("MATLAB 5.0") || begin.starts_with("MATLAB 7.3");
}

namespace {

// One image by columns, channel after channel, becomes one by rows with its channels together.
void by_rows(const uint8_t* from, const ImageSet& split, uint8_t* to) {
  const size_t height = static_cast<size_t>(split.height), width = static_cast<size_t>(split.width);
  for (size_t row = 0; row < height; ++row) {
    for (size_t column = 0; column < width; ++column) {
      for (size_t c = 0; c < 3; ++c) *to++ = from[row + height * (column + width * c)];
    }
  }
}

}  // namespace

SourceSplit parse_svhn(std::string_view file, const std::string& origin, const std::string& name,
                       Memory& memory) {
  if (file.size() < kHeader) throw Error(origin + ": the MAT-file is cut short");
  if (file.starts_with("MATLAB 7.3")) {
    throw Error(origin +
                ": is a MAT-file of version 7.3 (HDF5); popaug reads version 5 to 7. In "
                "MATLAB: load it and save it again by save(name, 'X', 'y', '-v7'). In Python: h5py "
                "reads it, scipy.io.savemat(name, {'X': X, 'y': y}) writes it");
  }
  if (file.substr(124, 4) != std::string_view("\0\1IM", 4)) {
    throw Error(origin + ": is not a little-endian MAT-file of level 5");
  }
  const std::map<std::string, Array> arrays = find_arrays(file, origin, memory);
  const Array& x = arrays.at("X");
  constexpr uint64_t kMaxSide = 16384;
  if (x.type != kUint8 || x.sizes.size() != 4 || x.sizes[2] != 3 || x.sizes[0] == 0 ||
      x.sizes[1] == 0 || x.sizes[0] > kMaxSide || x.sizes[1] > kMaxSide) {
    throw Error(origin + ": array X is not of bytes, height x width x 3 x images");
  }
  SourceSplit out;
  out.split.name = name;
  out.split.width = static_cast<int>(x.sizes[1]);
  out.split.height = static_cast<int>(x.sizes[0]);
  out.split.channels = 3;
  out.split.labels = labels_of(arrays.at("y"), x.sizes[3], origin);
  // An inflated array is turned in its place: it is held once.
  const bool inflated = x.storage.keeper != nullptr;
  const Memory::Block turned = inflated ? x.storage : memory.take(x.data.size(), origin);
  const size_t begin = inflated ? static_cast<size_t>(x.data.data() - turned.text().data()) : 0;
  const std::span<uint8_t> pixels = turned.bytes.subspan(begin, x.data.size());
  const size_t each = out.split.image_bytes();
  std::vector<uint8_t> columns(each);
  for (size_t at = 0; at < pixels.size(); at += each) {
    std::memcpy(columns.data(), x.data.data() + at, each);
    by_rows(columns.data(), out.split, pixels.data() + at);
  }
  out.split.pixels = pixels;
  out.split.storage = turned.keeper;
  return out;
}

namespace {

constexpr const char* kFiles[][2] = {
    {"train_32x32.mat", "train"}, {"test_32x32.mat", "test"}, {"extra_32x32.mat", "extra"}};

}  // namespace

bool is_svhn_folder(const fs::path& folder) {
  return std::any_of(std::begin(kFiles), std::end(kFiles),
                     [&](const auto& file) { return fs::exists(folder / file[0]); });
}

Source open_svhn(const fs::path& folder, Memory& memory) {
  Source source;
  source.kind = "svhn";
  source.classes = number_names(10);
  for (const auto& [file, name] : kFiles) {
    const fs::path path = folder / file;
    if (!fs::exists(path)) continue;
    const MappedText bytes(path);
    source.splits.push_back(parse_svhn(bytes.text, show_path(path), name, memory));
  }
  sort_splits(source.splits);
  return source;
}

}  // namespace popaug::source
