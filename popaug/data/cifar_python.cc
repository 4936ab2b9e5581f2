// The Python versions of CIFAR-10 and CIFAR-100, as torchvision and Keras leave them on a disk: a
// pickle a batch, with an array "data" of images x 3072 (planes of 32x32) and a list of labels.
#include <algorithm>

#include "popaug/data/classes.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/pickle.h"

namespace popaug::source {
namespace {

constexpr size_t kSide = 32, kPlane = kSide * kSide, kPixels = 3 * kPlane;

struct Batch {
  std::string_view planes;
  std::vector<int64_t> labels;
};

Batch batch_of(const Pickle& pickle, const std::string& key, size_t classes,
               const std::string& origin) {
  const PickleValue* data = pickle.find(pickle.root(), "data");
  const PickleValue* labels = pickle.find(pickle.root(), key);
  if (data == nullptr || labels == nullptr) {
    throw Error(origin + ": is not a batch of CIFAR: it has no \"data\" and " + quote(key));
  }
  const Pickle::Bytes array = pickle.array(*data, "data");
  if (array.shape.size() != 2 || array.shape[1] != kPixels) {
    throw Error(origin + ": \"data\" is not an array of images x 3072 bytes");
  }
  Batch batch{array.data, pickle.numbers(*labels, key)};
  if (batch.labels.size() != array.shape[0]) {
    throw Error(origin + ": has " + std::to_string(batch.labels.size()) + " labels for " +
                std::to_string(array.shape[0]) + " images");
  }
  for (size_t i = 0; i < batch.labels.size(); ++i) {
    if (batch.labels[i] >= 0 && static_cast<uint64_t>(batch.labels[i]) < classes) continue;
    throw Error(origin + ": label " + std::to_string(i) + " is " + std::to_string(batch.labels[i]) +
                "; expected one below " + std::to_string(classes));
  }
  return batch;
}

// The names in batches.meta or meta, or nothing where they are not all there.
std::vector<std::string> names_in(const fs::path& file, const std::string& key, size_t expected,
                                  std::vector<std::string>& notes) {
  if (!fs::exists(file)) return {};
  const MappedText map(file);
  const Pickle pickle(map.text, show_path(file));
  const PickleValue* list = pickle.find(pickle.root(), key);
  if (list == nullptr) throw Error(show_path(file) + ": has no " + quote(key));
  std::vector<std::string> names;
  for (const std::string& name : pickle.texts(*list, key)) names.push_back(class_name(name));
  if (names.size() == expected) return names;
  notes.push_back(show_path(file.filename()) + " names " + std::to_string(names.size()) +
                  " classes instead of " + std::to_string(expected) + ", and is not used");
  return {};
}

}  // namespace

SourceSplit parse_cifar_python(const std::vector<std::string_view>& files,
                               const std::vector<std::string>& origins, const std::string& key,
                               size_t classes, const std::string& name, Memory& memory) {
  SourceSplit out;
  out.split.name = name;
  out.split.width = out.split.height = kSide;
  out.split.channels = 3;
  uint64_t bytes = 0;
  for (const std::string_view file : files) bytes += file.size();
  // At least what the arrays of the files hold.
  const Memory::Block block = memory.take(bytes, origins.empty() ? "" : origins[0]);
  uint8_t* to = block.bytes.data();
  for (size_t f = 0; f < files.size(); ++f) {
    const Pickle pickle(files[f], origins[f]);
    const Batch batch = batch_of(pickle, key, classes, origins[f]);
    const auto* from = reinterpret_cast<const uint8_t*>(batch.planes.data());
    for (const int64_t label : batch.labels) {
      out.split.labels.push_back(static_cast<uint32_t>(label));
      for (size_t p = 0; p < kPlane; ++p) {
        for (size_t c = 0; c < 3; ++c) *to++ = from[c * kPlane + p];
      }
      from += kPixels;
    }
  }
  out.split.pixels = block.bytes.first(out.split.count() * kPixels);
  out.split.storage = block.keeper;
  return out;
}

bool is_cifar_python_folder(const fs::path& folder) {
  if (fs::is_regular_file(folder / "data_batch_1") || fs::is_regular_file(folder / "test_batch")) {
    return true;
  }
  return fs::is_regular_file(folder / "meta") &&
         (fs::is_regular_file(folder / "train") || fs::is_regular_file(folder / "test"));
}

Source open_cifar_python(const fs::path& folder, Memory& memory) {
  Source source;
  source.kind = "cifar";
  source.path = show_path(folder);
  const bool hundred = fs::is_regular_file(folder / "meta");
  const size_t classes = hundred ? 100 : 10;
  const auto add = [&](const std::vector<fs::path>& paths, const std::string& name) {
    const MappedFiles mapped(paths);
    if (mapped.texts.empty()) return;
    source.splits.push_back(parse_cifar_python(
        mapped.texts, mapped.origins, hundred ? "fine_labels" : "labels", classes, name, memory));
    const size_t whole = name == "train" ? 50000 : 10000;
    if (const size_t images = source.splits.back().count(); images != whole) {
      source.notes.push_back("split " + name + " has " + std::to_string(images) +
                             " images; in the release it has " + std::to_string(whole));
    }
  };
  add(hundred ? std::vector{folder / "train"} : cifar10_batches(folder, ""), "train");
  add({folder / (hundred ? "test" : "test_batch")}, "test");
  std::vector<std::string> names =
      names_in(folder / (hundred ? "meta" : "batches.meta"),
               hundred ? "fine_label_names" : "label_names", classes, source.notes);
  if (names.empty() && !hundred) names = cifar10_names();
  std::vector<std::vector<int64_t>> labels;
  for (const SourceSplit& one : source.splits) {
    labels.emplace_back(one.split.labels.begin(), one.split.labels.end());
  }
  set_number_labels(source, labels, names, "the file of names");
  return source;
}

}  // namespace popaug::source
