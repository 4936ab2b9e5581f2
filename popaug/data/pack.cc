// Packs a set into one file, in blocks, so that a stopped conversion can be resumed.
#include "popaug/data/packed.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>

#include "popaug/data/classes.h"
#include "popaug/data/internal/digest.h"
#include "popaug/data/internal/pack_files.h"
#include "popaug/data/internal/packed_format.h"
#include "popaug/data/internal/source.h"

namespace popaug {
namespace {

using source::Shape;
using source::Source;
using source::SourceSplit;

constexpr uint64_t kBlockBytes = uint64_t{16} << 20;

// Where everything of one split lies in the file.
struct Place {
  uint64_t pixels = 0, labels = 0, digests = 0, groups = 0;
};

struct Layout {
  std::vector<Place> splits;
  uint64_t json = 0;
};

Layout lay_out(const Source& source, const Shape& shape) {
  Layout layout;
  uint64_t at = packed::kHeaderBytes;
  const uint64_t image = uint64_t{1} * shape.width * shape.height * shape.channels;
  const auto take = [&](uint64_t bytes, uint64_t alignment) {
    const uint64_t begin = packed::round_up(at, alignment);
    at = begin + bytes;
    return begin;
  };
  for (const SourceSplit& split : source.splits) {
    Place place;
    place.pixels = take(split.count() * image, packed::kPage);
    place.labels = take(split.count() * sizeof(uint32_t), packed::kTable);
    place.digests = take(split.count() * kDigestBytes, packed::kTable);
    if (!split.split.groups.empty()) {
      place.groups = take(split.count() * sizeof(uint32_t), packed::kTable);
    }
    layout.splits.push_back(place);
  }
  layout.json = packed::round_up(at, packed::kTable);
  return layout;
}

// Changes with anything that changes the packed bytes; for files, their size and time stand for
// their content.
std::string plan_of(const Source& source, const Shape& shape, const ReadOptions& options) {
  Hasher hasher;
  const auto number = [&](uint64_t value) { hasher.add_field(std::to_string(value)); };
  hasher.add_field("popaug-pack-1");
  hasher.add_field(source.kind);
  for (const int side : {shape.width, shape.height, shape.channels, options.width}) number(side);
  if (options.scaled_decoding) hasher.add_field("scaled decoding");
  if (options.fit != Fit::kStretch) hasher.add_field(fit_name(options.fit));
  for (const int side : {options.rules.low, options.rules.high}) number(side);
  for (const uint8_t value : options.rules.background) number(value);
  for (const std::string& name : source.classes) hasher.add_field(name);
  for (const SourceSplit& split : source.splits) {
    hasher.add_field(split.split.name);
    number(split.count());
    for (const uint32_t label : split.split.labels) number(label);
    for (const std::string& group : split.split.groups) hasher.add_field(group);
    for (const fs::path& file : split.files) {
      struct stat status {};
      if (::stat(file.c_str(), &status) != 0) throw Error(show_path(file) + ": cannot be read");
      hasher.add_field(file.native());
      number(static_cast<uint64_t>(status.st_size));
      number(static_cast<uint64_t>(status.st_mtim.tv_sec));
      number(static_cast<uint64_t>(status.st_mtim.tv_nsec));
    }
    if (!split.files.empty()) continue;
    for (const Digest& digest : digests_of(split.split, options.threads)) {
      hasher.add({reinterpret_cast<const char*>(digest.data()), digest.size()});
    }
  }
  return hasher.hex();
}

class Packer {
 public:
  Packer(Source source, const fs::path& out, const ReadOptions& options, Progress& progress,
         const StopToken& stop)
      : source_(std::move(source)), out_(out), options_(options), progress_(progress), stop_(stop) {
    partial_path_ = out.native() + ".partial";
    journal_path_ = partial_path_.native() + ".journal";
  }

  PackReport run() {
    source::leave_out_unreadable(source_, options_, progress_);
    source::settle_range(source_, options_, progress_);
    if (!source_.left_out.empty()) {
      source_.notes.push_back(source::left_out_note(source_.left_out));
    }
    PackReport report = pack_or_refuse();
    report.left_out = source_.left_out;
    for (const Finding& finding : source::class_findings(source_)) {
      report.notes.push_back(source::finding_note(finding));
    }
    return report;
  }

