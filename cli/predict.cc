// popaug predict: labels for new images, as CSV.
#include <fmt/format.h>

#include <numeric>

#include "cli/evaluation.h"
#include "cli/training.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  std::string checkpoint, out, device = "auto";
  std::vector<std::string> images;
  int workers = 0;
  bool scaled_decoding = false;
};

// Bytes HWC of one image as the network wants it.
void store(const Image& image, int channels, uint8_t* to) {
  for (int i = 0; i < image.width() * image.height(); ++i) {
    const uint8_t* pixel = image.data() + 4 * size_t(i);
    if (channels == 3) {
      std::copy_n(pixel, 3, to + 3 * size_t(i));
    } else {
      // The weights of ITU-R 601-2, in Pillow's integers.
      to[i] = static_cast<uint8_t>(
          (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16);
    }
  }
}

std::vector<fs::path> files_of(const std::vector<std::string>& names) {
  std::vector<fs::path> files;
  for (const std::string& name : names) {
    const std::vector<fs::path> listed = list_images(name);
    files.insert(files.end(), listed.begin(), listed.end());
  }
  return files;
}

// All images at the checkpoint's size; labels are unknown and stand at 0.
Split read_images(const std::vector<fs::path>& files, const CheckpointInfo& info,
                  const Options& options) {
  Split split;
  split.name = "new";
  split.width = info.width;
  split.height = info.height;
  split.channels = info.channels;
  split.labels.assign(files.size(), 0);
  auto pixels = std::make_shared<std::vector<uint8_t>>(files.size() * split.image_bytes());
  const int threads = options.workers > 0 ? options.workers : available_cores();
  parallel_for(files.size(), threads, [&](size_t i) {
    Image image = options.scaled_decoding ? load_image_scaled(files[i], info.width, info.height)
                                          : load_image(files[i]);
    if (image.width() != info.width || image.height() != info.height) {
      image = resize(image, info.width, info.height);
    }
    store(image, info.channels, pixels->data() + i * split.image_bytes());
  });
  split.pixels = *pixels;
  split.storage = pixels;
  return split;
}

std::string csv_of(const std::vector<fs::path>& files, const Evaluation& evaluation,
                   const std::vector<std::string>& classes) {
  std::string text = "file,class,probability\n";
  for (size_t i = 0; i < files.size(); ++i) {
    text += fmt::format("{},{},{:.6f}\n", csv_field(files[i].string()),
                        csv_field(classes[evaluation.predicted[i]]), evaluation.confidence[i]);
  }
  return text;
}

int predict(const Options& options) {
  fs::path path = options.checkpoint;
  if (fs::is_directory(path)) path /= "best.safetensors";
  const TrainingApi& api = training();
  const CheckpointInfo info = api.read_checkpoint_info(path);
  const std::vector<fs::path> files = files_of(options.images);
  const Split split = read_images(files, info, options);
  Subset subset{&split, std::vector<uint32_t>(split.count())};
  std::iota(subset.indices.begin(), subset.indices.end(), 0u);
  TerminalProgress progress("predict");
  const Evaluation evaluation = api.evaluate_checkpoint(path, subset, 0, options.device, progress);
  progress.finish();
  const std::string text = csv_of(files, evaluation, info.classes);
  if (options.out.empty()) {
    fmt::print("{}", text);
  } else {
    write_file_atomic(options.out, text);
  }
  return 0;
}

}  // namespace

void add_predict(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("predict", "Label new images with a trained network");
  static Options options;
  verb->add_option("checkpoint", options.checkpoint, "A checkpoint, or a run directory")
      ->required();
  verb->add_option("images", options.images, "Image files, folders, or lists of files")->required();
  verb->add_option("--out", options.out, "The CSV file (default: stdout)");
  verb->add_option("--device", options.device, "cpu, cuda, cuda:N or auto")->capture_default_str();
  verb->add_flag("--scaled-decoding", options.scaled_decoding,
                 "Decode JPEGs as a training with this setting does");
  verb->add_option("--workers", options.workers, "Threads that decode (0: one per core)")
      ->check(CLI::Range(0, 1024));
  examples(*verb, {{"popaug predict network new/*.jpg", "file, class and probability as CSV"},
                   {"popaug predict network holiday --out labels.csv",
                    "all images of a folder, into a file"}});
  verb->callback([&action] { action = [] { return predict(options); }; });
}

}  // namespace popaug::cli
