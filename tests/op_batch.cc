// Applies ops to a batch of images for a test in another language: op_batch IN OUT.
// IN holds records: name length (u32), name, value (f64), flags (u32: 1 holes, 2 grey), width,
// height (u32), sample (u64), width * height RGBA pixels. OUT: for each, the two draws that Cutout
// takes from the sample's stream (u32), then the pixels. All little endian.
#include <bit>
#include <cstdio>
#include <cstring>

#include "popaug/augment/augment.h"

namespace popaug {
namespace {

static_assert(std::endian::native == std::endian::little);

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  bool done() const { return at_ == bytes_.size(); }
  const char* take(size_t count) {
    if (bytes_.size() - at_ < count) throw Error("op_batch: the input ends inside a record");
    at_ += count;
    return bytes_.data() + at_ - count;
  }
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

void append(std::string& out, const void* bytes, size_t count) {
  out.append(static_cast<const char*>(bytes), count);
}

std::string apply_all(const std::string& input) {
  Reader in(input);
  std::string out;
  while (!in.done()) {
    const auto length = in.number<uint32_t>();
    const std::string name(in.take(length), length);
    const auto value = in.number<double>();
    const auto flags = in.number<uint32_t>();
    const auto width = in.number<uint32_t>(), height = in.number<uint32_t>();
    Random random = stream_of({.sample = in.number<uint64_t>()}, Purpose::kOp);
    Image image(static_cast<int>(width), static_cast<int>(height));
    std::memcpy(image.data(), in.take(image.size_bytes()), image.size_bytes());

    Random copy = random;
    const uint32_t draws[2] = {copy.below(width), copy.below(height)};
    append(out, draws, sizeof draws);
    OpContext context{&random, (flags & 1) != 0, (flags & 2) != 0};
    apply_op(image, name, value, context);
    append(out, image.data(), image.size_bytes());
  }
  return out;
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const std::string out = popaug::apply_all(popaug::read_file(argv[1]));
    std::FILE* file = std::fopen(argv[2], "wb");
    const bool ok = file != nullptr && std::fwrite(out.data(), 1, out.size(), file) == out.size();
    return file != nullptr && std::fclose(file) == 0 && ok ? 0 : 1;
  } catch (const popaug::Error& error) {
    std::fprintf(stderr, "op_batch: %s\n", error.what());
    return 1;
  }
}
