#include "popaug/data/verify.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "popaug/data/digest.h"
#include "popaug/data/source.h"

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
};

struct Place {
  uint32_t split = 0, image = 0;
};

std::string count_text(size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

Read read_one(const SourceSplit& split, size_t i) {
  Read read;
  try {
    if (split.files.empty()) {
      // As stored: a packed set records the digest of these bytes.
      const Split& from = split.split;
      read.digest = digest_of(from.pixels.subspan(i * from.image_bytes(), from.image_bytes()));
      read.width = from.width;
      read.height = from.height;
      const auto recorded = split.digests.begin() + static_cast<ptrdiff_t>(i * kDigestBytes);
      read.damaged =
          !split.digests.empty() && !std::equal(read.digest.begin(), read.digest.end(), recorded);
    } else {
      const Image image = load_image(split.files[i]);
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
    find_damaged();
    find_sizes();
    find_empty_classes();
    find_identical();
    find_imbalance();
    return std::move(findings_);
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
            reads[i] = read_one(split, i);
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
    Finding found{
        "size",
        false,
        "the images have " + std::to_string(sizes.size()) + " sizes; every verb then needs --size",
        {}};
    for (const auto& [size, what] : sizes) {
      found.images.push_back(std::to_string(size.first) + "x" + std::to_string(size.second) + ": " +
                             count_text(what.first, "image", "images") + ", first " + what.second);
    }
    findings_.push_back(std::move(found));
  }

  std::vector<size_t> class_counts(const Split& split) const {
    std::vector<size_t> counts(source_.classes.size());
    for (const uint32_t label : split.labels) ++counts[label];
    return counts;
  }

  void find_empty_classes() {
    for (const SourceSplit& split : source_.splits) {
      const std::vector<size_t> counts = class_counts(split.split);
      std::vector<std::string> empty;
      for (size_t c = 0; c < counts.size(); ++c) {
        if (counts[c] == 0) empty.push_back(source_.classes[c]);
      }
      if (empty.empty()) continue;
      findings_.push_back({"empty-class", true,
                           "split " + split.split.name + " has no image of " +
                               count_text(empty.size(), "class", "classes"),
                           empty});
    }
  }

  // Images of equal size and pixels: between splits, under two labels, or only repeated.
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
    add_sorted(leak, "image stands", "images stand",
               " in two splits; data split --drop-duplicates leaves them out of training");
    add_sorted(labels, "image stands", "images stand", " under two labels");
    add_sorted(repeated, "image is", "images are", " repeated within a split");
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
                        std::to_string(*high / *low) + " times the images of the smallest",
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
};

}  // namespace

bool Verification::sound() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.fault; });
}

Verification verify_dataset(const fs::path& path, const ReadOptions& options, Progress& progress) {
  source::Memory memory(options.memory_limit);
  const Source source = source::open(path, options, memory);
  Verification out;
  out.path = source.path;
  out.kind = source.kind;
  out.images = source.count();
  out.findings = Verifier(source, options).run(progress);
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
  return {{"path", verification.path},
          {"kind", verification.kind},
          {"images", verification.images},
          {"sound", verification.sound()},
          {"findings", findings}};
}

}  // namespace popaug
