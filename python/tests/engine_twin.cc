// The engine called from C++ alone, for a test that compares bytes with the Python side:
// SCHEDULE IMAGES OUT WIDTH HEIGHT CHANNELS SEED STREAM EPOCH FIRST_SAMPLE bytes|floats
// IMAGES holds raw bytes, image after image; mean is 0.5 and deviation 0.25 in every channel.
#include <cstdio>
#include <string>
#include <vector>

#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

int run(const std::vector<std::string>& a) {
  const Schedule schedule = load_schedule(a[0]);
  const std::string images = read_file(a[1]);
  const int width = std::stoi(a[3]), height = std::stoi(a[4]), channels = std::stoi(a[5]);
  const auto epoch = static_cast<uint32_t>(std::stoul(a[8]));
  const SampleKey key{std::stoull(a[6]), static_cast<uint32_t>(std::stoul(a[7])), epoch,
                      std::stoull(a[9])};
  const Normalisation normalisation{std::vector<float>(channels, 0.5f),
                                    std::vector<float>(channels, 0.25f)};
  const auto augmenter = make_augmenter(schedule, schedule.segment_of(static_cast<int>(epoch)),
                                        normalisation, width, height, channels);
  const size_t size = size_t{1} * width * height * channels, count = images.size() / size;
  const auto* data = reinterpret_cast<const uint8_t*>(images.data());
  if (a[10] == "floats") {  // NHWC
    std::vector<float> out(count * size);
    std::vector<uint32_t> indices;
    for (size_t i = 0; i < count; ++i) indices.push_back(static_cast<uint32_t>(i));
    augmenter->run(
        {data, width, height, channels, size}, indices, key,
        {out.data(), static_cast<ptrdiff_t>(size), 1, ptrdiff_t{1} * width * channels, channels},
        1);
    write_file_atomic(a[2], {reinterpret_cast<const char*>(out.data()), 4 * out.size()});
    return 0;
  }
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    Image image(width, height);
    for (int p = 0; p < width * height; ++p) {
      for (int c = 0; c < 3; ++c) {
        image.data()[4 * p + c] = data[i * size + p * channels + (channels == 1 ? 0 : c)];
      }
    }
    SampleKey own = key;
    own.sample += i;
    const Image result = augmenter->augment(image, own);
    out.append(reinterpret_cast<const char*>(result.data()), result.size_bytes());
  }
  write_file_atomic(a[2], out);
  return 0;
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  try {
    if (argc != 12) throw popaug::UsageError("expected 11 arguments");
    return popaug::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "engine_twin: %s\n", error.what());
    return 1;
  }
}
