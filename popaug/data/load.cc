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
    image = load_image(split.files[i], info);
  } else {
    const Split& from = split.split;
    image = Image(from.width, from.height);
    const uint8_t* in = from.pixels.data() + i * from.image_bytes();
    const int step = from.channels == 3 ? 1 : 0;
    for (uint8_t* p = image.data(); p != image.data() + image.size_bytes(); p += 4) {
      for (int c = 0; c < 3; ++c) p[c] = in[c * step];
      in += from.channels;
    }
    if (info != nullptr) info->grey = from.channels == 1;
  }
  if (options.width == 0) return image;
  return resize(image, options.width, options.height);
}

void store(const Image& image, int channels, uint8_t* out) {
  const uint8_t* const end = image.data() + image.size_bytes();
  for (const uint8_t* p = image.data(); p != end; p += 4, out += channels) {
    for (int c = 0; c < channels; ++c) out[c] = p[c];
  }
}

void check_shape(const Image& image, const Shape& shape, const fs::path& file,
                 const fs::path& first) {
  if (image.width() == shape.width && image.height() == shape.height) return;
  const auto size = [](int w, int h) { return std::to_string(w) + "x" + std::to_string(h); };
  throw Error(show_path(file) + " is " + size(image.width(), image.height()) + " pixels, but " +
              show_path(first) + " is " + size(shape.width, shape.height) +
              "; give --size, such as --size " + size(shape.width, shape.height) +
              ", to bring all images to one size");
}

namespace {

// A colour image among grey ones: the set is decoded again, in colour.
struct ColourFound {};

const SourceSplit& first_split(const Source& source) {
  for (const SourceSplit& split : source.splits) {
    if (split.count() > 0) return split;
  }
  throw Error(source.path + ": holds no images");
}

bool already_loaded(const Source& source, const ReadOptions& options) {
  for (const SourceSplit& split : source.splits) {
    const bool sized = options.width == 0 ||
                       (split.split.width == options.width && split.split.height == options.height);
    if (!split.files.empty() || !sized) return false;
  }
  return true;
}

void check_memory(const Source& source, const Shape& shape, const ReadOptions& options) {
  uint64_t images = 0;
  for (const SourceSplit& split : source.splits) images += split.count();
  const uint64_t bytes = images * shape.width * shape.height * shape.channels;
  if (bytes <= options.memory_limit) return;
  const std::string size = std::to_string(shape.width) + "x" + std::to_string(shape.height);
  throw Error(source.path + ": its " + std::to_string(images) + " images of " + size + " take " +
              bytes_text(static_cast<double>(bytes)) + ", more than the limit of " +
              bytes_text(static_cast<double>(options.memory_limit)) +
              ". Pack it once, then use the packed file, which is mapped instead of held: " +
              "popaug data convert --data " + source.path + " --size " + size + " -o set.popaug");
}

Split decode(const SourceSplit& from, const Shape& shape, const fs::path& first,
             const ReadOptions& options, Notes& notes, const std::function<void()>& tick) {
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
        DecodeInfo info;
        const Image image = image_of(from, i, options, &info);
        if (shape.channels == 1 && !info.grey) throw ColourFound();
        if (!from.files.empty()) {
          check_shape(image, shape, from.files[i], first);
          notes.add(info, from.files[i]);
        }
        store(image, shape.channels, pixels.get() + i * out.image_bytes());
        tick();
      },
      kGrain);
  out.pixels = {pixels.get(), bytes};
  out.storage = pixels;
  return out;
}

std::vector<Split> decode_all(const Source& source, const Shape& shape, const fs::path& first,
                              const ReadOptions& options, Notes& notes, Progress& progress) {
  check_memory(source, shape, options);
  size_t total = 0;
  for (const SourceSplit& split : source.splits) total += split.count();
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
    splits.push_back(decode(split, shape, first, options, notes, tick));
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
    for (SourceSplit& split : source.splits) data.splits.push_back(std::move(split.split));
    return data;
  }
  const SourceSplit& split = first_split(source);
  DecodeInfo info;
  const Image image = image_of(split, 0, options, &info);
  const fs::path first = split.files.empty() ? fs::path() : split.files[0];
  Shape shape{image.width(), image.height(), info.grey ? 1 : 3};
  const auto decode_as = [&](const Shape& asked) {
    Notes notes;
    data.splits = decode_all(source, asked, first, options, notes, progress);
    for (const std::string& sentence : notes.sentences()) data.notes.push_back(sentence);
  };
  try {
    decode_as(shape);
  } catch (const ColourFound&) {
    shape.channels = 3;
    data.notes.push_back("grey and colour images are mixed: all were read as colour");
    decode_as(shape);
  }
  return data;
}

}  // namespace source

Dataset read_dataset(const fs::path& path, const ReadOptions& options, Progress& progress) {
  if ((options.width > 0) != (options.height > 0) || options.width < 0 || options.height < 0) {
    throw UsageError("the size to read images at needs a width and a height above 0");
  }
  return source::load(source::open(path, options), options, progress);
}

}  // namespace popaug
