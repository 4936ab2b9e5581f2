// Chooses what trains and what validates, cleans it of poison, and writes and reads the file of it.
#include "popaug/data/train_val_split.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "popaug/base/setting.h"
#include "popaug/data/internal/digest.h"
#include "popaug/data/stratify.h"

namespace popaug {
namespace {

const ImageSet& need(const Dataset& data, const std::string& name) {
  const ImageSet* split = data.find(name);
  if (split != nullptr) return *split;
  std::vector<std::string> names;
  for (const ImageSet& one : data.splits) names.push_back(one.name);
  throw UsageError(data.path + ": " + unknown_name("split", name, names));
}

// The labels and groups of some images of a split, as a split of its own.
ImageSet part_of(const ImageSet& split, const std::vector<uint32_t>& indices) {
  ImageSet part;
  part.name = split.name;
  for (const uint32_t i : indices) {
    part.labels.push_back(split.labels[i]);
    if (!split.groups.empty()) part.groups.push_back(split.groups[i]);
  }
  return part;
}

std::vector<uint32_t> kept(const ImageSet& split, std::span<const uint32_t> dropped) {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < split.count(); ++i) {
    if (!std::binary_search(dropped.begin(), dropped.end(), i)) out.push_back(i);
  }
  return out;
}

std::vector<uint32_t> picked(const std::vector<uint32_t>& from,
                             const std::vector<uint32_t>& which) {
  std::vector<uint32_t> out;
  for (const uint32_t i : which) out.push_back(from[i]);
  return out;
}

// `size` images of those listed, stratified; all of them for 0.
std::vector<uint32_t> cut(const ImageSet& split, const std::vector<uint32_t>& from, size_t size,
                          uint64_t seed) {
  if (size == 0) return from;
  return picked(from, stratified_split(part_of(split, from), size, 0, seed).train);
}

// How many images validate by default: a quarter, at least 50 and at most 2,000
// (docs/decisions/validation-size.md). A small set keeps half to train on, and where it has two
// images of each class, each of the `classes` is on both sides.
size_t default_validation_size(size_t images, size_t classes) {
  constexpr size_t kLeast = 50, kMost = 2000;
  const size_t quarter = std::clamp(images / 4, kLeast, kMost);
  return std::min(std::max(quarter, classes), images / 2);
}

size_t classes_of(const ImageSet& split, const std::vector<uint32_t>& images) {
  std::set<uint32_t> labels;
  for (const uint32_t i : images) labels.insert(split.labels[i]);
  return labels.size();
}

// Refuses sizes that "train" cannot give, before anything is drawn. `train_size` 0: the rest.
void check_sizes(const ImageSet& train, size_t images, size_t classes, size_t train_size,
                 size_t val_size) {
  const std::string has =
      "split " + quote(train.name) + " has " + std::to_string(images) + " labelled images";
  const size_t fits = default_validation_size(images, classes);
  if (train_size == 0 && val_size >= images) {
    throw UsageError(name_setting("val_size") + " " + std::to_string(val_size) + ": " + has +
                     ", and some must be left to train on; give " + name_setting("val_size") + " " +
                     std::to_string(fits) + ", or leave it out");
  }
  if (train_size > images || val_size > images - train_size) {
    throw UsageError(name_setting("train_size") + " " + std::to_string(train_size) + " and " +
                     name_setting("val_size") + " " + std::to_string(val_size) + ": " + has +
                     ", fewer than both together; give " + name_setting("val_size") + " " +
                     std::to_string(fits) + " and leave out " + name_setting("train_size") +
                     " to train on the other " + std::to_string(images - fits));
  }
}

// Hash of what a division rests on whatever the size of the images: classes and labels.
std::string labels_checksum(const Dataset& data) {
  Hasher hasher;
  for (const std::string& name : data.classes) hasher.add_field(name);
  for (const ImageSet& split : data.splits) {
    hasher.add_field(split.name);
    std::string labels;
    for (const uint32_t label : split.labels) labels += std::to_string(label) + ",";
    hasher.add_field(labels);
  }
  return hasher.hex();
}

Json size_json(const ImageSet& split) { return {split.width, split.height, split.channels}; }

std::vector<uint32_t> indices(JsonReader& reader, const std::string& key, size_t count) {
  std::vector<uint32_t> out;
  for (const Json& item : reader.array(key)) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() >= count) {
      reader.fail(key, "must contain whole numbers below " + std::to_string(count));
    }
    out.push_back(item.get<uint32_t>());
    if (out.size() > 1 && out[out.size() - 2] >= out.back()) {
      reader.fail(key, "must be in rising order, each image once");
    }
  }
  return out;
}

// Whole groups may be larger than the default; then more images validate, at most half of them.
TrainValSplit split_groups_by_default(const ImageSet& part, size_t val_size, uint64_t seed) {
  const size_t images = part.count();
  for (const size_t size : {val_size, images / 3}) {
    try {
      return stratified_split(part, images - size, size, seed);
    } catch (const UsageError&) {  // a class would be on one side only
    }
  }
  return stratified_split(part, images - images / 2, images / 2, seed);
}

}  // namespace

