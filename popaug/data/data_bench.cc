// How fast image sets are read: a folder of JPEG files against libjpeg-turbo alone on the same
// bytes, a packed set, and the memory that each holds. Prints one JSON object;
// bench/studies/data/read_sets.py makes the table of bench/results/data.json from it.
//   bench_data speed FOLDER PACKED REPEATS   |   bench_data memory SET
#include <chrono>
#include <cstdio>
#include <fstream>
// jpeglib.h needs FILE before it.
#include <jpeglib.h>

#include "popaug/data/data.h"

namespace popaug {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// libjpeg-turbo and nothing else: one decoder for many images, rows into a small buffer.
void decode_alone(std::span<const std::string> files) {
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&state);
  std::vector<uint8_t> row;
  for (const std::string& bytes : files) {
    jpeg_mem_src(&state, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    jpeg_read_header(&state, TRUE);
    jpeg_start_decompress(&state);
    row.resize(size_t{1} * state.output_width * state.output_components);
    uint8_t* at = row.data();
    while (state.output_scanline < state.output_height) jpeg_read_scanlines(&state, &at, 1);
    jpeg_finish_decompress(&state);
  }
  jpeg_destroy_decompress(&state);
}

Json measure_speed(const fs::path& folder, const fs::path& packed, int repeats) {
  const std::vector<fs::path> paths = list_images(folder);
  std::vector<std::string> files(paths.size());
  const int cores = available_cores();
  constexpr size_t kChunk = 64;
  const size_t chunks = (files.size() + kChunk - 1) / kChunk;
  const auto part = [&](size_t i) {
    return std::span<const std::string>(files).subspan(i * kChunk,
                                                       std::min(kChunk, files.size() - i * kChunk));
  };
  const std::vector<std::pair<std::string, std::function<void()>>> works = {
      {"libjpeg-turbo alone, from memory",
       [&] { parallel_for(chunks, cores, [&](size_t i) { decode_alone(part(i)); }); }},
      {"decode_image, from memory",
       [&] {
         parallel_for(
             files.size(), cores, [&](size_t i) { decode_image(files[i], "x"); }, kChunk);
       }},
      {"files read, not decoded",
       [&] {
         parallel_for(
             files.size(), cores, [&](size_t i) { read_file(paths[i]); }, kChunk);
       }},
      {"folder listed", [&] { list_images(folder); }},
      {"folder read", [&] { read_dataset(folder); }},
      {"packed set opened", [&] { read_dataset(packed); }}};
  for (size_t i = 0; i < files.size(); ++i) files[i] = read_file(paths[i]);
  Json rows = Json::object();
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (const auto& [name, work] : works) rows[name].push_back(seconds_of(work));
  }
  return {{"images", files.size()}, {"cores", cores}, {"seconds", rows}};
}

uint64_t status_kib(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

// Before and after the set is read, and after every pixel was touched.
Json measure_memory(const fs::path& set) {
  const auto now = [] {
    return Json{{"held_kib", status_kib("RssAnon")}, {"mapped_kib", status_kib("RssFile")}};
  };
  Json json = {{"before", now()}};
  const Dataset data = read_dataset(set);
  json["read"] = now();
  for (const ImageSet& split : data.splits) {
    std::vector<uint32_t> all(split.count());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    channel_statistics(split, all);
  }
  json["touched"] = now();
  return json;
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  using namespace popaug;
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "speed" && argc == 5) {
    std::fputs(json_pretty(measure_speed(argv[2], argv[3], std::stoi(argv[4]))).c_str(), stdout);
  } else if (what == "memory" && argc == 3) {
    std::fputs(json_pretty(measure_memory(argv[2])).c_str(), stdout);
  } else {
    std::fputs("bench_data speed FOLDER PACKED REPEATS | memory SET\n", stderr);
    return 2;
  }
}
