// Images that cannot be read. With keep_going they are left out before anything else is done with
// a set, so that every other step sees good images only. Without it the set is refused, and the
// message names them all.
#include <algorithm>
#include <atomic>

#include "popaug/data/internal/source.h"

namespace popaug::source {
namespace {

// The error of each file of a split, or "".
std::vector<std::string> errors_of(const SourceSplit& split, const ReadOptions& options,
                                   const std::function<void()>& tick) {
  std::vector<std::string> errors(split.count());
  constexpr size_t kGrain = 16;
  parallel_for(
      split.count(), options.threads > 0 ? options.threads : available_cores(),
      [&](size_t i) {
        try {
          image_of(split, i, options, nullptr);
        } catch (const Error& error) {
          errors[i] = error.what();
        }
        tick();
      },
      kGrain);
  return errors;
}

template <typename T>
void keep(std::vector<T>& items, const std::vector<std::string>& errors) {
  if (items.empty()) return;
  size_t to = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!errors[i].empty()) continue;
    if (to != i) items[to] = std::move(items[i]);
    ++to;
  }
  items.resize(to);
}

// Counts images on a progress line; from any thread.
class Looked {
 public:
  Looked(size_t total, Progress& progress) : total_(total), progress_(progress) {}
  void add_one() {
    constexpr size_t kEvery = 256;
    const size_t now = ++done_;
    if (now % kEvery != 0 && now != total_) return;
    progress_.update(static_cast<double>(now), static_cast<double>(total_),
                     std::to_string(now) + " images looked at");
  }

 private:
  size_t total_;
  Progress& progress_;
  std::atomic<size_t> done_{0};
};

}  // namespace

// The sentences are those of load_image(): "FILE: is a HEIC image, which popaug does not read.
// Convert it first, by TOOL: find FOLDER -iname '*.heic' ...".
std::string take_conversion(std::vector<std::string>& sentences, const std::string& path) {
  constexpr std::string_view kAdvice = ". Convert it first, by ", kFind = ": find ",
                             kName = " -iname ";
  std::vector<std::string> advice;
  for (std::string& sentence : sentences) {
    const size_t begin = sentence.find(kAdvice);
    if (begin == sentence.npos) continue;
    const size_t folder = sentence.find(kFind, begin), name = sentence.find(kName, begin);
    if (folder == sentence.npos || name == sentence.npos) continue;
    std::string one = "Convert them first, by " +
                      sentence.substr(begin + kAdvice.size(), folder - begin - kAdvice.size()) +
                      std::string(kFind) + shell_path(path) + sentence.substr(name);
    sentence.resize(begin);
    if (std::find(advice.begin(), advice.end(), one) == advice.end()) advice.push_back(one);
  }
  return join(advice, "\n");
}

void leave_out_unreadable(Source& source, const ReadOptions& options, Progress& progress) {
  if (!options.keep_going) return;
  Looked looked(source.count(), progress);
  for (SourceSplit& split : source.splits) {
    if (split.files.empty()) continue;
    const std::vector<std::string> errors = errors_of(split, options, [&] { looked.add_one(); });
    for (const std::string& error : errors) {
      if (!error.empty()) source.left_out.push_back(error);
    }
    keep(split.files, errors);
    keep(split.lines, errors);
    keep(split.split.labels, errors);
    keep(split.split.groups, errors);
  }
  std::erase_if(source.splits, [](const SourceSplit& split) { return split.count() == 0; });
  if (source.splits.empty()) {
    throw Error(source.path + ": none of its images can be read; the first: " + source.left_out[0]);
  }
}

void refuse_unreadable(const Source& source, const ReadOptions& options, Progress& progress,
                       const UnreadableImage& first) {
  Looked looked(source.count(), progress);
  std::vector<std::string> bad;
  for (const SourceSplit& split : source.splits) {
    if (split.files.empty()) continue;
    for (const std::string& error : errors_of(split, options, [&] { looked.add_one(); })) {
      if (!error.empty()) bad.push_back(error);
    }
  }
  if (bad.empty()) throw first;
  constexpr size_t kNamed = 50;
  const size_t all = bad.size(), named = std::min(all, kNamed);
  bad.resize(named);
  const std::string advice = take_conversion(bad, source.path);
  throw Error(source.path + ": " + std::to_string(all) + " of " + std::to_string(source.count()) +
              (source.count() == 1 ? " image" : " images") + " cannot be read; mend or remove " +
              (all == 1 ? "it" : "them") + ", or leave " + (all == 1 ? "it" : "them") +
              " out by setting \"keep_going\": " + join(bad, "; ") +
              (all == named ? ""
                            : "; and " + std::to_string(all - named) +
                                  " more, which popaug data verify lists") +
              (advice.empty() ? "" : "\n" + advice));
}

std::string left_out_note(const std::vector<std::string>& left_out) {
  if (left_out.empty()) return "";
  constexpr size_t kNamed = 3;
  std::vector<std::string> first(
      left_out.begin(),
      left_out.begin() + static_cast<ptrdiff_t>(std::min(kNamed, left_out.size())));
  const size_t more = left_out.size() - first.size();
  return std::to_string(left_out.size()) + (left_out.size() == 1 ? " image was" : " images were") +
         " left out (setting \"keep_going\"): " + join(first, "; ") +
         (more == 0 ? "" : "; and " + std::to_string(more) + " more");
}

}  // namespace popaug::source
