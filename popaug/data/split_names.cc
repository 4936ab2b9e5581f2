#include "popaug/data/split_names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "popaug/base/base.h"

namespace popaug::source {
namespace {

struct Word {
  const char* word;
  const char* split;
};

constexpr Word kWords[] = {{"train", "train"},     {"training", "train"}, {"trn", "train"},
                           {"val", "val"},         {"valid", "val"},      {"validate", "val"},
                           {"validation", "val"},  {"valdn", "val"},      {"dev", "val"},
                           {"development", "val"}, {"test", "test"},      {"testing", "test"},
                           {"tst", "test"},        {"t10k", "test"},      {"holdout", "test"}};

// Words that may be around the word of a split without changing its meaning.
constexpr std::array kFillers = {"set",   "data",   "dataset", "images", "image", "imgs", "img",
                                 "split", "folder", "seg",     "ds",     "x",     "the",  "final"};
// The same, written together with the word: "trainset", "testdata".
constexpr std::array kEndings = {"set", "data", "dataset", "images", "imgs", "img", "folder"};

constexpr std::array kUnlabelled = {"pred",      "predict",    "prediction", "predictions",
                                    "unlabeled", "unlabelled", "unsup",      "unsupervised"};

std::string exact(std::string_view word) {
  for (const Word& known : kWords) {
    if (word == known.word) return known.split;
  }
  return "";
}

std::string_view without_digits(std::string_view word) {
  while (!word.empty() && std::isdigit(static_cast<unsigned char>(word.back()))) {
    word.remove_suffix(1);
  }
  return word;
}

// The split that one word names, alone or with digits or a filler behind it.
std::string split_of(std::string_view word) {
  if (std::string split = exact(word); !split.empty()) return split;
  const std::string_view letters = without_digits(word);
  if (std::string split = exact(letters); !split.empty()) return split;
  for (const std::string_view ending : kEndings) {
    if (!letters.ends_with(ending)) continue;
    if (std::string split = exact(letters.substr(0, letters.size() - ending.size()));
        !split.empty()) {
      return split;
    }
  }
  return "";
}

bool is_filler(std::string_view word) {
  const std::string_view letters = without_digits(word);
  return letters.empty() || std::find(kFillers.begin(), kFillers.end(), letters) != kFillers.end();
}

}  // namespace

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  char before = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = byte >= 0x80 || std::isalnum(byte);
    const bool hump = std::isupper(byte) && std::islower(static_cast<unsigned char>(before));
    if ((!letter || hump) && !words.back().empty()) words.emplace_back();
    if (letter) words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    before = c;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

SplitName split_name(std::string_view name) {
  SplitName found;
  for (const std::string& word : words_of(name)) {
    const std::string split = split_of(word);
    if (split.empty() && !is_filler(word)) return {};
    if (split.empty()) continue;
    if (!found.split.empty()) return {};  // "train_test" is neither
    found.split = split;
  }
  found.plain = !exact(lower_case(name)).empty();
  return found;
}

std::string split_within(std::string_view name) {
  std::string found;
  for (const std::string& word : words_of(name)) {
    const std::string split = split_of(word);
    if (split.empty() || split == found) continue;
    if (!found.empty()) return "";
    found = split;
  }
  return found;
}

std::string without_split(std::string_view name) {
  std::vector<std::string> rest;
  for (const std::string& word : words_of(name)) {
    if (split_of(word).empty()) rest.push_back(word);
  }
  return join(rest, "-");
}

bool is_unlabelled_name(std::string_view name) {
  bool found = false;
  for (const std::string& word : words_of(name)) {
    const bool known = std::find(kUnlabelled.begin(), kUnlabelled.end(), word) != kUnlabelled.end();
    if (!known && !is_filler(word) && split_of(word).empty()) return false;
    found = found || known;
  }
  return found;
}

}  // namespace popaug::source
