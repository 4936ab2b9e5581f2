// Packed sets. The checksums are made to fit, so that the reader goes past them.
#include "popaug/data/internal/digest.h"
#include "popaug/data/internal/fuzz.h"
#include "popaug/data/internal/packed_format.h"

namespace {

void fit_checksums(std::vector<uint8_t>& bytes) {
  using namespace popaug;
  packed::Header header;
  if (bytes.size() < sizeof header) return;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.json_offset > bytes.size() || header.json_bytes > bytes.size() - header.json_offset) {
    return;
  }
  const std::span<const uint8_t> all(bytes);
  const Digest json = digest_of(all.subspan(header.json_offset, header.json_bytes));
  std::copy(json.begin(), json.end(), bytes.begin() + offsetof(packed::Header, json_digest));
  const Digest own = digest_of(all.first(offsetof(packed::Header, header_digest)));
  std::copy(own.begin(), own.end(), bytes.begin() + offsetof(packed::Header, header_digest));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    std::vector<uint8_t> bytes(data, data + size);
    fit_checksums(bytes);
    const Source source = open_packed(bytes, nullptr, "a");
    for (const SourceSplit& one : source.splits) check(one.split, source.classes.size());
  } catch (const Error&) {
  }
  return 0;
}
