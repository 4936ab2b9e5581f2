// Divisions of a set for training: chosen, cleaned of poison, written, read back.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "popaug/data/digest.h"
#include "popaug/data/split.h"

namespace popaug {
namespace {

const Split& need(const Dataset& data, const std::string& name) {
  const Split* split = data.find(name);
  if (split != nullptr) return *split;
  std::vector<std::string> names;
  for (const Split& one : data.splits) names.push_back(one.name);
  throw UsageError(data.path + ": " + unknown_name("split", name, names));
}

// The labels and groups of some images of a split, as a split of its own.
Split part_of(const Split& split, const std::vector<uint32_t>& indices) {
  Split part;
  part.name = split.name;
  for (const uint32_t i : indices) {
    part.labels.push_back(split.labels[i]);
    if (!split.groups.empty()) part.groups.push_back(split.groups[i]);
  }
  return part;
}

std::vector<uint32_t> kept(const Split& split, std::span<const uint32_t> dropped) {
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
std::vector<uint32_t> cut(const Split& split, const std::vector<uint32_t>& from, size_t size,
                          uint64_t seed) {
  if (size == 0) return from;
  return picked(from, stratified_split(part_of(split, from), size, 0, seed).train);
}

constexpr size_t kValidationShare = 5;  // a fifth of "train" where nothing is asked for

// Hash of what a division rests on whatever the size of the images: classes and labels.
std::string labels_checksum(const Dataset& data) {
  Hasher hasher;
  for (const std::string& name : data.classes) hasher.add_field(name);
  for (const Split& split : data.splits) {
    hasher.add_field(split.name);
    std::string labels;
    for (const uint32_t label : split.labels) labels += std::to_string(label) + ",";
    hasher.add_field(labels);
  }
  return hasher.hex();
}

Json size_json(const Split& split) { return {split.width, split.height, split.channels}; }

std::vector<uint32_t> indices(JsonReader& reader, const std::string& key, size_t count) {
  std::vector<uint32_t> out;
  for (const Json& item : reader.array(key)) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() >= count) {
      reader.fail(key, "must hold whole numbers below " + std::to_string(count));
    }
    out.push_back(item.get<uint32_t>());
    if (out.size() > 1 && out[out.size() - 2] >= out.back()) {
      reader.fail(key, "must be in rising order, each image once");
    }
  }
  return out;
}

}  // namespace

Division divide(const Dataset& data, size_t train_size, size_t val_size, uint64_t seed,
                std::span<const uint32_t> dropped) {
  const Split& train = need(data, "train");
  const std::vector<uint32_t> usable = kept(train, dropped);
  Division out;
  if (const Split* validation = data.find("val"); validation != nullptr) {
    std::vector<uint32_t> all(validation->count());
    std::iota(all.begin(), all.end(), 0u);
    out.validation_from = "val";
    out.plan.train = cut(train, usable, train_size, seed);
    out.plan.validation = cut(*validation, all, val_size, seed);
  } else {
    if (val_size == 0) {
      val_size = train_size == 0 ? std::max<size_t>(1, usable.size() / kValidationShare)
                                 : std::min(usable.size() - std::min(usable.size(), train_size),
                                            std::max<size_t>(1, usable.size() / kValidationShare));
    }
    if (train_size == 0) train_size = usable.size() - std::min(usable.size(), val_size);
    const SplitPlan plan = stratified_split(part_of(train, usable), train_size, val_size, seed);
    out.plan = {picked(usable, plan.train), picked(usable, plan.validation)};
  }
  out.how = {{"seed", seed}, {"dropped", dropped.size()}};
  return out;
}

std::vector<uint32_t> poisoned_images(const Dataset& data) {
  const Split& train = need(data, "train");
  std::set<Digest> elsewhere;
  for (const Split& split : data.splits) {
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

void write_division(const fs::path& path, const Division& division, const Dataset& data) {
  const Json json = {{"format", "popaug-split"},
                     {"version", 1},
                     {"classes", data.classes.size()},
                     {"labels_checksum", labels_checksum(data)},
                     {"size", size_json(need(data, division.train_from))},
                     {"fingerprint", fingerprint(data)},
                     {"how", division.how},
                     {"train_from", division.train_from},
                     {"validation_from", division.validation_from},
                     {"train", division.plan.train},
                     {"validation", division.plan.validation}};
  write_file_atomic(path, json_line(json) + "\n");
}

Division read_division(const fs::path& path, const Dataset& data) {
  constexpr uint64_t kMaxFile = uint64_t{1} << 30;
  return parse_division(read_file(path, kMaxFile), show_path(path), data);
}

Division parse_division(std::string_view text, const std::string& origin, const Dataset& data) {
  const Json json = parse_json(text, origin, {.bytes = uint64_t{1} << 30});
  JsonReader reader(json, origin);
  if (reader.text("format") != "popaug-split") {
    reader.fail("format", "is not popaug-split: this is no split file");
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
  Division out;
  out.train_from = reader.text("train_from");
  out.validation_from = reader.text("validation_from");
  out.how = reader.object("how");
  const Split& train = need(data, out.train_from);
  const Split& validation = need(data, out.validation_from);
  if (reader.array("size") == size_json(train) && print != fingerprint(data)) {
    throw Error(origin + ": the split was made for other images than those of " + data.path +
                other);
  }
  out.plan.train = indices(reader, "train", train.count());
  out.plan.validation = indices(reader, "validation", validation.count());
  reader.finish();
  if (out.train_from == out.validation_from) {
    std::vector<uint32_t> both;
    std::set_intersection(out.plan.train.begin(), out.plan.train.end(), out.plan.validation.begin(),
                          out.plan.validation.end(), std::back_inserter(both));
    if (!both.empty()) {
      reader.fail("validation", "shares image " + std::to_string(both[0]) + " with train");
    }
  }
  return out;
}

}  // namespace popaug
