// Where the time of a loader goes from a JPEG file to its place in a batch, and how much of it is
// libjpeg-turbo alone. Prints one JSON object; bench/studies/rivals/jpeg.py runs it.
//   bench_loader FOLDER SIDE REPEATS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs FILE and size_t before it.
#include <jpeglib.h>

#include "popaug/image/part.h"
#include "popaug/loader/loader.h"

namespace popaug {
namespace {

constexpr double kLeastArea = 0.08;

SampleKey key_of(size_t image) { return {.seed = 1, .epoch = 0, .sample = image}; }

ImagePart part_of(int width, int height, size_t image) {
  Random random = stream_of(key_of(image), Purpose::kResizedCrop);
  const CropBox box = random_crop_box(width, height, {.least_area = kLeastArea}, random);
  return {box.left, box.top, box.width, box.height};
}

// libjpeg-turbo and nothing else, rows into a small buffer: the whole image, or its part with the
// blocks around it.
void decode_alone(const std::string& bytes, size_t image, bool whole) {
  constexpr unsigned kAround = 2 * DCTSIZE;
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  jpeg_read_header(&state, TRUE);
  state.out_color_space = JCS_EXT_RGBA;
  JDIMENSION rows = state.image_height;
  jpeg_start_decompress(&state);
  if (!whole) {
    const ImagePart part =
        part_of(static_cast<int>(state.image_width), static_cast<int>(state.image_height), image);
    const auto left = static_cast<unsigned>(part.left), top = static_cast<unsigned>(part.top);
    JDIMENSION first = left - std::min(left, kAround);
    JDIMENSION columns = std::min(left + part.width + kAround, state.image_width) - first;
    jpeg_crop_scanline(&state, &first, &columns);
    if (top > kAround) jpeg_skip_scanlines(&state, top - kAround);
    rows = top + part.height;
  }
  std::vector<uint8_t> row(size_t{4} * state.output_width);
  uint8_t* at = row.data();
  while (state.output_scanline < rows) jpeg_read_scanlines(&state, &at, 1);
  jpeg_abort_decompress(&state);
  jpeg_destroy_decompress(&state);
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Stage {
  std::string name;
  std::function<void(size_t image)> work;
  std::vector<double> microseconds;  // of processor time, per image and repeat
};

int run(const fs::path& folder, int side, int repeats) {
  ImageSource source;
  source.files = files_below(folder);
  source.count = static_cast<uint32_t>(source.files.size());
  source.width = source.height = side;
  std::vector<std::string> bytes;
  for (const fs::path& file : source.files) bytes.push_back(read_file(file, uint64_t{64} << 20));

  Schedule schedule = baseline_schedule("randaugment");
  schedule.base = {};
  schedule.base.flip = 0.5;
  schedule.base.resized_crop = kLeastArea;
  const BatchForm form{
      BatchType::kFloat32, false, {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}}};
  const BatchMaker maker(schedule, source, form);
  const auto memory = MemoryPool(maker.image_bytes(), 1).take();
  std::vector<uint8_t> pixels(source.image_bytes());
  Mixed mixed;
  const auto part = [&](size_t i) {
    return load_image_part(source.files[i], [i](int w, int h) { return part_of(w, h, i); });
  };
  std::vector<Stage> stages = {
      {"libjpeg-turbo alone, whole images", [&](size_t i) { decode_alone(bytes[i], i, true); }, {}},
      {"libjpeg-turbo alone, parts", [&](size_t i) { decode_alone(bytes[i], i, false); }, {}},
      {"file to part", [&](size_t i) { part(i); }, {}},
      {"file to part to size",
       [&](size_t i) {
         read_image(source, static_cast<uint32_t>(i), kLeastArea, key_of(i), pixels.data());
       },
       {}},
      {"file to batch",
       [&](size_t i) {
         const auto index = static_cast<uint32_t>(i);
         maker.make({&index, 1}, key_of(0), 0, memory.get(), &mixed);
       },
       {}},
  };
  for (int repeat = 0; repeat <= repeats; ++repeat) {  // the first warms up
    for (Stage& stage : stages) {
      const double begin = thread_seconds();
      for (size_t i = 0; i < bytes.size(); ++i) stage.work(i);
      const double taken = thread_seconds() - begin;
      if (repeat > 0) {
        stage.microseconds.push_back(1e6 * taken / static_cast<double>(bytes.size()));
      }
    }
  }
  Json out = Json::array();
  for (Stage& stage : stages) {
    std::vector<double>& times = stage.microseconds;
    std::sort(times.begin(), times.end());
    out.push_back({{"stage", stage.name},
                   {"microseconds", times[times.size() / 2]},
                   {"lowest", times.front()},
                   {"highest", times.back()}});
  }
  std::puts(json_pretty({{"images", bytes.size()}, {"side", side}, {"stages", out}}).c_str());
  return 0;
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("bench_loader FOLDER SIDE REPEATS\n", stderr);
    return 2;
  }
  return popaug::run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
}
