// Opens packed sets: the pixels stay in the file, mapped.
#include <algorithm>

#include "popaug/data/internal/digest.h"
#include "popaug/data/internal/packed_format.h"
#include "popaug/data/internal/source.h"

namespace popaug::source {
namespace {

using packed::Header;

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool same(const Digest& digest, const uint8_t* recorded) {
  return std::equal(digest.begin(), digest.end(), recorded);
}

// The header's own words, checked; the JSON text that it points to.
std::string_view json_text(std::span<const uint8_t> bytes, const std::string& origin) {
  Header header;
  if (bytes.size() < sizeof header) throw Error(origin + ": the packed set is cut short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != packed::kVersion) {
    throw Error(origin + ": is a packed set of version " + std::to_string(header.version) +
                "; this program reads version " + std::to_string(packed::kVersion));
  }
  const size_t checked = offsetof(Header, header_digest);
  if (!same(digest_of(bytes.first(checked)), header.header_digest)) {
    throw Error(origin + ": the header of the packed set is damaged; pack the set again");
  }
  if (header.json_offset > bytes.size() || header.json_bytes > bytes.size() - header.json_offset) {
    throw Error(origin + ": the packed set is cut short: " + std::to_string(bytes.size()) +
                " bytes of " + std::to_string(header.json_offset + header.json_bytes));
  }
  const auto json = bytes.subspan(header.json_offset, header.json_bytes);
  if (!same(digest_of(json), header.json_digest)) {
    throw Error(origin +
                ": the table of contents of the packed set is damaged; pack the set again");
  }
  return text_of(json);
}

// `count` items of `size` bytes at the offset that the field names.
std::span<const uint8_t> region(JsonReader& reader, const std::string& key, uint64_t count,
                                uint64_t size, std::span<const uint8_t> bytes) {
  const uint64_t offset = reader.unsigned64(key);
  const uint64_t room = offset <= bytes.size() ? bytes.size() - offset : 0;
  if (size != 0 && count > room / size) reader.fail(key, "points outside the file");
  return bytes.subspan(count * size == 0 ? 0 : offset, count * size);
}

std::vector<uint32_t> numbers(std::span<const uint8_t> bytes, size_t below, JsonReader& reader,
                              const std::string& key) {
  std::vector<uint32_t> out(bytes.size() / sizeof(uint32_t));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  for (const uint32_t value : out) {
    if (value >= below) reader.fail(key, "has a number without a meaning");
  }
  return out;
}

std::vector<std::string> strings(JsonReader& reader, const std::string& key) {
  std::vector<std::string> out;
  for (const Json& item : reader.array(key)) {
    if (!item.is_string()) reader.fail(key, "must be a list of texts");
    out.push_back(item.get<std::string>());
  }
  return out;
}

SourceSplit read_split(const Json& json, const std::string& origin, size_t classes,
                       std::span<const uint8_t> bytes) {
  JsonReader reader(json, origin);
  constexpr int64_t kMaxSide = 16384;
  SourceSplit out;
  ImageSet& split = out.split;
  split.name = reader.text("name");
  const auto count = static_cast<uint64_t>(reader.integer("count", 0, UINT32_MAX));
  split.width = static_cast<int>(reader.integer("width", 1, kMaxSide));
  split.height = static_cast<int>(reader.integer("height", 1, kMaxSide));
  split.channels = static_cast<int>(reader.integer("channels", 1, 3));
  if (split.channels == 2) reader.fail("channels", "must be 1 or 3");
  split.pixels = region(reader, "pixels", count, split.image_bytes(), bytes);
  out.digests = region(reader, "digests", count, kDigestBytes, bytes);
  const auto labels = region(reader, "labels", count, sizeof(uint32_t), bytes);
  std::string tables(text_of(labels));
  split.labels = numbers(labels, classes, reader, "labels");
  if (reader.has("groups")) {
    const std::vector<std::string> names = strings(reader, "group_names");
    const auto groups = region(reader, "groups", count, sizeof(uint32_t), bytes);
    tables += text_of(groups);
    for (const uint32_t group : numbers(groups, names.size(), reader, "groups")) {
      split.groups.push_back(names[group]);
    }
  }
  if (hash_hex(tables) != reader.text("tables_checksum")) {
    reader.fail("tables_checksum", "does not fit the labels: the file is damaged; pack it again");
  }
  if (reader.has("reading")) {
    JsonReader reading(reader.object("reading"), origin + ": reading");
    split.reading = {reading.text("fit"), reading.text("range"), reading.text("background")};
    reading.finish();
    try {
      ReadOptions valid;
      apply_reading(split.reading, valid);
    } catch (const UsageError& error) {
      reader.fail("reading", error.what());
    }
  }
  reader.finish();
  return out;
}

}  // namespace

bool is_packed(std::string_view begin) { return begin.starts_with(packed::kMagic); }

Source open_packed(std::span<const uint8_t> bytes, const std::shared_ptr<const void>& storage,
                   const std::string& origin) {
  const Json json = parse_json(json_text(bytes, origin), origin,
                               {.bytes = uint64_t{1} << 30, .values = uint64_t{1} << 30});
  JsonReader reader(json, origin);
  Source source;
  source.path = origin;
  source.kind = "packed";
  reader.text("tool");
  source.classes = strings(reader, "classes");
  source.notes = strings(reader, "notes");
  source.fingerprint = reader.text("fingerprint");
  for (const Json& one : reader.array("splits")) {
    source.splits.push_back(read_split(one, origin, source.classes.size(), bytes));
    source.splits.back().split.storage = storage;
  }
  reader.finish();
  return source;
}

Source open_packed(const fs::path& file) {
  const auto map = std::make_shared<MappedFile>(file);
  return open_packed(map->bytes(), map, show_path(file));
}

}  // namespace popaug::source
