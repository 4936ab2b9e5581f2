// NumPy archives: train_images and train_labels as MedMNIST has them, x_train and y_train as Keras
// has them, or images and labels alone. Every array must be one that is understood: none is left
// out.
#include <zip.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "popaug/data/classes.h"
#include "popaug/data/internal/npy.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/split_names.h"

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

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(zip_, static_cast<zip_uint64_t>(i), 0);
      if (name == nullptr) throw Error(origin_ + ": an entry of the archive has no name");
      out.emplace_back(name);
    }
    return out;
  }

  // The whole entry.
  Memory::Block read(const std::string& name, uint64_t archive_bytes, Memory& memory) {
    zip_stat_t status;
    zip_stat_init(&status);
    const std::string where = origin_ + ": entry " + name;
    constexpr uint64_t kMaxRatio = 1032;  // of deflate (zlib technical details)
    if (zip_stat(zip_, name.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0 ||
        status.size / kMaxRatio > archive_bytes) {
      throw Error(where + " declares more than the archive can hold");
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

// What an array is, by its key.
struct Role {
  enum Kind { kUnknown, kImages, kLabels, kGroups, kNames };
  Kind kind = kUnknown;
  std::string split = "train";
};

Role::Kind kind_of(std::string_view word) {
  struct Known {
    const char* word;
    Role::Kind kind;
  };
  constexpr Known kKnown[] = {
      {"images", Role::kImages},   {"image", Role::kImages},    {"imgs", Role::kImages},
      {"img", Role::kImages},      {"x", Role::kImages},        {"data", Role::kImages},
      {"pixels", Role::kImages},   {"features", Role::kImages}, {"inputs", Role::kImages},
      {"labels", Role::kLabels},   {"label", Role::kLabels},    {"y", Role::kLabels},
      {"targets", Role::kLabels},  {"target", Role::kLabels},   {"groups", Role::kGroups},
      {"group", Role::kGroups},    {"patients", Role::kGroups}, {"patient", Role::kGroups},
      {"subjects", Role::kGroups}, {"subject", Role::kGroups}};
  for (const Known& known : kKnown) {
    if (word == known.word) return known.kind;
  }
  return Role::kUnknown;
}

// "train_images", "x_val", "yTest", "Xtrain", "images": a word of what it is, and one of the split.
Role role_of(const std::string& key) {
  const std::string small = lower_case(key);
  for (const char* names : {"classes", "class_names", "label_names", "names", "categories"}) {
    if (small == names) return {Role::kNames, ""};
  }
  Role role;
  bool split_seen = false;
  for (std::string word : words_of(key)) {
    // Written together: "xtrain", "trainy".
    for (const char letter : {'x', 'y'}) {
      const bool first = word.size() > 1 && word.front() == letter;
      const bool last = word.size() > 1 && word.back() == letter;
      const std::string rest = first ? word.substr(1) : word.substr(0, word.size() - 1);
      if ((!first && !last) || role.kind != Role::kUnknown || !split_name(rest).plain) continue;
      role.kind = kind_of(std::string_view(&letter, 1));
      word = rest;
      break;
    }
    const Role::Kind kind = kind_of(word);
    const SplitName split = split_name(word);
    if (kind != Role::kUnknown && role.kind == Role::kUnknown) {
      role.kind = kind;
    } else if (!split.split.empty() && !split_seen) {
      role.split = split.split;
      split_seen = true;
    } else {
      return {};
    }
  }
  return role;
}

std::string text_of(const NpyArray& array, size_t i) {
  return array.is_text() ? array.text_at(i) : number_text(array.number(i));
}

// The place of the one 1 in each row; Error if a row has none or several.
std::vector<int64_t> from_one_hot(const NpyArray& array, const std::string& where) {
  const size_t rows = array.shape[0], columns = array.shape[1];
  std::vector<int64_t> labels(rows, -1);
  for (size_t i = 0; i < rows * columns; ++i) {
    const double value = array.number(i);
    if (value == 0) continue;
    int64_t& label = labels[i / columns];
    if (value != 1 || label >= 0) {
      throw Error(where + " has several labels for each image (row " + std::to_string(i / columns) +
                  "), and is not one-hot; popaug learns one class per image. For probabilities, "
                  "save labels.argmax(axis=1)");
    }
    label = static_cast<int64_t>(i % columns);
  }
  const auto none = std::find(labels.begin(), labels.end(), -1);
  if (none != labels.end()) {
    throw Error(where + " has several labels for each image, or none (row " +
                std::to_string(none - labels.begin()) +
                "), and is not one-hot; popaug learns "
                "one class per image");
  }
  return labels;
}

// The labels of one split: numbers, or names.
struct Labels {
  std::vector<int64_t> numbers;
  std::vector<std::string> names;
  size_t one_hot = 0;  // columns
};

Labels labels_of(const NpyArray& array, size_t images, const std::string& where) {
  const bool flat = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
  if (array.shape.size() > 2 || (!flat && array.is_text())) {
    throw Error(where + " is " + array.text() + "; expected one label for each image");
  }
  if (array.shape[0] != images) {
    throw Error(where + " has " + std::to_string(array.shape[0]) + " labels for " +
                std::to_string(images) + " images");
  }
  Labels labels;
  if (!flat) {
    labels.numbers = from_one_hot(array, where);
    labels.one_hot = array.shape[1];
    return labels;
  }
  for (size_t i = 0; i < images; ++i) {
    if (array.is_text()) {
      labels.names.push_back(class_name(array.text_at(i)));
      if (labels.names.back().empty()) {
        throw Error(where + ": label " + std::to_string(i) + " is empty");
      }
      continue;
    }
    const double value = array.number(i);
    constexpr double kMost = 1e15;
    if (!(std::abs(value) < kMost) || value != std::floor(value)) {
      throw Error(where + ": label " + std::to_string(i) + " is " + number_text(value) +
                  "; expected whole numbers");
    }
    labels.numbers.push_back(static_cast<int64_t>(value));
  }
  return labels;
}

SourceSplit split_of(const Memory::Block& block, const std::string& images_where,
                     const std::string& name) {
  const NpyArray images = parse_npy(block.text(), images_where);
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
  out.split.storage = block.keeper;
  out.split.labels.resize(images.shape[0]);  // as many as images; their values come later
  return out;
}

class NpzReader {
 public:
  NpzReader(std::string_view bytes, const std::string& origin, Memory& memory)
      : archive_(bytes, origin), bytes_(bytes.size()), origin_(origin), memory_(memory) {}

  // What the keys are; Error naming them all if one is not understood.
  void find_arrays() {
    const std::vector<std::string> entries = archive_.names();
    for (const std::string& entry : entries) {
      std::string key = entry;
      if (key.ends_with(".npy")) key.resize(key.size() - 4);
      Role role = role_of(key);
      // numpy.savez(file, images, labels) gives these names.
      if (entries.size() == 2 && key == "arr_0") role = {Role::kImages, "train"};
      if (entries.size() == 2 && key == "arr_1") role = {Role::kLabels, "train"};
      if (role.kind == Role::kUnknown || !entry.ends_with(".npy")) {
        refuse(entries, quote(key) + " is not understood");
      }
      const auto [at, fresh] = arrays_[role.split].emplace(role.kind, entry);
      if (!fresh) refuse(entries, quote(key) + " and " + quote(at->second) + " name the same");
    }
    for (const auto& [split, kinds] : arrays_) {
      if (split.empty()) continue;
      if (!kinds.contains(Role::kImages)) refuse(entries, "split " + split + " has no images");
      if (!kinds.contains(Role::kLabels)) refuse(entries, "split " + split + " has no labels");
    }
    if (arrays_.empty() || (arrays_.size() == 1 && arrays_.contains(""))) {
      refuse(entries, "it has no images");
    }
  }

  Source read(std::vector<std::string> names, std::string names_origin) {
    Source source;
    source.kind = "npz";
    source.path = origin_;
    std::vector<Labels> labels;
    for (auto& [split, kinds] : arrays_) {
      if (split.empty()) {
        names = class_names(kinds.at(Role::kNames));
        names_origin = where(kinds.at(Role::kNames));
        continue;
      }
      const std::string& entry = kinds.at(Role::kImages);
      source.splits.push_back(split_of(block(entry), where(entry), split));
    }
    sort_splits(source.splits);
    for (SourceSplit& one : source.splits) {
      auto& kinds = arrays_.at(one.split.name);
      const Memory::Block bytes = block(kinds.at(Role::kLabels));
      const std::string place = where(kinds.at(Role::kLabels));
      labels.push_back(labels_of(parse_npy(bytes.text(), place), one.count(), place));
      if (kinds.contains(Role::kGroups)) {
        one.split.groups = groups(kinds.at(Role::kGroups), one.count());
      }
    }
    set_labels(source, labels, names, names_origin);
    return source;
  }

 private:
  [[noreturn]] void refuse(const std::vector<std::string>& entries, const std::string& why) const {
    throw Error(origin_ + ": contains the arrays " + join(entries, ", ") + "; " + why +
                ". Expected train_images and train_labels (or x_train and y_train, images and "
                "labels), the same for val and test, and if wanted train_groups and class_names");
  }

  std::string where(const std::string& entry) const { return origin_ + ": entry " + entry; }
  Memory::Block block(const std::string& entry) { return archive_.read(entry, bytes_, memory_); }

  std::vector<std::string> class_names(const std::string& entry) {
    const Memory::Block bytes = block(entry);
    const NpyArray array = parse_npy(bytes.text(), where(entry));
    if (!array.is_text() || array.shape.size() != 1) {
      throw Error(where(entry) + " is " + array.text() + "; expected a list of texts");
    }
    std::string lines;
    for (size_t i = 0; i < array.shape[0]; ++i) lines += array.text_at(i) + "\n";
    return class_lines(lines, where(entry));
  }

  std::vector<std::string> groups(const std::string& entry, size_t images) {
    const Memory::Block bytes = block(entry);
    const NpyArray array = parse_npy(bytes.text(), where(entry));
    if (array.shape[0] != images || (array.shape.size() == 2 && array.shape[1] != 1) ||
        array.shape.size() > 2) {
      throw Error(where(entry) + " is " + array.text() + "; expected one group for each of the " +
                  std::to_string(images) + " images");
    }
    std::vector<std::string> names;
    for (size_t i = 0; i < images; ++i) names.push_back(class_name(text_of(array, i)));
    return names;
  }

  static void set_labels(Source& source, std::vector<Labels>& labels,
                         std::vector<std::string> names, const std::string& names_origin) {
    const auto named = [](const Labels& one) { return !one.names.empty(); };
    if (std::none_of(labels.begin(), labels.end(), named)) {
      std::vector<std::vector<int64_t>> numbers;
      size_t columns = 0;
      for (Labels& one : labels) {
        columns = std::max(columns, one.one_hot);
        numbers.push_back(std::move(one.numbers));
      }
      if (columns > 0)
        source.notes.push_back("one-hot labels were read as one class for each image");
      // All columns are classes, also one that no image has.
      if (names.empty() && columns > 0) names = number_names(columns);
      set_number_labels(source, numbers, names, names_origin);
      return;
    }
    std::set<std::string> found(names.begin(), names.end());
    for (const Labels& one : labels) {
      if (!named(one) && !one.numbers.empty()) {
        throw Error(source.path + ": the labels of one split are texts, those of another numbers");
      }
      found.insert(one.names.begin(), one.names.end());
    }
    if (!names.empty() && found.size() != names.size()) {
      throw Error(names_origin + ": does not name every label that is there");
    }
    source.classes = names.empty() ? class_order(found) : names;
    std::map<std::string, uint32_t> places;
    for (const std::string& name : source.classes) {
      places.emplace(name, static_cast<uint32_t>(places.size()));
    }
    for (size_t s = 0; s < labels.size(); ++s) {
      std::vector<uint32_t>& out = source.splits[s].split.labels;
      out.clear();
      for (const std::string& name : labels[s].names) out.push_back(places.at(name));
    }
  }

  Archive archive_;
  uint64_t bytes_;
  std::string origin_;
  Memory& memory_;
  std::map<std::string, std::map<Role::Kind, std::string>> arrays_;  // by split
};

}  // namespace

Source parse_npz(std::string_view bytes, const std::string& origin, Memory& memory,
                 const std::vector<std::string>& names, const std::string& names_origin) {
  NpzReader reader(bytes, origin, memory);
  reader.find_arrays();
  return reader.read(names, names_origin);
}

Source open_npz(const fs::path& file, Memory& memory) {
  const MappedText archive(file);
  const fs::path folder = file.parent_path();
  return parse_npz(archive.text, show_path(file), memory, class_file(folder),
                   show_path(folder / "classes.txt"));
}

}  // namespace popaug::source
