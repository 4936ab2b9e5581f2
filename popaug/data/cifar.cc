// The binary releases of CIFAR-10 and CIFAR-100 (cs.toronto.edu/~kriz/cifar.html): records of one
// or two label bytes, then 32x32 red, green and blue planes.
#include <algorithm>

#include "popaug/data/internal/source.h"

namespace popaug::source {
namespace {

constexpr size_t kSide = 32, kPlane = kSide * kSide, kPixels = 3 * kPlane;

}  // namespace

std::vector<std::string> cifar10_names() {
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}

std::vector<fs::path> cifar10_batches(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  constexpr int kBatches = 5;
  int missing = 0;
  for (int i = 1; i <= kBatches; ++i) {
    const fs::path file = folder / ("data_batch_" + std::to_string(i) + ending);
    if (fs::exists(file)) {
      files.push_back(file);
    } else if (missing == 0) {
      missing = i;
    }
  }
  if (!files.empty() && missing != 0) {
    throw Error(show_path(folder) + ": data_batch_" + std::to_string(missing) + ending +
                " is missing; CIFAR-10 has five training batches");
  }
  return files;
}

namespace {

std::vector<std::string> names_in(const fs::path& file) {
  std::vector<std::string> names;
  if (!fs::exists(file)) return names;
  for (const std::string& line : split(read_text_file(file, 1 << 20), '\n')) {
    if (!trim(line).empty()) names.emplace_back(trim(line));
  }
  return names;
}

}  // namespace

SourceSplit parse_cifar(const std::vector<std::string_view>& files,
                        const std::vector<std::string>& origins, size_t label_bytes,
                        const std::string& name, Memory& memory) {
  const size_t record = label_bytes + kPixels;
  const size_t classes = label_bytes == 1 ? 10 : 100;
  size_t images = 0;
  for (size_t f = 0; f < files.size(); ++f) {
    if (files[f].empty() || files[f].size() % record != 0) {
      throw Error(origins[f] + ": has " + std::to_string(files[f].size()) +
                  " bytes, which are not whole records of " + std::to_string(record) +
                  "; the file is cut short or is not a CIFAR batch");
    }
    images += files[f].size() / record;
  }
  SourceSplit out;
  out.split.name = name;
  out.split.width = out.split.height = kSide;
  out.split.channels = 3;
  const Memory::Block pixels = memory.take(images * kPixels, origins.empty() ? "" : origins[0]);
  uint8_t* to = pixels.bytes.data();
  for (size_t f = 0; f < files.size(); ++f) {
    const auto* at = reinterpret_cast<const uint8_t*>(files[f].data());
    for (const uint8_t* const end = at + files[f].size(); at != end; at += record) {
      const uint32_t label = at[label_bytes - 1];  // of CIFAR-100's two, the fine one
      if (label >= classes) {
        throw Error(origins[f] + ": record " +
                    std::to_string((at - reinterpret_cast<const uint8_t*>(files[f].data())) /
                                   static_cast<ptrdiff_t>(record)) +
                    " has label " + std::to_string(label) + "; expected one below " +
                    std::to_string(classes));
      }
      out.split.labels.push_back(label);
      const uint8_t* const planes = at + label_bytes;
      for (size_t p = 0; p < kPlane; ++p) {
        for (size_t c = 0; c < 3; ++c) *to++ = planes[c * kPlane + p];
      }
    }
  }
  out.split.pixels = pixels.bytes;
  out.split.storage = pixels.keeper;
  return out;
}

namespace {

bool is_binary_folder(const fs::path& folder) {
  const bool ten = fs::exists(folder / "data_batch_1.bin") || fs::exists(folder / "test_batch.bin");
  return ten || fs::exists(folder / "train.bin") || fs::exists(folder / "test.bin");
}

}  // namespace

bool is_cifar_folder(const fs::path& folder) {
  return is_binary_folder(folder) || is_cifar_python_folder(folder);
}

bool is_cifar_file(const fs::path& file) {
  const std::string name = file.filename().native();
  return file.extension() == ".bin" || name.starts_with("data_batch_") || name == "test_batch" ||
         name == "batches.meta" || name == "train" || name == "test" || name == "meta";
}

Source open_cifar(const fs::path& folder, Memory& memory) {
  if (!is_binary_folder(folder)) return open_cifar_python(folder, memory);
  Source source;
  source.kind = "cifar";
  const bool hundred = fs::exists(folder / "train.bin") || fs::exists(folder / "test.bin");
  const auto add = [&](const std::vector<fs::path>& paths, const std::string& name) {
    const MappedFiles mapped(paths);
    if (mapped.texts.empty()) return;
    const size_t label_bytes = hundred ? 2 : 1;
    source.splits.push_back(parse_cifar(mapped.texts, mapped.origins, label_bytes, name, memory));
    const size_t whole = hundred && name == "train" ? 50000 : 10000;
    for (size_t f = 0; f < mapped.texts.size(); ++f) {
      const size_t images = mapped.texts[f].size() / (label_bytes + kPixels);
      if (images == whole) continue;
      source.notes.push_back(mapped.origins[f] + " has " + std::to_string(images) +
                             " images; in the release it has " + std::to_string(whole));
    }
  };
  if (hundred) {
    add({folder / "train.bin"}, "train");
    add({folder / "test.bin"}, "test");
    source.classes = names_in(folder / "fine_label_names.txt");
    if (source.classes.empty()) source.classes = number_names(100);
  } else {
    add(cifar10_batches(folder, ".bin"), "train");
    add({folder / "test_batch.bin"}, "test");
    source.classes = names_in(folder / "batches.meta.txt");
    if (source.classes.empty()) source.classes = cifar10_names();
  }
  const size_t expected = hundred ? 100 : 10;
  if (source.classes.size() != expected) {
    throw Error(show_path(folder) + ": its file of class names has " +
                std::to_string(source.classes.size()) + " names; expected " +
                std::to_string(expected));
  }
  return source;
}

}  // namespace popaug::source
