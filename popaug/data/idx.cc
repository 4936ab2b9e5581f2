// IDX, the format of MNIST and Fashion-MNIST: a big-endian header, then bytes; often gzipped.
#include <algorithm>

#include "popaug/data/classes.h"
#include "popaug/data/internal/inflate.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/split_names.h"

namespace popaug::source {
namespace {

constexpr uint64_t kMaxSide = 16384;

struct Array {
  std::vector<uint64_t> sizes;
  std::string_view values;
  std::shared_ptr<const void> keeper;  // of the values, where the file was inflated
};

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

Array parse_array(std::string_view file, size_t dimensions, const std::string& origin,
                  Memory& memory) {
  Array array;
  const bool gzipped = is_gzip(file);
  const size_t offset = 4 + 4 * dimensions;
  const std::string header =
      gzipped ? inflate_prefix(file, offset, origin) : std::string(file.substr(0, offset));
  if (header.size() < 4) throw Error(origin + ": is too short for an IDX file");
  constexpr uint32_t kUnsignedByte = 0x08;
  if (big_endian(header) != (kUnsignedByte << 8 | dimensions)) {
    throw Error(origin + ": is not an IDX file of unsigned bytes in " + std::to_string(dimensions) +
                (dimensions == 1 ? " dimension" : " dimensions"));
  }
  if (header.size() < offset) throw Error(origin + ": is too short for an IDX file");
  uint64_t size = offset, values = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    array.sizes.push_back(big_endian(std::string_view(header).substr(4 + 4 * i)));
    if (i > 0 && (array.sizes[i] == 0 || array.sizes[i] > kMaxSide)) {
      throw Error(origin + ": declares images with a side of " + std::to_string(array.sizes[i]) +
                  "; the limits are 1 and " + std::to_string(kMaxSide));
    }
    values *= array.sizes[i];  // at most 2^32 * 2^14 * 2^14
  }
  size += values;
  if (gzipped) {
    const Memory::Block block = inflate_exactly(file, size, origin, memory);
    array.keeper = block.keeper;
    file = block.text();
  } else if (file.size() != size) {
    throw Error(origin + ": has " + std::to_string(file.size()) + " bytes, but declares " +
                std::to_string(size));
  }
  array.values = file.substr(offset);
  return array;
}

// The dimensions that the header announces: 3, or 4 where the channels come last.
size_t image_dimensions(std::string_view file, const std::string& origin) {
  const std::string header =
      is_gzip(file) ? inflate_prefix(file, 4, origin) : std::string(file.substr(0, 4));
  constexpr uint32_t kBytesInFour = 0x0804;
  return header.size() == 4 && big_endian(header) == kBytesInFour ? 4 : 3;
}

bool is_images_name(const std::string& name) {
  return name.find("images") != name.npos &&
         (name.find("idx3") != name.npos || name.find("idx4") != name.npos);
}

bool is_gz_name(const fs::path& path) { return lower_case(path.extension().native()) == ".gz"; }

// The path without ".gz": a file and its gzipped copy, as torchvision leaves them, are one.
fs::path plain_name(const fs::path& path) {
  return is_gz_name(path) ? fs::path(path).replace_extension() : path;
}

fs::path labels_beside(const fs::path& images) {
  const std::string name = plain_name(images).filename().native();
  std::string labels = name;
  const std::string lower = lower_case(name);
  const size_t dimensions = std::min(lower.find("idx3"), lower.find("idx4"));
  labels.replace(dimensions, 4, "idx1");
  labels.replace(lower.find("images"), 6, "labels");
  fs::path plain = images.parent_path() / labels;
  if (fs::exists(plain)) return plain;
  fs::path zipped = plain.native() + ".gz";
  if (fs::exists(zipped)) return zipped;
  throw Error(show_path(images) + ": its labels are missing; expected " + show_path(plain) +
              " or the same with .gz");
}

}  // namespace

SourceSplit parse_idx(std::string_view images_bytes, std::string_view labels_bytes,
                      const std::string& images_origin, const std::string& labels_origin,
                      const std::string& name, Memory& memory) {
  const size_t dimensions = image_dimensions(images_bytes, images_origin);
  const Array images = parse_array(images_bytes, dimensions, images_origin, memory);
  const uint64_t channels = dimensions == 4 ? images.sizes[3] : 1;
  if (channels != 1 && channels != 3) {
    throw Error(images_origin + ": declares images with " + std::to_string(channels) +
                " channels; expected 1 or 3");
  }
  const Array labels = parse_array(labels_bytes, 1, labels_origin, memory);
  if (labels.sizes[0] != images.sizes[0]) {
    throw Error(labels_origin + ": has " + std::to_string(labels.sizes[0]) + " labels for the " +
                std::to_string(images.sizes[0]) + " images of " + images_origin);
  }
  SourceSplit out;
  out.split.name = name;
  out.split.width = static_cast<int>(images.sizes[2]);
  out.split.height = static_cast<int>(images.sizes[1]);
  out.split.channels = static_cast<int>(channels);
  out.split.pixels = {reinterpret_cast<const uint8_t*>(images.values.data()), images.values.size()};
  out.split.storage = images.keeper;
  for (const char label : labels.values) out.split.labels.push_back(static_cast<uint8_t>(label));
  return out;
}

