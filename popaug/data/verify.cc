#include "popaug/data/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "popaug/data/internal/digest.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/levels.h"

namespace popaug {
namespace {

using source::Source;
using source::SourceSplit;

// What reading one image gave.
struct Read {
  std::string error;  // a sentence, or empty
  int width = 0, height = 0;
  Digest digest{};
  bool damaged = false;  // not what the packed set recorded
  source::Levels levels;
  std::vector<std::string> irregular;  // of DecodeInfo
  ImageSketch sketch;
};

struct Place {
  uint32_t split = 0, image = 0;
};

std::string count_text(size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

Read read_one(const SourceSplit& split, size_t i, const DecodeRules& rules) {
  Read read;
  try {
    if (split.files.empty()) {
      // As stored: a packed set records the digest of these bytes.
      const ImageSet& from = split.split;
      const auto pixels = from.pixels.subspan(i * from.image_bytes(), from.image_bytes());
      read.digest = digest_of(pixels);
      read.levels.add(pixels);
      read.sketch = sketch_of(split_image(from, i));
      read.width = from.width;
      read.height = from.height;
      const auto recorded = split.digests.begin() + static_cast<ptrdiff_t>(i * kDigestBytes);
      read.damaged =
          !split.digests.empty() && !std::equal(read.digest.begin(), read.digest.end(), recorded);
    } else {
      DecodeInfo info;
      const Image image = load_image(split.files[i], &info, {}, rules);
      read.levels.sixteen_bits = source::is_sixteen_bits(info.notes);
      for (const uint8_t* p = image.data(); p != image.data() + image.size_bytes(); p += 4) {
        read.levels.add({p, 3});  // without alpha
      }
      read.irregular = info.irregular;
      read.sketch = sketch_of(image);
      read.digest = digest_of({image.data(), image.size_bytes()});
      read.width = image.width();
      read.height = image.height();
    }
  } catch (const Error& error) {
    read.error = error.what();
  }
  return read;
}

class Verifier {
 public:
  Verifier(const Source& source, const ReadOptions& options) : source_(source), options_(options) {}

  std::vector<Finding> run(Progress& progress) {
    read_all(progress);
    find_unreadable();
    find_irregular();
    find_damaged();
    find_sizes();
    find_layout();
    for (Finding& finding : source::class_findings(source_))
      findings_.push_back(std::move(finding));
    find_levels();
    find_identical();
    find_near();
    find_imbalance();
    return std::move(findings_);
  }

  // The pairs that run() found, the first `pictured` with their images.
  std::vector<NearPair> near_pairs(size_t pictured) const {
    std::vector<NearPair> pairs;
    for (const auto& [first, second, alike] : near_) {
      NearPair pair{name(first), name(second), alike, {}, {}};
      if (pairs.size() < pictured) {
        pair.first_image = picture(first);
        pair.second_image = picture(second);
      }
      pairs.push_back(std::move(pair));
    }
    return pairs;
  }

 private:
  void read_all(Progress& progress) {
    const size_t total = source_.count();
    std::atomic<size_t> done{0};
    const int threads = options_.threads > 0 ? options_.threads : available_cores();
    for (const SourceSplit& split : source_.splits) {
      std::vector<Read>& reads = reads_.emplace_back(split.count());
      constexpr size_t kGrain = 16, kEvery = 256;
      parallel_for(
          split.count(), threads,
          [&](size_t i) {
            reads[i] = read_one(split, i, options_.rules);
            const size_t now = ++done;
            if (now % kEvery == 0 || now == total) {
              progress.update(static_cast<double>(now), static_cast<double>(total),
                              std::to_string(now) + " images");
            }
          },
          kGrain);
    }
  }

  std::string name(Place place) const {
    return source::image_name(source_, source_.splits[place.split], place.image);
  }

  template <typename F>
  void each(F&& body) const {
    for (uint32_t s = 0; s < reads_.size(); ++s) {
      for (uint32_t i = 0; i < reads_[s].size(); ++i) body(Place{s, i}, reads_[s][i]);
    }
  }

  void find_unreadable() {
    Finding found{"unreadable", true, "", {}};
    each([&](Place, const Read& read) {
      if (!read.error.empty()) found.images.push_back(read.error);
    });
    if (found.images.empty()) return;
    found.sentence =
        count_text(found.images.size(), "image", "images") + " cannot be read; mend or remove them";
    const std::string advice = source::take_conversion(found.images, source_.path);
    if (!advice.empty()) found.sentence += ". " + advice;
    findings_.push_back(std::move(found));
  }

  void find_irregular() {
    Finding found{"irregular", false, "", {}};
    each([&](Place place, const Read& read) {
      for (const std::string& note : read.irregular) {
        found.images.push_back(name(place) + ": " + note);
      }
    });
    if (found.images.empty()) return;
    found.sentence = count_text(found.images.size(), "departure", "departures") +
                     " from the format of image files; every pixel is there";
    findings_.push_back(std::move(found));
  }

  void find_damaged() {
    Finding found{"damaged", true, "", {}};
    each([&](Place place, const Read& read) {
      if (read.damaged) found.images.push_back(name(place));
    });
    if (found.images.empty()) return;
    found.sentence = count_text(found.images.size(), "image differs", "images differ") +
                     " from what was packed; pack the set again";
    findings_.push_back(std::move(found));
  }

  void find_sizes() {
    std::map<std::pair<int, int>, std::pair<size_t, std::string>> sizes;
    each([&](Place place, const Read& read) {
      if (!read.error.empty()) return;
      auto& [count, first] = sizes[{read.width, read.height}];
      if (count++ == 0) first = name(place);
    });
    if (sizes.size() < 2) return;
    Finding found{"size",
                  false,
                  "the images have " + std::to_string(sizes.size()) +
                      " sizes; every verb then needs setting \"size\", or a preset that has it",
                  {}};
    for (const auto& [size, what] : sizes) {
      found.images.push_back(std::to_string(size.first) + "x" + std::to_string(size.second) + ": " +
                             count_text(what.first, "image", "images") + ", first " + what.second);
    }
    findings_.push_back(std::move(found));
  }

  std::vector<size_t> class_counts(const ImageSet& split) const {
    std::vector<size_t> counts(source_.classes.size());
    for (const uint32_t label : split.labels) ++counts[label];
    return counts;
  }

  void find_layout() {
    if (source_.guesses.empty()) return;
    findings_.push_back(
        {"layout", true,
         "the splits and classes are guessed from the names of folders; to make sure, "
         "name the folder of the class folders, or call the splits train, val and "
         "test",
         source_.guesses});
  }

  void find_levels() {
    source::Levels levels;
    each([&](Place, const Read& read) {
      if (read.error.empty()) levels.add(read.levels);
    });
    for (Finding& finding : source::level_findings(levels)) findings_.push_back(std::move(finding));
  }

  // Images of equal size and pixels: in two splits, with two labels, or only repeated.
  void find_identical() {
    std::map<Digest, std::vector<Place>> by_digest;
    each([&](Place place, const Read& read) {
      if (read.error.empty()) by_digest[read.digest].push_back(place);
    });
    Finding leak{"leak", true, "", {}}, labels{"two-labels", true, "", {}},
        repeated{"duplicate", false, "", {}};
    for (const auto& [digest, places] : by_digest) {
      if (places.size() < 2) continue;
      std::set<uint32_t> splits, classes;
      std::vector<std::string> names;
      for (const Place place : places) {
        const uint32_t label = source_.splits[place.split].split.labels[place.image];
        splits.insert(place.split);
        classes.insert(label);
        std::string text = name(place);
        if (source_.splits[place.split].files.empty()) {
          text += " (" + source_.classes[label] + ")";
        }
        names.push_back(std::move(text));
      }
      const std::string line = join(names, " = ");
      if (splits.size() > 1) leak.images.push_back(line);
      if (classes.size() > 1) labels.images.push_back(line);
      if (splits.size() == 1 && classes.size() == 1) repeated.images.push_back(line);
    }
    add_sorted(leak, "image is", "images are",
               " in two splits; data split with setting \"drop_duplicates\" leaves "
               "them out of training");
    add_sorted(labels, "image has", "images have", " two labels");
    add_sorted(repeated, "image is", "images are", " repeated within a split");
  }

  // Nearly equal images. Those that are equal are said elsewhere: of them, one is compared.
  void find_near() {
    std::vector<ImageSketch> sketches;
    std::vector<uint32_t> part;
    std::vector<Place> places;
    std::set<Digest> seen;
    each([&](Place place, const Read& read) {
      if (!read.error.empty() || !seen.insert(read.digest).second) return;
      sketches.push_back(read.sketch);
      part.push_back(place.split);
      places.push_back(place);
    });
    const NearDuplicates near = find_near_duplicates(sketches, part, options_.threads);
    Finding leak{"near-leak", false, "", {}}, within{"near-duplicate", false, "", {}};
    for (const NearDuplicates::Pair& pair : near.between) {
      near_.push_back({places[pair.first], places[pair.second], pair.likeness});
      leak.images.push_back(name(places[pair.first]) + " ~ " + name(places[pair.second]) +
                            " (likeness " + fmt::format("{:.3f}", pair.likeness) + ")");
    }
    if (!leak.images.empty()) {
      leak.sentence = count_text(leak.images.size(), "image is", "images are") +
                      " nearly equal to one of another split; setting \"sheet\" shows them";
      findings_.push_back(std::move(leak));
    }
    std::map<uint32_t, std::vector<Place>> clusters;
    for (size_t i = 0; i < places.size(); ++i) clusters[near.cluster[i]].push_back(places[i]);
    size_t images = 0;
    for (const auto& [first, members] : clusters) {
      if (members.size() < 2 || members.front().split != members.back().split) continue;
      images += members.size();
      std::vector<std::string> names;
      for (const Place place : members) names.push_back(name(place));
      within.images.push_back(join(names, " ~ "));
    }
    if (!within.images.empty()) {
      within.sentence = count_text(images, "image", "images") + " of one split form " +
                        count_text(within.images.size(), "group", "groups") +
                        " of nearly equal ones; data split with setting \"group_duplicates\" "
                        "keeps a group on one side";
      findings_.push_back(std::move(within));
    }
    if (near.unfinished > 0) {
      findings_.push_back({"near-duplicate",
                           false,
                           count_text(near.unfinished, "image looks", "images look") +
                               " like so many others that not all pairs were compared",
                           {}});
    }
  }

  Image picture(Place place) const {
    return source::image_of(source_.splits[place.split], place.image, options_, nullptr);
  }

  void add_sorted(Finding& found, const std::string& one, const std::string& many,
                  const std::string& rest) {
    if (found.images.empty()) return;
    std::sort(found.images.begin(), found.images.end());
    found.sentence = count_text(found.images.size(), one, many) + rest;
    findings_.push_back(std::move(found));
  }

  void find_imbalance() {
    constexpr size_t kRatio = 10;
    for (const SourceSplit& split : source_.splits) {
      const std::vector<size_t> counts = class_counts(split.split);
      const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
      if (counts.empty() || *low == 0 || *high < *low * kRatio) continue;
      Finding found{"imbalance",
                    false,
                    "split " + split.split.name + ": the largest class has " +
                        std::to_string(*high / *low) + " times as many images as the smallest",
                    {}};
      for (const auto at : {high, low}) {
        found.images.push_back(source_.classes[static_cast<size_t>(at - counts.begin())] + ": " +
                               count_text(*at, "image", "images"));
      }
      findings_.push_back(std::move(found));
    }
  }

  const Source& source_;
  const ReadOptions& options_;
  std::vector<std::vector<Read>> reads_;
  std::vector<Finding> findings_;
  struct Near {
    Place first, second;
    double likeness = 0;
  };
  std::vector<Near> near_;
};

}  // namespace

bool Verification::sound() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.fault; });
}

Verification verify_dataset(const fs::path& path, const ReadOptions& options, Progress& progress,
                            size_t pictured) {
  source::Memory memory(options.memory_limit);
  Source source = source::open(path, options, memory);
  ReadOptions settled = options;
  source::settle_range(source, settled, progress);
  Verification out;
  out.path = source.path;
  out.kind = source.kind;
  out.images = source.count();
  Verifier verifier(source, settled);
  out.findings = verifier.run(progress);
  out.near = verifier.near_pairs(pictured);
  return out;
}

Json verification_json(const Verification& verification) {
  Json findings = Json::array();
  for (const Finding& finding : verification.findings) {
    findings.push_back({{"check", finding.check},
                        {"fault", finding.fault},
                        {"sentence", finding.sentence},
                        {"images", finding.images}});
  }
  Json near = Json::array();
  for (const NearPair& pair : verification.near) {
    near.push_back({{"first", pair.first}, {"second", pair.second}, {"likeness", pair.likeness}});
  }
  return {{"path", verification.path},
          {"kind", verification.kind},
          {"images", verification.images},
          {"sound", verification.sound()},
          {"near", near},
          {"findings", findings}};
}

}  // namespace popaug
