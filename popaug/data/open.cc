// Recognises what a path holds and asks the reader for it; and what the readers share.
#include <algorithm>
#include <charconv>
#include <fstream>

#include "popaug/data/classes.h"
#include "popaug/data/files.h"
#include "popaug/data/internal/source.h"

namespace popaug {

const ImageSet* Dataset::find(std::string_view name) const {
  for (const ImageSet& one : splits) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

const ImageSet* Dataset::train_or_first() const {
  const ImageSet* train = find("train");
  return train == nullptr && !splits.empty() ? &splits.front() : train;
}

std::vector<uint32_t> classes_in_turn(const ImageSet& split, size_t classes, size_t wanted) {
  wanted = std::min(wanted, split.count());
  std::vector<std::vector<uint32_t>> by_class(classes);
  for (uint32_t i = 0; i < split.count(); ++i) by_class[split.labels[i]].push_back(i);
  std::vector<uint32_t> order;
  for (size_t turn = 0; order.size() < wanted; ++turn) {
    for (const std::vector<uint32_t>& members : by_class) {
      if (turn < members.size() && order.size() < wanted) order.push_back(members[turn]);
    }
  }
  return order;
}

Image split_image(const ImageSet& split, size_t i) {
  POPAUG_ASSERT(i < split.count());
  Image image(split.width, split.height);
  const uint8_t* in = split.pixels.data() + i * split.image_bytes();
  const int step = split.channels == 3 ? 1 : 0;
  for (uint8_t* p = image.data(); p != image.data() + image.size_bytes(); p += 4) {
    for (int c = 0; c < 3; ++c) p[c] = in[c * step];
    in += split.channels;
  }
  return image;
}

std::string image_label(const ImageSet& split, size_t i) {
  return split.name + "[" + std::to_string(i) + "]";
}

Size parse_size(std::string_view text) {
  const size_t cross = text.find('x');
  const auto side = [&](std::string_view digits) {
    int value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    constexpr int kMaxSide = 16384;
    if (code != std::errc() || end != digits.data() + digits.size() || value < 1 ||
        value > kMaxSide) {
      throw UsageError("size " + quote(text) +
                       " is not understood; expected a side such as 32, or width x height such as "
                       "64x48, of 1 to 16384 pixels");
    }
    return value;
  };
  if (cross == text.npos) return {side(text), side(text)};
  return {side(text.substr(0, cross)), side(text.substr(cross + 1))};
}

namespace source {

void sort_splits(std::vector<SourceSplit>& splits) {
  const auto rank = [](const std::string& name) {
    return name == "train" ? 0 : name == "val" ? 1 : name == "test" ? 2 : 3;
  };
  std::sort(splits.begin(), splits.end(), [&](const SourceSplit& a, const SourceSplit& b) {
    return std::pair(rank(a.split.name), a.split.name) <
           std::pair(rank(b.split.name), b.split.name);
  });
}

std::vector<std::string> number_names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

size_t Source::count() const {
  size_t images = 0;
  for (const SourceSplit& split : splits) images += split.count();
  return images;
}

std::vector<Finding> class_findings(const Source& source) {
  std::vector<const ImageSet*> splits;
  for (const SourceSplit& one : source.splits) splits.push_back(&one.split);
  return class_findings(source.classes, splits);
}

std::string clean_name(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (c == '"' || c == '\\') plain += '\\';
    plain += c;
  }
  const std::string quoted = quote(name);
  return quoted == '"' + plain + '"' ? name : quoted.substr(1, quoted.size() - 2);
}

std::string image_name(const Source& source, const SourceSplit& split, size_t i) {
  if (split.files.empty()) return image_label(split.split, i);
  const fs::path below = split.files[i].lexically_relative(source.path);
  return show_path(below.empty() || *below.begin() == ".." ? split.files[i] : below);
}

namespace {

// The readers of benchmarks, each known by the names of its release's files.
bool is_benchmark(const fs::path& folder) {
  return is_idx_folder(folder) || is_cifar_folder(folder) || is_svhn_folder(folder);
}

Source open_benchmark(const fs::path& folder, Memory& memory) {
  if (is_idx_folder(folder)) return open_idx(folder, {}, memory);
  if (is_cifar_folder(folder)) return open_cifar(folder, memory);
  return open_svhn(folder, memory);
}

// Benchmarks a few folders down: torchvision's root holds MNIST/raw, cifar-10-batches-py and so on.
// Large folders are folders of images and are not searched.
void find_benchmarks(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  constexpr int kDepth = 3;
  constexpr size_t kMostEntries = 100;
  if (is_benchmark(folder)) {
    found.push_back(folder);
    return;
  }
  if (depth == kDepth) return;
  std::vector<fs::path> folders;
  size_t entries = 0;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (++entries > kMostEntries || named_as_image(it->path())) return;
    std::error_code bad;
    if (it->is_directory(bad) && !it->is_symlink(bad) && !is_junk(it->path().filename().native())) {
      folders.push_back(it->path());
    }
  }
  std::sort(folders.begin(), folders.end());
  for (const fs::path& one : folders) find_benchmarks(one, depth + 1, found);
}

Source open_directory(const fs::path& folder, Memory& memory) {
  std::vector<fs::path> found;
  find_benchmarks(folder, 0, found);
  if (found.empty()) return open_folder(folder);
  if (found.size() > 1) {
    std::vector<std::string> names;
    for (const fs::path& one : found) names.push_back(show_path(one));
    throw Error(show_path(folder) + ": has " + std::to_string(found.size()) +
                " sets; give one of them as setting \"data\": " + join(names, ", "));
  }
  Source source = open_benchmark(found[0], memory);
  if (found[0] != folder) {
    source.notes.push_back("the set is that of " + show_path(found[0].lexically_relative(folder)) +
                           "/");
  }
  return source;
}

// Whether a file begins as text does, in UTF-8 or UTF-16.
bool is_text(std::string_view begin) {
  try {
    const std::string text = decode_text(std::string(begin.substr(0, begin.size() / 4 * 4)), "");
    return begin.size() < 4 ? begin.find('\0') == begin.npos : text.find('\0') == text.npos;
  } catch (const Error&) {
    return true;  // UTF-16, cut within a pair
  }
}

// A file that is not a data set: what it is by its first bytes, and what to do with it.
std::string what_it_is(std::string_view begin, const fs::path& file) {
  const auto starts = [&](std::string_view bytes) { return begin.starts_with(bytes); };
  if (is_image(file)) return "is one image; give the folder of the classes, or a CSV of images";
  if (starts("\x1F\x8B") || starts("BZh") ||
      starts("\xFD"
             "7zXZ") ||
      starts("7z\xBC\xAF") || starts("Rar!") ||
      (begin.size() > 262 && begin.substr(257, 5) == "ustar")) {
    return "is an archive; unpack it and give the folder";
  }
  if (starts("PAR1") || starts("ARROW1")) {
    return "is a Parquet or Arrow file; in Python, popaug.data.pack writes it as a packed set";
  }
  if (starts("\x89HDF")) return "is an HDF5 file; save its arrays by numpy.savez as an .npz file";
  if (begin.size() > 2 && begin[0] == '\x80' && begin[1] >= 2 && begin[1] <= 5) {
    return "is a Python pickle; of these only the folders cifar-10-batches-py and "
           "cifar-100-python are read";
  }
  return "is not an image set that popaug knows; it reads folders of classes, CSV manifests, IDX, "
         "CIFAR, SVHN, .npz and packed sets (docs/formats/data.md)";
}

// One file: a set of its own, or one of several that lie together in a folder.
Source open_file(const fs::path& file, const ReadOptions& options, Memory& memory) {
  std::ifstream in(file, std::ios::binary);
  std::string begin(4096, '\0');
  in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(in.gcount()));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (begin.empty()) throw Error(show_path(file) + ": the file is empty, or cannot be read");
  if (is_packed(begin)) return open_packed(file);
  if (begin.starts_with("PK")) return open_npz(file, memory);
  if (is_svhn_folder(folder) && is_mat(begin)) return open_svhn(folder, memory);
  if (is_idx(begin) && is_idx_folder(folder)) return open_idx(folder, file, memory);
  if (is_cifar_folder(folder) && is_cifar_file(file)) return open_cifar(folder, memory);
  if (is_text(begin)) return open_manifest(file, options);
  throw Error(show_path(file) + ": " + what_it_is(begin, file));
}

}  // namespace

Source open(const fs::path& path, const ReadOptions& options, Memory& memory) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw Error(show_path(path) + " does not exist; expected a folder of images or a data file");
  }
  Source source =
      fs::is_directory(status) ? open_directory(path, memory) : open_file(path, options, memory);
  source.path = show_path(path);
  source.place = path;
  return source;
}

}  // namespace source
}  // namespace popaug