namespace {

SourceSplit read_split(const fs::path& images, const std::string& name, Memory& memory) {
  const fs::path labels = labels_beside(images);
  const MappedText images_file(images), labels_file(labels);
  SourceSplit split = parse_idx(images_file.text, labels_file.text, show_path(images),
                                show_path(labels), name, memory);
  // Not inflated: the pixels are those of the file.
  if (split.split.storage == nullptr) split.split.storage = images_file.keeper;
  return split;
}

// The names of Fashion-MNIST's classes, as its authors give them (github zalandoresearch/
// fashion-mnist, README, "Labels"); the files hold numbers only.
std::vector<std::string> known_names(const std::vector<SourceSplit>& splits) {
  Hasher hasher;
  for (const SourceSplit& split : splits) {
    const auto* bytes = reinterpret_cast<const char*>(split.split.labels.data());
    hasher.add_field({bytes, split.split.labels.size() * sizeof(uint32_t)});
  }
  if (hasher.hex() != "596c8259dff6f7f5d29e917e15821e0f") return {};
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

// The files of images in a folder, each once.
std::vector<fs::path> image_files(const fs::path& folder) {
  std::map<fs::path, fs::path> found;  // by name without .gz
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_images_name(lower_case(entry.path().filename().native()))) continue;
    fs::path& path = found[plain_name(entry.path())];
    if (path.empty() || is_gz_name(path)) path = entry.path();
  }
  std::vector<fs::path> files;
  for (const auto& [name, path] : found) files.push_back(path);
  return files;
}

// What the name says before the word "images" or "labels": the split, and the set
// ("emnist-letters").
struct Name {
  std::string split, family;
};

Name name_of(const fs::path& file) {
  const std::string name = lower_case(file.filename().native());
  const std::string before = name.substr(0, std::min(name.find("images"), name.find("labels")));
  const std::string split = split_within(before);
  return {split.empty() ? "train" : split, without_split(before)};
}

// The files of one set by split. `wanted` is one of them, or empty.
std::map<std::string, fs::path> files_of(const fs::path& folder, const fs::path& wanted) {
  std::map<std::string, std::vector<fs::path>> families;
  for (const fs::path& file : image_files(folder)) families[name_of(file).family].push_back(file);
  if (families.size() > 1 && wanted.empty()) {
    std::vector<std::string> first;
    for (const auto& [family, files] : families) first.push_back(show_path(files[0].filename()));
    throw Error(show_path(folder) + ": has " + std::to_string(families.size()) +
                " sets; give one of their files as setting \"data\": " + join(first, ", "));
  }
  const std::string family =
      families.size() == 1 ? families.begin()->first : name_of(wanted).family;
  const std::vector<fs::path>& files = families[family];
  std::map<std::string, fs::path> found;
  for (const fs::path& file : files) {
    const auto [at, fresh] = found.emplace(name_of(file).split, file);
    if (!fresh) {
      throw Error(show_path(folder) + ": both " + show_path(at->second.filename()) + " and " +
                  show_path(file.filename()) + " contain the images of split " + at->first +
                  "; remove one");
    }
  }
  return found;
}

}  // namespace

bool is_idx(std::string_view begin) {
  return is_gzip(begin) || begin.starts_with(std::string_view("\0\0\x08\3", 4)) ||
         begin.starts_with(std::string_view("\0\0\x08\4", 4)) ||
         begin.starts_with(std::string_view("\0\0\x08\1", 4));
}

bool is_idx_folder(const fs::path& folder) { return !image_files(folder).empty(); }

Source open_idx(const fs::path& folder, const fs::path& wanted, Memory& memory) {
  Source source;
  source.kind = "idx";
  source.path = show_path(folder);
  for (const auto& [name, path] : files_of(folder, wanted)) {
    source.splits.push_back(read_split(path, name, memory));
  }
  sort_splits(source.splits);
  std::vector<std::vector<int64_t>> labels;
  for (const SourceSplit& one : source.splits) {
    labels.emplace_back(one.split.labels.begin(), one.split.labels.end());
  }
  std::vector<std::string> names = class_file(folder);
  if (names.empty()) names = known_names(source.splits);
  set_number_labels(source, labels, names, show_path(folder / "classes.txt"));
  return source;
}

}  // namespace popaug::source
