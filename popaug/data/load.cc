// Decodes an opened set into memory, on all cores.
#include <atomic>
#include <cstring>

#include "popaug/data/source.h"

namespace popaug {
namespace source {

void Notes::add(const DecodeInfo& info, const fs::path& file) {
  if (info.notes.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const std::string& note : info.notes) {
    Entry& entry = entries_[note];
    if (entry.count++ == 0 || file < entry.first) entry.first = file;
  }
}

std::vector<std::string> Notes::sentences() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [note, entry] : entries_) {
    const std::string which =
        entry.count == 1 ? "1 image " : std::to_string(entry.count) + " images ";
    out.push_back(which + note + " (first: " + show_path(entry.first) + ")");
  }
  return out;
}

Image image_of(const SourceSplit& split, size_t i, const ReadOptions& options, DecodeInfo* info) {
  Image image;
  if (!split.files.empty()) {
    const bool scaled = options.scaled_decoding && options.width > 0;
    image = scaled ? load_image_scaled(split.files[i], options.width, options.height, info)
                   : load_image(split.files[i], info);
  } else {
    image = split_image(split.split, i);
    if (info != nullptr) info->grey = split.split.channels == 1;
  }
  if (options.width == 0) return image;
  return resize(image, options.width, options.height);
}

const char* const kMixedNote = "grey and colour images are mixed: all were read as colour";

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

Shape shape_of(const Source& source, const ReadOptions& options) {
  for (const SourceSplit& split : source.splits) {
    if (split.count() == 0) continue;
    DecodeInfo info;
    const Image image = image_of(split, 0, options, &info);
    return {image.width(), image.height(), info.grey ? 1 : 3,
            split.files.empty() ? fs::path() : split.files[0]};
  }
  throw Error(source.path + ": holds no images");
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
                "; give a size, such as --size " + wanted + ", to bring all images to it");
  }
  if (shape.channels == 1 && !info.grey) throw ColourFound();
  if (!split.files.empty()) notes.add(info, split.files[i]);
  store(image, shape.channels, out);
}

namespace {

// Throws Error, naming the command that packs the set, if so many images of that shape are more
// than options.memory_limit.
void check_memory(const std::string& path, uint64_t images, const Shape& shape,
                  const ReadOptions& options) {
  const uint64_t bytes = images * shape.width * shape.height * shape.channels;
  if (bytes <= options.memory_limit) return;
  const std::string size = size_text(shape.width, shape.height);
  throw Error(path + ": its " + std::to_string(images) + " images of " + size + " take " +
              bytes_text(static_cast<double>(bytes)) + ", more than the limit of " +
              bytes_text(static_cast<double>(options.memory_limit)) +
              ". Pack it once, then use the packed file, which is mapped instead of held: " +
              "popaug data convert --data " + path + " --size " + size + " -o set.popaug");
}

bool already_loaded(const Source& source, const ReadOptions& options) {
  for (const SourceSplit& split : source.splits) {
    const bool sized = options.width == 0 ||
                       (split.split.width == options.width && split.split.height == options.height);
    if (!split.files.empty() || !sized) return false;
  }
  return true;
}

Split decode(const SourceSplit& from, const Shape& shape, const ReadOptions& options, Notes& notes,
             const std::function<void()>& tick) {
  Split out = from.split;
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
  return out;
}

std::vector<Split> decode_all(const Source& source, const Shape& shape, const ReadOptions& options,
                              Notes& notes, Progress& progress) {
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
  std::vector<Split> splits;
  for (const SourceSplit& split : source.splits) {
    splits.push_back(decode(split, shape, options, notes, tick));
  }
  return splits;
}

}  // namespace

Dataset load(Source source, const ReadOptions& options, Progress& progress) {
  Dataset data;
  data.path = source.path;
  data.kind = source.kind;
  data.classes = source.classes;
  data.notes = source.notes;
  if (already_loaded(source, options)) {
    data.known_fingerprint = source.fingerprint;
    for (SourceSplit& split : source.splits) {
      data.splits.push_back(std::move(split.split));
      data.splits.back().digests = split.digests;
    }
    return data;
  }
  Shape shape = shape_of(source, options);
  const auto decode_as = [&] {
    check_memory(source.path, source.count(), shape, options);
    Notes notes;
    data.splits = decode_all(source, shape, options, notes, progress);
    for (const std::string& sentence : notes.sentences()) data.notes.push_back(sentence);
  };
  try {
    decode_as();
  } catch (const ColourFound&) {
    shape.channels = 3;
    data.notes.push_back(kMixedNote);
    decode_as();
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
