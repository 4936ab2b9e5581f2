#include "popaug/model/checkpoint.h"

namespace popaug {
namespace {

constexpr char kFormat[] = "popaug-checkpoint";
constexpr int kVersion = 2;
constexpr int kFirstSealedVersion = 2;
constexpr char kKey[] = "popaug";
// 32 hexadecimal digits of XXH3-128 over the whole file, with zeros in their own place.
constexpr char kCheckKey[] = "check";
constexpr size_t kCheckDigits = 32;
constexpr uint64_t kMostBytes = uint64_t{1} << 40;

// Where the digits are in the bytes of a file; npos if there are none. In the header's JSON only
// the key itself reads like this: inside a text its quotes would be escaped.
size_t check_place(std::string_view bytes) {
  constexpr std::string_view kBefore = "\"check\":\"";
  const size_t found = bytes.find(kBefore);
  if (found == bytes.npos || bytes.size() - found < kBefore.size() + kCheckDigits)
    return bytes.npos;
  return found + kBefore.size();
}

std::string check_of(std::string_view bytes, size_t place) {
  Hasher hasher;
  hasher.add(bytes.substr(0, place));
  hasher.add(std::string(kCheckDigits, '0'));
  hasher.add(bytes.substr(place + kCheckDigits));
  return hasher.hex();
}

std::vector<float> floats(JsonReader& reader, const std::string& key, size_t count) {
  std::vector<float> values;
  for (const Json& item : reader.array(key)) {
    if (!item.is_number()) reader.fail(key, "expected numbers");
    values.push_back(item.get<float>());
  }
  if (values.size() != count) {
    reader.fail(key, "expected one number per channel, found " + std::to_string(values.size()));
  }
  return values;
}

}  // namespace

Json checkpoint_info_to_json(const CheckpointInfo& info) {
  Json json = Json::object();
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["network"] = info.network;
  json["classes"] = info.classes;
  json["channels"] = info.channels;
  json["height"] = info.height;
  json["width"] = info.width;
  // Absent where nothing of it was asked for, as in files that older versions wrote.
  const CheckpointInfo usual;
  if (info.fit != usual.fit || info.range != usual.range || info.background != usual.background) {
    json["images"] = {{"fit", info.fit}, {"range", info.range}, {"background", info.background}};
  }
  json["normalisation"] = {{"mean", info.mean}, {"std", info.std}};
  json["epoch"] = info.epoch;
  json["steps"] = info.steps;
  json["extra"] = info.extra;
  return json;
}

CheckpointInfo checkpoint_info_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  if (reader.text("format") != kFormat) reader.fail("format", std::string("expected ") + kFormat);
  const int64_t version = reader.integer("version", 0, INT32_MAX);
  if (version < 1 || version > kVersion) {
    reader.fail("version", std::to_string(version) +
                               " is not known; this popaug reads versions 1 to " +
                               std::to_string(kVersion));
  }
  CheckpointInfo info;
  info.network = reader.text("network");
  for (const Json& name : reader.array("classes")) {
    if (!name.is_string()) reader.fail("classes", "expected texts");
    info.classes.push_back(name.get<std::string>());
  }
  info.channels = static_cast<int>(reader.integer("channels", 1, 3));
  info.height = static_cast<int>(reader.integer("height", 1, 16384));
  info.width = static_cast<int>(reader.integer("width", 1, 16384));
  if (reader.has("images")) {
    JsonReader images(reader.object("images"), origin + ": images");
    info.fit = images.text("fit");
    info.range = images.text("range");
    info.background = images.text("background");
    images.finish();
  }
  JsonReader normalisation(reader.object("normalisation"), origin + ": normalisation");
  info.mean = floats(normalisation, "mean", info.channels);
  info.std = floats(normalisation, "std", info.channels);
  normalisation.finish();
  info.epoch = static_cast<int>(reader.integer("epoch", 0, INT32_MAX));
  info.steps = reader.integer("steps", 0, INT64_MAX);
  info.extra = reader.object("extra");
  reader.finish();
  return info;
}

CheckpointInfo checkpoint_info(const RawTensors& tensors, const std::string& origin) {
  const auto found = tensors.metadata.find(kKey);
  if (found == tensors.metadata.end()) {
    throw Error(origin +
                ": a safetensors file, but not a checkpoint made by popaug (its metadata has "
                "no \"popaug\"); load weights of other projects with setting \"init\"");
  }
  return checkpoint_info_from_json(parse_json(found->second, origin + ": metadata"), origin);
}

std::string make_checkpoint(const CheckpointInfo& info, std::vector<RawTensor> tensors) {
  RawTensors file;
  file.metadata = {{kCheckKey, std::string(kCheckDigits, '0')},
                   {"format", "pt"},
                   {kKey, json_line(checkpoint_info_to_json(info))}};
  file.tensors = std::move(tensors);
  std::string bytes = make_safetensors(file);
  const size_t place = check_place(bytes);
  POPAUG_ASSERT(place != bytes.npos);
  bytes.replace(place, kCheckDigits, check_of(bytes, place));
  return bytes;
}

bool verify_checksum(std::string_view bytes, const RawTensors& tensors, const std::string& origin) {
  const auto check = tensors.metadata.find(kCheckKey);
  if (check == tensors.metadata.end() || !tensors.metadata.contains(kKey)) return false;
  const size_t place = check_place(bytes);
  if (place == bytes.npos || check->second != check_of(bytes, place)) {
    throw Error(origin +
                ": the file is damaged: its checksum does not fit its bytes. Restore it from a "
                "copy, or train again");
  }
  return true;
}

Checkpoint open_checkpoint(std::string bytes, const std::string& origin) {
  Checkpoint checkpoint;
  checkpoint.bytes = std::make_unique<const std::string>(std::move(bytes));
  const std::string_view text = *checkpoint.bytes;
  checkpoint.tensors = parse_safetensors(text, origin);
  const bool sealed = verify_checksum(text, checkpoint.tensors, origin);
  checkpoint.info = checkpoint_info(checkpoint.tensors, origin);
  const Json about = parse_json(checkpoint.tensors.metadata.at(kKey), origin + ": metadata");
  if (!sealed && about.at("version").get<int64_t>() >= kFirstSealedVersion) {
    throw Error(origin + ": the file is damaged: its checksum is missing");
  }
  return checkpoint;
}

Checkpoint load_checkpoint(const fs::path& path) {
  // Read, not mapped: a file that another process cuts would end this one.
  return open_checkpoint(read_file(path, kMostBytes), show_path(path));
}

CheckpointInfo read_checkpoint_info(const fs::path& path) { return load_checkpoint(path).info; }

}  // namespace popaug