 private:
  PackReport pack_or_refuse() {
    try {
      return pack_all();
    } catch (const source::UnreadableImage& first) {
      source::refuse_unreadable(source_, options_, progress_, first);
    }
  }

  PackReport pack_all() {
    Shape shape = source::shape_of(source_, options_);
    try {
      return pack(shape);
    } catch (const source::ColourFound&) {
      shape.channels = 3;
      return pack(shape);
    }
  }

  PackReport pack(const Shape& shape) {
    const Layout layout = lay_out(source_, shape);
    refuse_foreign_files(partial_path_, journal_path_);
    PartialFile partial(partial_path_);  // held from here on
    BlockJournal journal(journal_path_, plan_of(source_, shape, options_));
    partial.reserve(layout.json);
    source::Notes notes;
    PackReport report;
    uint64_t block = 0;
    digests_.assign(source_.splits.size(), {});
    for (size_t s = 0; s < source_.splits.size(); ++s) {
      const uint64_t image = uint64_t{1} * shape.width * shape.height * shape.channels;
      const uint64_t per_block = std::max<uint64_t>(1, kBlockBytes / image);
      for (uint64_t begin = 0; begin < source_.splits[s].count(); begin += per_block, ++block) {
        const uint64_t end = std::min<uint64_t>(begin + per_block, source_.splits[s].count());
        if (stop_.requested()) stopped(report.images);
        if (journal.has(block)) {
          report.resumed += end - begin;
        } else {
          pack_block(s, begin, end, shape, layout.splits[s], partial, notes);
          partial.sync();
          journal.add(block);
        }
        report.images += end - begin;
        show(report.images);
      }
    }
    report.bytes = finish(shape, layout, partial, notes, report);
    return report;
  }

  [[noreturn]] void stopped(uint64_t images) const {
    throw Interrupted("stopped after " + std::to_string(images) + " of " +
                      std::to_string(source_.count()) +
                      " images. Run the same command again to continue");
  }

  void show(uint64_t images) {
    progress_.update(static_cast<double>(images), static_cast<double>(source_.count()),
                     std::to_string(images) + " images");
  }

  void pack_block(size_t s, uint64_t begin, uint64_t end, const Shape& shape, const Place& place,
                  PartialFile& partial, source::Notes& notes) {
    const uint64_t image = uint64_t{1} * shape.width * shape.height * shape.channels;
    std::vector<uint8_t> pixels((end - begin) * image);
    std::vector<Digest> digests(end - begin);
    const int threads = options_.threads > 0 ? options_.threads : available_cores();
    constexpr size_t kGrain = 16;
    parallel_for(
        end - begin, threads,
        [&](size_t i) {
          uint8_t* const at = pixels.data() + i * image;
          source::decode_into(source_.splits[s], begin + i, shape, options_, notes, at);
          digests[i] = digest_of({at, image});
        },
        kGrain);
    partial.write_all(place.pixels + begin * image, pixels);
    partial.write_all(place.digests + begin * kDigestBytes, digests);
  }

