// Recognises what a path holds and asks the reader for it; and what the readers share.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

#include "popaug/data/source.h"

namespace popaug {

const Split* Dataset::find(std::string_view name) const {
  for (const Split& one : splits) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

Image split_image(const Split& split, size_t i) {
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

std::string image_label(const Split& split, size_t i) {
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

std::string split_name(std::string_view word) {
  if (word == "train" || word == "training") return "train";
  if (word == "val" || word == "valid" || word == "validation" || word == "dev") return "val";
  if (word == "test" || word == "testing" || word == "t10k") return "test";
  return "";
}

void sort_splits(std::vector<SourceSplit>& splits) {
  const auto rank = [](const std::string& name) {
    return name == "train" ? 0 : name == "val" ? 1 : name == "test" ? 2 : 3;
  };
  std::sort(splits.begin(), splits.end(), [&](const SourceSplit& a, const SourceSplit& b) {
    return std::pair(rank(a.split.name), a.split.name) <
           std::pair(rank(b.split.name), b.split.name);
  });
}

std::vector<std::string> class_file(const fs::path& folder) {
  const fs::path path = folder / "classes.txt";
  if (!fs::exists(path)) return {};
  std::vector<std::string> names = popaug::split(read_file(path, 16 << 20), '\n');
  while (!names.empty() && trim(names.back()).empty()) names.pop_back();
  std::set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = trim(names[i]);
    const std::string where = show_path(path) + ":" + std::to_string(i + 1) + ": ";
    if (names[i].empty()) throw Error(where + "the class name is empty");
    if (!seen.insert(names[i]).second) {
      throw Error(where + "the class " + quote(names[i]) + " is named twice");
    }
  }
  return names;
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

Source open_directory(const fs::path& folder, Memory& memory) {
  if (is_idx_folder(folder)) return open_idx(folder, memory);
  if (is_cifar_folder(folder)) return open_cifar(folder, memory);
  if (is_svhn_folder(folder)) return open_svhn(folder, memory);
  return open_folder(folder);
}

// One file: a set of its own, or one of several that stand together in a folder.
Source open_file(const fs::path& file, const ReadOptions& options, Memory& memory) {
  std::ifstream in(file, std::ios::binary);
  std::string begin(4096, '\0');
  in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(in.gcount()));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (begin.empty()) throw Error(show_path(file) + ": the file is empty, or cannot be read");
  if (is_packed(begin)) return open_packed(file);
  if (begin.starts_with("PK")) return open_npz(file, memory);
  if (is_mat(begin) && is_svhn_folder(folder)) return open_svhn(folder, memory);
  if (is_idx(begin) && is_idx_folder(folder)) return open_idx(folder, memory);
  if (file.extension() == ".bin" && is_cifar_folder(folder)) return open_cifar(folder, memory);
  if (begin.find('\0') == begin.npos) return open_manifest(file, options);
  throw Error(show_path(file) +
              ": is no image set that popaug knows; it reads folders of classes, CSV manifests, "
              "IDX, CIFAR, SVHN, .npz and packed sets (docs/formats/data.md)");
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
  return source;
}

}  // namespace source
}  // namespace popaug