TrainValSplit divide(const Dataset& data, size_t train_size, size_t val_size, uint64_t seed,
                     std::span<const uint32_t> dropped) {
  const ImageSet& train = need(data, "train");
  const std::vector<uint32_t> usable = kept(train, dropped);
  TrainValSplit out;
  if (const ImageSet* validation = data.find("val"); validation != nullptr) {
    std::vector<uint32_t> all(validation->count());
    std::iota(all.begin(), all.end(), 0u);
    out.validation_from = "val";
    out.train = cut(train, usable, train_size, seed);
    out.validation = cut(*validation, all, val_size, seed);
  } else {
    const size_t classes = classes_of(train, usable);
    const bool nobody_says = train_size == 0 && val_size == 0;
    if (val_size == 0) {
      const size_t most = default_validation_size(usable.size(), classes);
      if (train_size == usable.size() && most > 0) {
        throw UsageError(name_setting("train_size") + " " + std::to_string(train_size) +
                         " leaves no image of " + data.path + " to validate; give " +
                         name_setting("train_size") + " " + std::to_string(train_size - most) +
                         " or less");
      }
      val_size = std::min(most, usable.size() - std::min(usable.size(), train_size));
    }
    check_sizes(train, usable.size(), classes, train_size, val_size);
    const ImageSet part = part_of(train, usable);
    const TrainValSplit plan =
        nobody_says && !part.groups.empty()
            ? split_groups_by_default(part, val_size, seed)
            : stratified_split(part, train_size > 0 ? train_size : usable.size() - val_size,
                               val_size, seed);
    out.train = picked(usable, plan.train);
    out.validation = picked(usable, plan.validation);
  }
  out.how = {{"seed", seed}, {"dropped", dropped.size()}};
  return out;
}

std::vector<uint32_t> poisoned_images(const Dataset& data) {
  const ImageSet& train = need(data, "train");
  std::set<Digest> elsewhere;
  for (const ImageSet& split : data.splits) {
    if (&split == &train) continue;
    for (const Digest& digest : digests_of(split, 0)) elsewhere.insert(digest);
  }
  struct Seen {
    std::set<uint32_t> labels;
    std::vector<uint32_t> images;
  };
  std::map<Digest, Seen> seen;
  const std::vector<Digest> digests = digests_of(train, 0);
  for (uint32_t i = 0; i < digests.size(); ++i) {
    seen[digests[i]].labels.insert(train.labels[i]);
    seen[digests[i]].images.push_back(i);
  }
  std::vector<uint32_t> out;
  for (const auto& [digest, one] : seen) {
    const bool all = elsewhere.contains(digest) || one.labels.size() > 1;
    out.insert(out.end(), one.images.begin() + (all ? 0 : 1), one.images.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string split_text(const TrainValSplit& division, const Dataset& data) {
  const Json json = {{"format", "popaug-split"},
                     {"version", 1},
                     {"classes", data.classes.size()},
                     {"labels_checksum", labels_checksum(data)},
                     {"size", size_json(need(data, division.train_from))},
                     {"fingerprint", fingerprint(data)},
                     {"how", division.how},
                     {"train_from", division.train_from},
                     {"validation_from", division.validation_from},
                     {"train", division.train},
                     {"validation", division.validation}};
  return json_line(json) + "\n";
}

void write_split(const fs::path& path, const TrainValSplit& division, const Dataset& data) {
  write_file_atomic(path, split_text(division, data));
}

TrainValSplit read_split(const fs::path& path, const Dataset& data) {
  constexpr uint64_t kMaxFile = uint64_t{1} << 30;
  return parse_split(read_file(path, kMaxFile), show_path(path), data);
}

TrainValSplit parse_split(std::string_view text, const std::string& origin, const Dataset& data) {
  const Json json =
      parse_json(text, origin, {.bytes = uint64_t{1} << 30, .values = uint64_t{1} << 30});
  JsonReader reader(json, origin);
  if (reader.text("format") != "popaug-split") {
    reader.fail("format", "is not popaug-split: this is not a split file");
  }
  if (const int64_t version = reader.integer("version", 0, INT32_MAX); version != 1) {
    reader.fail("version", "is " + std::to_string(version) + "; this program reads version 1");
  }
  const std::string other = "; make it again with popaug data split";
  const int64_t classes = reader.integer("classes", 0, INT32_MAX);
  const std::string checksum = reader.text("labels_checksum");
  const std::string print = reader.text("fingerprint");
  if (static_cast<size_t>(classes) != data.classes.size() || checksum != labels_checksum(data)) {
    throw Error(origin + ": the split was made for other labels than those of " + data.path +
                other);
  }
  TrainValSplit out;
  out.train_from = reader.text("train_from");
  out.validation_from = reader.text("validation_from");
  out.how = reader.object("how");
  const ImageSet& train = need(data, out.train_from);
  const ImageSet& validation = need(data, out.validation_from);
  if (reader.array("size") == size_json(train) && print != fingerprint(data)) {
    throw Error(origin + ": the split was made for other images than those of " + data.path +
                other);
  }
  out.train = indices(reader, "train", train.count());
  out.validation = indices(reader, "validation", validation.count());
  reader.finish();
  if (out.train_from == out.validation_from) {
    std::vector<uint32_t> both;
    std::set_intersection(out.train.begin(), out.train.end(), out.validation.begin(),
                          out.validation.end(), std::back_inserter(both));
    if (!both.empty()) {
      reader.fail("validation", "shares image " + std::to_string(both[0]) + " with train");
    }
  }
  return out;
}

}  // namespace popaug