  // Tables, table of contents and, last of all, the header that makes it a packed set.
  uint64_t finish(const Shape& shape, const Layout& layout, PartialFile& partial,
                  const source::Notes& notes, PackReport& report) {
    report.notes = source_.notes;
    for (const std::string& sentence : notes.sentences()) report.notes.push_back(sentence);
    const MappedFile map(partial_path_);
    Dataset data;
    data.classes = source_.classes;
    std::vector<std::span<const uint8_t>> digests;
    Json splits = Json::array();
    for (size_t s = 0; s < source_.splits.size(); ++s) {
      ImageSet split = source_.splits[s].split;
      split.width = shape.width;
      split.height = shape.height;
      split.channels = shape.channels;
      const Place& place = layout.splits[s];
      digests.push_back(map.bytes().subspan(place.digests, split.count() * kDigestBytes));
      split.reading = source::reading_of(source_.splits[s], options_);
      splits.push_back(write_tables(split, place, partial));
      data.splits.push_back(std::move(split));
    }
    const Json json = {{"tool", "popaug"},
                       {"classes", source_.classes},
                       {"notes", report.notes},
                       {"fingerprint", fingerprint_of(data, digests)},
                       {"splits", splits}};
    const std::string text = json_line(json);
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()),
                                         text.size());
    partial.write(layout.json, bytes);
    partial.cut(layout.json + text.size());
    partial.sync();
    write_header(layout.json, bytes, partial);
    partial.sync();
    std::error_code code;
    fs::rename(partial_path_, out_, code);
    if (code) throw Error(show_path(out_) + ": cannot be written: " + code.message());
    sync_folder(out_.parent_path());
    fs::remove(journal_path_, code);
    return layout.json + text.size();
  }

  static Json write_tables(const ImageSet& split, const Place& place, PartialFile& partial) {
    const auto text_of = [](const std::vector<uint32_t>& items) {
      return std::string_view(reinterpret_cast<const char*>(items.data()), items.size() * 4);
    };
    partial.write_all(place.labels, split.labels);
    std::string tables(text_of(split.labels));
    Json json = {{"name", split.name},       {"count", split.count()},     {"width", split.width},
                 {"height", split.height},   {"channels", split.channels}, {"pixels", place.pixels},
                 {"digests", place.digests}, {"labels", place.labels}};
    if (!split.groups.empty()) {
      const std::set<std::string> distinct(split.groups.begin(), split.groups.end());
      const std::vector<std::string> names(distinct.begin(), distinct.end());
      std::vector<uint32_t> groups;
      for (const std::string& group : split.groups) {
        const auto at = std::lower_bound(names.begin(), names.end(), group);
        groups.push_back(static_cast<uint32_t>(at - names.begin()));
      }
      partial.write_all(place.groups, groups);
      tables += text_of(groups);
      json["groups"] = place.groups;
      json["group_names"] = names;
    }
    json["tables_checksum"] = hash_hex(tables);
    if (split.reading != ImageReading()) {
      json["reading"] = {{"fit", split.reading.fit},
                         {"range", split.reading.range},
                         {"background", split.reading.background}};
    }
    return json;
  }

  static void write_header(uint64_t json_offset, std::span<const uint8_t> json,
                           PartialFile& partial) {
    packed::Header header{};
    std::copy(packed::kMagic.begin(), packed::kMagic.end(), header.magic);
    header.version = packed::kVersion;
    header.json_offset = json_offset;
    header.json_bytes = json.size();
    const Digest digest = digest_of(json);
    std::copy(digest.begin(), digest.end(), header.json_digest);
    const auto* begin = reinterpret_cast<const uint8_t*>(&header);
    const Digest own = digest_of({begin, offsetof(packed::Header, header_digest)});
    std::copy(own.begin(), own.end(), header.header_digest);
    partial.write(0, {begin, sizeof header});
  }

  Source source_;
  fs::path out_, partial_path_, journal_path_;
  ReadOptions options_;
  Progress& progress_;
  const StopToken& stop_;
  std::vector<std::vector<Digest>> digests_;
};

}  // namespace

namespace {

void check_new(const fs::path& out) {
  if (!fs::exists(fs::symlink_status(out))) return;
  throw Error(show_path(out) + " exists and is not overwritten; give another name or remove it");
}

}  // namespace

PackReport source::pack_source(Source source, const fs::path& out, const ReadOptions& options,
                               Progress& progress, const StopToken& stop) {
  check_new(out);
  return Packer(std::move(source), out, options, progress, stop).run();
}

PackReport pack_dataset(const fs::path& path, const fs::path& out, const ReadOptions& options,
                        Progress& progress, const StopToken& stop) {
  check_new(out);
  source::Memory memory(options.memory_limit, out.has_parent_path() ? out.parent_path() : ".");
  return source::pack_source(source::open(path, options, memory), out, options, progress, stop);
}

}  // namespace popaug
