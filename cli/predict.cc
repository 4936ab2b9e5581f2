// popaug predict: labels for new images, as CSV.
#include <fmt/format.h>

#include <numeric>

#include "cli/data.h"
#include "cli/evaluation.h"
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"

namespace popaug::cli {
namespace {

struct Options {
  std::string checkpoint, out, device = "auto";
  ReadingFlags reading;
  std::vector<std::string> images;
  int workers = 0;
  bool scaled_decoding = false, keep_going = false;
};

// Bytes HWC of one image as the network wants it.
void store(const Image& image, int channels, uint8_t* to) {
  for (int i = 0; i < image.width() * image.height(); ++i) {
    const uint8_t* pixel = image.data() + 4 * size_t(i);
    if (channels == 3) {
      std::copy_n(pixel, 3, to + 3 * size_t(i));
    } else {
      to[i] = grey_value(pixel);
    }
  }
}

std::vector<fs::path> files_of(const std::vector<std::string>& names) {
  std::vector<fs::path> files;
  for (const std::string& name : names) {
    std::vector<std::string> notes;
    const std::vector<fs::path> listed = list_images(name, &notes);
    for (const std::string& note : notes) print_note("note", note);
    files.insert(files.end(), listed.begin(), listed.end());
  }
  return files;
}

// What cannot be read, said all at once. With --keep-going these files are taken out of `files`.
void report_unreadable(const std::vector<std::string>& errors, const Options& options,
                       Progress& progress) {
  std::vector<std::string> bad;
  for (const std::string& error : errors) {
    if (!error.empty()) bad.push_back(error);
  }
  if (bad.empty()) return;
  const std::string count = std::to_string(bad.size()) + " of " + std::to_string(errors.size()) +
                            (errors.size() == 1 ? " image" : " images") + " cannot be read";
  if (!options.keep_going) {
    throw Error(count + "; with --keep-going the others are labelled: " + join(bad, "; "));
  }
  for (const std::string& error : bad) progress.line("left out: " + error);
  if (bad.size() == errors.size()) throw Error(count);
  progress.line(count + " and left out");
}

// The images that can be read, at the checkpoint's size; labels are unknown and are 0.
ImageSet read_images(std::vector<fs::path>& files, const CheckpointInfo& info,
                     const Options& options, Progress& progress) {
  ImageSet split;
  split.name = "new";
  split.width = info.width;
  split.height = info.height;
  split.channels = info.channels;
  std::vector<std::string> errors(files.size());
  auto pixels = std::make_shared<std::vector<uint8_t>>(files.size() * split.image_bytes());
  const int threads = options.workers > 0 ? options.workers : available_cores();
  ReadOptions reading;
  options.reading.apply(info, reading);
  const DecodeRules& rules = reading.rules;
  const auto read = [&](size_t i) {
    Image image = options.scaled_decoding
                      ? load_image_scaled(files[i], info.width, info.height, nullptr, {}, rules)
                      : load_image(files[i], nullptr, {}, rules);
    if (image.width() != info.width || image.height() != info.height) {
      image = fit_image(image, info.width, info.height, reading.fit);
    }
    store(image, info.channels, pixels->data() + i * split.image_bytes());
  };
  parallel_for(files.size(), threads, [&](size_t i) {
    try {
      read(i);
    } catch (const Error& error) {
      errors[i] = error.what();
    }
  });
  report_unreadable(errors, options, progress);
  size_t kept = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!errors[i].empty()) continue;
    std::copy_n(pixels->data() + i * split.image_bytes(), split.image_bytes(),
                pixels->data() + kept * split.image_bytes());
    files[kept++] = files[i];
  }
  files.resize(kept);
  pixels->resize(kept * split.image_bytes());
  split.labels.assign(kept, 0);
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
  const fs::path path = network_file(options.checkpoint);
  const TrainingApi& api = training();
  const CheckpointInfo info = api.read_checkpoint_info(path);
  VerbProgress progress("predict");
  std::vector<fs::path> files = files_of(options.images);
  const ImageSet split = read_images(files, info, options, progress);
  Subset subset{&split, std::vector<uint32_t>(split.count())};
  std::iota(subset.indices.begin(), subset.indices.end(), 0u);
  const Evaluation evaluation = api.evaluate_checkpoint(path, subset, 0, options.device, progress);
  progress.finish();
  write_output(options.out, csv_of(files, evaluation, info.classes));
  return 0;
}

}  // namespace

void add_predict(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("predict", "Label new images with a trained network");
  static Options options;
  verb->add_option("checkpoint", options.checkpoint, "A checkpoint, or a run directory")
      ->required();
  verb->add_option("images", options.images, "Image files, folders, or lists of files")->required();
  verb->add_option("--out", options.out, "The CSV file (default, or -: stdout)");
  verb->add_option("--device", options.device, "Where to compute: cpu, cuda, cuda:N or auto")
      ->capture_default_str();
  verb->add_flag("--scaled-decoding", options.scaled_decoding,
                 "Decode JPEGs as a training with this setting does");
  options.reading.add(*verb);
  verb->add_flag("--keep-going", options.keep_going,
                 "Label the other images where some cannot be read, and name those");
  verb->add_option("--workers", options.workers, "Threads that decode (0: one per core)")
      ->check(CLI::Range(0, 1024));
  examples(*verb, {{"popaug predict network new/*.jpg", "file, class and probability as CSV"},
                   {"popaug predict network holiday --out labels.csv",
                    "all images of a folder, into a file"}});
  verb->callback([&action] { action = [] { return predict(options); }; });
}

}  // namespace popaug::cli
