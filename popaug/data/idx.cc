// IDX, the format of MNIST and Fashion-MNIST: a big-endian header, then bytes; often gzipped.
#include <algorithm>
#include <cctype>

#include "popaug/data/inflate.h"
#include "popaug/data/source.h"

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
      throw Error(origin + ": announces images with a side of " + std::to_string(array.sizes[i]) +
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
    throw Error(origin + ": holds " + std::to_string(file.size()) + " bytes, but announces " +
                std::to_string(size));
  }
  array.values = file.substr(offset);
  return array;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_images_name(const std::string& name) {
  return name.find("images") != name.npos && name.find("idx3") != name.npos;
}

fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  name.replace(name.find("images"), 6, "labels");
  name.replace(name.find("idx3"), 4, "idx1");
  fs::path same = images.parent_path() / name;
  if (fs::exists(same)) return same;
  fs::path other = same;
  if (same.extension() == ".gz") {
    other.replace_extension();
  } else {
    other += ".gz";
  }
  if (fs::exists(other)) return other;
  throw Error(show_path(images) + ": its labels are missing; expected " + show_path(same));
}

}  // namespace

SourceSplit parse_idx(std::string_view images_bytes, std::string_view labels_bytes,
                      const std::string& images_origin, const std::string& labels_origin,
                      const std::string& name, Memory& memory) {
  const Array images = parse_array(images_bytes, 3, images_origin, memory);
  const Array labels = parse_array(labels_bytes, 1, labels_origin, memory);
  if (labels.sizes[0] != images.sizes[0]) {
    throw Error(labels_origin + ": holds " + std::to_string(labels.sizes[0]) + " labels for the " +
                std::to_string(images.sizes[0]) + " images of " + images_origin);
  }
  SourceSplit out;
  out.split.name = name;
  out.split.width = static_cast<int>(images.sizes[2]);
  out.split.height = static_cast<int>(images.sizes[1]);
  out.split.channels = 1;
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

}  // namespace

bool is_idx(std::string_view begin) {
  return is_gzip(begin) || begin.starts_with(std::string_view("\0\0\x08\3", 4)) ||
         begin.starts_with(std::string_view("\0\0\x08\1", 4));
}

bool is_idx_folder(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_images_name(lower(entry.path().filename().string()))) return true;
  }
  return false;
}

Source open_idx(const fs::path& folder, Memory& memory) {
  Source source;
  source.kind = "idx";
  std::map<std::string, fs::path> found;  // by split
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = lower(entry.path().filename().string());
    if (!is_images_name(name)) continue;
    const std::string before = name.substr(0, name.find("images"));
    std::string split;
    for (const char* word : {"train", "valid", "val", "t10k", "test"}) {
      if (split.empty() && before.find(word) != before.npos) split = split_name(word);
    }
    if (split.empty()) split = "train";
    const auto [at, fresh] = found.emplace(split, entry.path());
    if (!fresh) {
      throw Error(show_path(folder) + ": both " + show_path(at->second.filename()) + " and " +
                  show_path(entry.path().filename()) + " hold the images of split " + split +
                  "; remove one");
    }
  }
  for (const auto& [name, path] : found) source.splits.push_back(read_split(path, name, memory));
  sort_splits(source.splits);
  uint32_t highest = 0;
  for (const SourceSplit& split : source.splits) {
    for (const uint32_t label : split.split.labels) highest = std::max(highest, label);
  }
  source.classes = class_file(folder);
  if (source.classes.empty()) source.classes = known_names(source.splits);
  if (source.classes.empty()) source.classes = number_names(highest + 1);
  if (source.classes.size() <= highest) {
    throw Error(show_path(folder / "classes.txt") + ": names " +
                std::to_string(source.classes.size()) + " classes, but the labels go up to " +
                std::to_string(highest));
  }
  return source;
}

}  // namespace popaug::source
