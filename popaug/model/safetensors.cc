#include "popaug/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <utility>

namespace popaug {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian, as we are");

constexpr uint64_t kHeaderLimit = uint64_t{16} << 20;  // of about 100,000 tensors
constexpr char kMetadata[] = "__metadata__";

int bytes_per_element(std::string_view dtype) {
  static const std::map<std::string_view, int> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
      {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

struct Place {
  RawTensor tensor;
  uint64_t begin = 0, end = 0;
};

// The product of the shape and the size of an element; false if it needs more than 63 bits.
bool shape_bytes(const std::vector<int64_t>& shape, int size, uint64_t* out) {
  uint64_t product = size;
  for (const int64_t side : shape) {
    if (__builtin_mul_overflow(product, static_cast<uint64_t>(side), &product)) return false;
    if (product >> 62 != 0) return false;
  }
  *out = product;
  return true;
}

Place parse_place(const std::string& name, const Json& value, uint64_t data_size,
                  const std::string& origin) {
  JsonReader reader(value, origin + ": tensor " + quote(name));
  Place place;
  place.tensor.name = name;
  place.tensor.dtype = reader.text("dtype");
  const int size = bytes_per_element(place.tensor.dtype);
  if (size == 0) reader.fail("dtype", quote(place.tensor.dtype) + " is not a known type");
  for (const Json& side : reader.array("shape")) {
    if (!side.is_number_unsigned() || side.get<uint64_t>() >> 48 != 0) {
      reader.fail("shape", "sides must be whole numbers from 0");
    }
    place.tensor.shape.push_back(side.get<int64_t>());
  }
  const Json& offsets = reader.array("data_offsets");
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    reader.fail("data_offsets", "expected two whole numbers");
  }
  reader.finish();
  place.begin = offsets[0].get<uint64_t>();
  place.end = offsets[1].get<uint64_t>();
  if (place.begin > place.end || place.end > data_size) {
    reader.fail("data_offsets", "bytes " + std::to_string(place.begin) + " to " +
                                    std::to_string(place.end) + " are not in the file, which has " +
                                    std::to_string(data_size) + " (is it cut short?)");
  }
  uint64_t expected = 0;
  if (!shape_bytes(place.tensor.shape, size, &expected) || expected != place.end - place.begin) {
    reader.fail("data_offsets",
                "the shape does not need " + std::to_string(place.end - place.begin) + " bytes");
  }
  return place;
}

std::map<std::string, std::string> parse_metadata(const Json& value, const std::string& origin) {
  if (!value.is_object()) throw Error(origin + ": __metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw Error(origin + ": __metadata__: " + quote(key) + " is not a text");
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

// Checks that the tensors, sorted by place, fill the data exactly.
void check_filled(const std::vector<Place>& places, uint64_t data_size, const std::string& origin) {
  uint64_t at = 0;
  for (const Place& place : places) {
    if (place.begin != at) {
      throw Error(origin + ": tensor " + quote(place.tensor.name) + " begins at byte " +
                  std::to_string(place.begin) + ", but the one before ends at byte " +
                  std::to_string(at));
    }
    at = place.end;
  }
  if (at != data_size) {
    throw Error(origin + ": " + std::to_string(data_size) +
                " bytes of data, but the tensors take " + std::to_string(at));
  }
}

}  // namespace

int64_t RawTensor::elements() const {
  int64_t product = 1;
  for (const int64_t side : shape) product *= side;
  return product;
}

const RawTensor* RawTensors::find(std::string_view name) const {
  for (const RawTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

RawTensors parse_safetensors(std::string_view bytes, const std::string& origin) {
  uint64_t header_size = 0;
  if (bytes.size() < sizeof(header_size)) {
    throw Error(origin + ": not a safetensors file: it has only " + std::to_string(bytes.size()) +
                " bytes");
  }
  std::memcpy(&header_size, bytes.data(), sizeof(header_size));
  if (header_size > kHeaderLimit || header_size > bytes.size() - 8 || header_size < 2 ||
      bytes[8] != '{') {
    throw Error(origin + ": not a whole safetensors file: a header of " +
                std::to_string(header_size) + " bytes does not fit in its " +
                std::to_string(bytes.size()) + " bytes (is it cut short?)");
  }
  const std::string_view data = bytes.substr(8 + header_size);
  const Json header =
      parse_json(bytes.substr(8, header_size), origin + ": header", {kHeaderLimit, 8});
  if (!header.is_object()) throw Error(origin + ": the header is not a JSON object");
  RawTensors result;
  std::vector<Place> places;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      result.metadata = parse_metadata(value, origin);
    } else {
      places.push_back(parse_place(name, value, data.size(), origin));
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_filled(places, data.size(), origin);
  for (Place& place : places) {
    place.tensor.bytes = data.substr(place.begin, place.end - place.begin);
    result.tensors.push_back(std::move(place.tensor));
  }
  return result;
}

std::string make_safetensors(const RawTensors& input) {
  Json header = Json::object();
  if (!input.metadata.empty()) {
    Json& metadata = header[kMetadata] = Json::object();
    for (const auto& [key, text] : input.metadata) metadata[key] = text;
  }
  uint64_t at = 0;
  for (const RawTensor& tensor : input.tensors) {
    uint64_t expected = 0;
    POPAUG_ASSERT(shape_bytes(tensor.shape, bytes_per_element(tensor.dtype), &expected) &&
                  expected == tensor.bytes.size() && !header.contains(tensor.name));
    Json& entry = header[tensor.name];
    entry["dtype"] = tensor.dtype;
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {at, at + expected};
    at += expected;
  }
  std::string text = json_line(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  const uint64_t header_size = text.size();
  std::string bytes(sizeof(header_size), '\0');
  std::memcpy(bytes.data(), &header_size, sizeof(header_size));
  bytes.reserve(8 + header_size + at);
  bytes += text;
  for (const RawTensor& tensor : input.tensors) bytes += tensor.bytes;
  return bytes;
}

}  // namespace popaug
