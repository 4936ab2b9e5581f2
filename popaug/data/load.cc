// Decodes an opened set into memory, on all cores.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "popaug/data/classes.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/levels.h"

namespace popaug {
namespace source {

void Notes::add(const DecodeInfo& info, const fs::path& file) {
  const std::lock_guard lock(mutex_);
  ++(info.grey ? grey_ : colour_);
  for (const std::string& note : info.notes) {
    Entry& entry = entries_[note];
    if (entry.count++ == 0 || file < entry.first) entry.first = file;
  }
}

std::vector<std::string> Notes::sentences() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  if (grey_ > 0 && colour_ > 0) {
    out.push_back("grey and colour images are mixed: all were read as colour (" +
                  std::to_string(grey_) + " are grey)");
  }
  for (const auto& [note, entry] : entries_) {
    const std::string which =
        entry.count == 1 ? "1 image " : std::to_string(entry.count) + " images ";
    out.push_back(which + note + " (first: " + show_path(entry.first) + ")");
  }
  return out;
}

namespace {

Image file_image(const fs::path& file, const ReadOptions& options, DecodeInfo* info) {
  try {
    if (!options.scaled_decoding || options.width == 0) {
      return load_image(file, info, {}, options.rules);
    }
    return load_image_scaled(file, options.width, options.height, info, {}, options.rules);
  } catch (const Error& error) {
    throw UnreadableImage(error.what());
  }
}

}  // namespace

Image image_of(const SourceSplit& split, size_t i, const ReadOptions& options, DecodeInfo* info) {
  Image image;
  if (!split.files.empty()) {
    image = file_image(split.files[i], options, info);
  } else {
    image = split_image(split.split, i);
    if (info != nullptr) info->grey = split.split.channels == 1;
  }
  if (options.width == 0) return image;
  return fit_image(image, options.width, options.height, options.fit);
}

namespace {

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

// The pixels as 1 or 3 channels.
void store(const Image& image, int channels, uint8_t* out) {
  const uint8_t* const end = image.data() + image.size_bytes();
  for (const uint8_t* p = image.data(); p != end; p += 4, out += channels) {
    for (int c = 0; c < channels; ++c) out[c] = p[c];
  }
}

}  // namespace

ImageReading reading_of(const SourceSplit& split, const ReadOptions& options) {
  ImageReading reading = image_reading(options);
  if (split.files.empty()) {  // only the fit is of now
    const std::string fit = reading.fit;
    reading = split.split.reading;
    if (fit != fit_name(Fit::kStretch)) reading.fit = fit;
  }
  return reading;
}

Shape shape_of(const Source& source, const ReadOptions& options) {
  for (const SourceSplit& split : source.splits) {
    if (split.count() == 0) continue;
    DecodeInfo info;
    const Image image = image_of(split, 0, options, &info);
    return {image.width(), image.height(), info.grey ? 1 : 3,
            split.files.empty() ? fs::path() : split.files[0]};
  }
  throw Error(source.path + ": has no images");
}

void decode_into(const SourceSplit& split, size_t i, const Shape& shape, const ReadOptions& options,
                 Notes& notes, uint8_t* out) {
  DecodeInfo info;
  const Image image = image_of(split, i, options, &info);
  if (image.width() != shape.width || image.height() != shape.height) {
    const std::string wanted = size_text(shape.width, shape.height);
    const fs::path file = split.files.empty() ? fs::path(split.split.name) : split.files[i];
    throw Error(show_path(file) + " is " + size_text(image.width(), image.height()) +
                " pixels, but " + show_path(shape.first) + " is " + wanted +
                "; give a size, such as setting \"size\" " + wanted +
                ", to bring all images to it");
  }
  if (shape.channels == 1 && !info.grey) throw ColourFound();
  if (!split.files.empty()) notes.add(info, split.files[i]);
  store(image, shape.channels, out);
}

namespace {

// Throws Error, naming the command that packs the set, if so many images of that shape are more
// than options.memory_limit.
void check_memory(const fs::path& path, uint64_t images, const Shape& shape,
                  const ReadOptions& options) {
  const uint64_t bytes = images * shape.width * shape.height * shape.channels;
  if (bytes <= options.memory_limit) return;
  const std::string size = size_text(shape.width, shape.height);
  throw Error(show_path(path) + ": its " + std::to_string(images) + " images of " + size +
              " take " + bytes_text(static_cast<double>(bytes)) + ", more than the limit of " +
              bytes_text(static_cast<double>(options.memory_limit)) +
              ". Pack it once, then use the packed file, which is mapped instead of loaded: " +
              "popaug data convert --data " + shell_path(path) + " --size " + size +
              " -o set.popaug");
}

bool already_loaded(const Source& source, const ReadOptions& options) {
  for (const SourceSplit& split : source.splits) {
    const bool sized = options.width == 0 ||
                       (split.split.width == options.width && split.split.height == options.height);
    if (!split.files.empty() || !sized) return false;
  }
  return true;
}

ImageSet decode(const SourceSplit& from, const Shape& shape, const ReadOptions& options,
                Notes& notes, const std::function<void()>& tick) {
  ImageSet out = from.split;
  out.width = shape.width;
  out.height = shape.height;
  out.channels = shape.channels;
  const size_t bytes = out.image_bytes() * from.count();
  const auto pixels = std::make_shared_for_overwrite<uint8_t[]>(bytes);
  const int threads = options.threads > 0 ? options.threads : available_cores();
  constexpr size_t kGrain = 16;
  parallel_for(
      from.count(), threads,
      [&](size_t i) {
        decode_into(from, i, shape, options, notes, pixels.get() + i * out.image_bytes());
        tick();
      },
      kGrain);
  out.pixels = {pixels.get(), bytes};
  out.storage = pixels;
  out.reading = reading_of(from, options);
  return out;
}

std::vector<ImageSet> decode_all(const Source& source, const Shape& shape,
                                 const ReadOptions& options, Notes& notes, Progress& progress) {
  const size_t total = source.count();
  std::atomic<size_t> done{0};
  const auto tick = [&] {
    constexpr size_t kEvery = 256;
    const size_t now = ++done;
    if (now % kEvery == 0 || now == total) {
      progress.update(static_cast<double>(now), static_cast<double>(total),
                      std::to_string(now) + " images");
    }
  };
  std::vector<ImageSet> splits;
  for (const SourceSplit& split : source.splits) {
    splits.push_back(decode(split, shape, options, notes, tick));
  }
  return splits;
}

// How many times as large the images are held for crops: as asked, or what options.detail_limit
// allows.
double detail_of(const Source& source, const Shape& shape, const ReadOptions& options) {
  if (options.width == 0 || options.detail <= 1) return 1;
  const double bytes = double(source.count()) * shape.width * shape.height * shape.channels;
  return std::min(options.detail, std::sqrt(double(options.detail_limit) / bytes));
}

// Fills in ImageSet::detail of the split that is trained on; no other is cropped.
void add_detail(const Source& source, const Shape& shape, const ReadOptions& asked, Dataset& data) {
  constexpr double kLeast = 1.1;  // less is not worth the memory
  const double factor = detail_of(source, shape, asked);
  if (factor < kLeast) return;
  ReadOptions options = asked;
  options.width = static_cast<int>(std::lround(factor * asked.width));
  options.height = static_cast<int>(std::lround(factor * asked.height));
  const Shape larger{options.width, options.height, shape.channels, shape.first};
  Notes said;  // already
  const auto tick = [] {};
  for (size_t s = 0; s < data.splits.size(); ++s) {
    ImageSet& split = data.splits[s];
    if (&split != data.train_or_first()) continue;
    const ImageSet images = decode(source.splits[s], larger, options, said, tick);
    split.detail_width = larger.width;
    split.detail_height = larger.height;
    split.detail = images.pixels;
    split.detail_storage = images.storage;
  }
}

// Looks at some images of each split, spread evenly.
void note_levels(Dataset& data) {
  constexpr size_t kLooked = 1000;
  Levels levels;
  levels.sixteen_bits = is_sixteen_bits(data.notes);
  for (const ImageSet& split : data.splits) {
    const size_t step = std::max<size_t>(1, split.count() / kLooked);
    for (size_t i = 0; i < split.count(); i += step) {
      levels.add(split.pixels.subspan(i * split.image_bytes(), split.image_bytes()));
    }
  }
  for (const Finding& finding : level_findings(levels)) data.notes.push_back(finding.sentence);
}

// Fills the splits of `data`, and its notes about pixels.
void decode_files(const Source& source, const ReadOptions& options, Progress& progress,
                  Dataset& data) {
  Shape shape = shape_of(source, options);
  const auto decode_as = [&] {
    check_memory(source.place, source.count(), shape, options);
    Notes notes;
    data.splits = decode_all(source, shape, options, notes, progress);
    add_detail(source, shape, options, data);
    for (const std::string& sentence : notes.sentences()) data.notes.push_back(sentence);
    note_levels(data);
  };
  try {
    decode_as();
  } catch (const ColourFound&) {
    shape.channels = 3;
    decode_as();
  }
}

}  // namespace

Dataset load(Source source, const ReadOptions& asked, Progress& progress) {
  ReadOptions options = asked;
  leave_out_unreadable(source, options, progress);
  settle_range(source, options, progress);
  Dataset data;
  data.path = source.path;
  data.kind = source.kind;
  data.classes = source.classes;
  data.notes = source.notes;
  data.left_out = source.left_out;
  if (!source.left_out.empty()) data.notes.push_back(left_out_note(source.left_out));
  for (const Finding& finding : class_findings(source)) {
    data.notes.push_back(finding_note(finding));
  }
  if (already_loaded(source, options)) {
    data.known_fingerprint = source.fingerprint;
    for (SourceSplit& split : source.splits) {
      data.splits.push_back(std::move(split.split));
      data.splits.back().digests = split.digests;
    }
    note_levels(data);
    return data;
  }
  try {
    decode_files(source, options, progress, data);
  } catch (const UnreadableImage& first) {
    refuse_unreadable(source, options, progress, first);
  }
  return data;
}

}  // namespace source

Dataset read_dataset(const fs::path& path, const ReadOptions& options, Progress& progress) {
  if ((options.width > 0) != (options.height > 0) || options.width < 0 || options.height < 0) {
    throw UsageError("the size to read images at needs a width and a height above 0");
  }
  source::Memory memory(options.memory_limit);
  return source::load(source::open(path, options, memory), options, progress);
}

}  // namespace popaug
