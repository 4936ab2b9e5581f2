#include "popaug/model/checkpoint.h"

namespace popaug {
namespace {

constexpr char kFormat[] = "popaug-checkpoint";
constexpr int kVersion = 1;
constexpr char kKey[] = "popaug";

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
  if (version != kVersion) {
    reader.fail("version", std::to_string(version) + " is not known; this popaug reads version " +
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
                ": a safetensors file, but no checkpoint made by popaug (its metadata has "
                "no \"popaug\"); load foreign weights with --init");
  }
  return checkpoint_info_from_json(parse_json(found->second, origin + ": metadata"), origin);
}

CheckpointInfo read_checkpoint_info(const fs::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  const RawTensors tensors = parse_safetensors(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, show_path(path));
  return checkpoint_info(tensors, show_path(path));
}

}  // namespace popaug
