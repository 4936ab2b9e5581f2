#include "popaug/data/classes.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "popaug/data/internal/source.h"

namespace popaug {
namespace source {
namespace {

std::string names_text(std::vector<std::string> names, size_t most = 5) {
  const size_t more = names.size() > most ? names.size() - most : 0;
  names.resize(names.size() - more);
  return join(names, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

std::string count_text(size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// The images of each class in a split.
std::vector<size_t> counts_of(const std::vector<std::string>& classes, const ImageSet& split) {
  std::vector<size_t> counts(classes.size());
  for (const uint32_t label : split.labels) ++counts[label];
  return counts;
}

// The same for names that a person would read as one: without case, spaces and punctuation.
// Single letters are what they are: "A" and "a" may well be two classes.
std::string look(const std::string& name) {
  const std::vector<std::string> words = split(lower_case(name), ' ');
  std::string out;
  for (const char c : lower_case(name)) {
    if (c != ' ' && c != '_' && c != '-' && c != '.') out += c;
  }
  return out.size() > 1 ? out : name;
}

std::vector<std::vector<std::string>> similar_names(const std::vector<std::string>& classes) {
  std::map<std::string, std::vector<std::string>> by_look;
  for (const std::string& name : classes) by_look[look(name)].push_back(name);
  std::vector<std::vector<std::string>> groups;
  for (auto& [key, names] : by_look) {
    if (names.size() > 1) groups.push_back(std::move(names));
  }
  return groups;
}

void find_similar(const std::vector<std::string>& classes, std::vector<Finding>& findings) {
  Finding found{"similar-classes", true, "", {}};
  for (const std::vector<std::string>& names : similar_names(classes)) {
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back(quote(name));
    found.images.push_back(join(quoted, " = "));
  }
  if (found.images.empty()) return;
  found.sentence =
      "classes look like one, because their names differ only in case, spaces or "
      "punctuation; give them the same name if they are one";
  findings.push_back(std::move(found));
}

bool whole_number(const std::string& name, uint64_t& value) {
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), value);
  return code == std::errc() && end == name.data() + name.size();
}

}  // namespace

std::string class_name(std::string_view raw) { return normalize_nfc(clean_name(std::string(raw))); }

std::string WrittenNames::add(std::string_view raw) {
  std::string name = class_name(raw);
  forms_[name].insert(std::string(raw));
  return name;
}

std::string WrittenNames::note() const {
  std::vector<std::string> several;
  for (const auto& [name, forms] : forms_) {
    if (forms.size() > 1) several.push_back(name);
  }
  if (several.empty()) return "";
  return count_text(several.size(), "class is", "classes are") +
         " written in several Unicode forms, and each is read as one class: " + names_text(several);
}

std::vector<std::string> class_order(const std::set<std::string>& names) {
  std::vector<std::string> order(names.begin(), names.end());
  std::map<std::string, uint64_t> numbers;
  for (const std::string& name : order) {
    if (!whole_number(name, numbers[name])) return order;
  }
  std::stable_sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
    return numbers[a] < numbers[b];
  });
  return order;
}

std::vector<std::string> class_lines(const std::string& text, const std::string& origin) {
  std::vector<std::string> names = popaug::split(text, '\n');
  while (!names.empty() && trim(names.back()).empty()) names.pop_back();
  std::set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = class_name(trim(names[i]));
    const std::string where = origin + ":" + std::to_string(i + 1) + ": ";
    if (names[i].empty()) throw Error(where + "the class name is empty");
    if (!seen.insert(names[i]).second) {
      throw Error(where + "the class " + quote(names[i]) + " is named twice");
    }
  }
  return names;
}

std::vector<std::string> class_file(const fs::path& folder) {
  const fs::path path = folder / "classes.txt";
  if (!fs::exists(path)) return {};
  constexpr uint64_t kMost = 16 << 20;
  return class_lines(read_text_file(path, kMost), show_path(path));
}

namespace {

// Which class each number stands for, and the names of the classes.
struct Numbering {
  std::map<int64_t, uint32_t> labels;
  std::vector<std::string> classes;
  std::string note;
};

Numbering as_they_occur(const std::set<int64_t>& numbers) {
  Numbering out;
  for (const int64_t number : numbers) {
    out.labels[number] = static_cast<uint32_t>(out.classes.size());
    out.classes.push_back(std::to_string(number));
  }
  const auto count = static_cast<int64_t>(numbers.size());
  if (*numbers.begin() == 0 && *numbers.rbegin() == count - 1) return out;
  out.note = "the labels are not the numbers 0 to " + std::to_string(count - 1) +
             ": the classes are the " + count_text(numbers.size(), "number", "numbers") +
             " that occur, " + names_text(out.classes);
  return out;
}

Numbering as_named(const std::set<int64_t>& numbers, const std::vector<std::string>& names,
                   const std::string& origin) {
  Numbering out;
  out.classes = names;
  const auto count = static_cast<int64_t>(names.size());
  const int64_t low = *numbers.begin(), high = *numbers.rbegin();
  if (low >= 0 && high < count) {
    for (int64_t i = 0; i < count; ++i) out.labels[i] = static_cast<uint32_t>(i);
  } else if (low == 1 && high == count) {
    for (int64_t i = 0; i < count; ++i) out.labels[i + 1] = static_cast<uint32_t>(i);
    out.note = "the labels count from 1: label 1 is the first name of " + origin;
  } else if (numbers.size() == names.size()) {
    for (const int64_t number : numbers) {
      out.labels[number] = static_cast<uint32_t>(out.labels.size());
    }
    out.note = "the labels have gaps: in rising order they take the names of " + origin;
  } else {
    throw Error(origin + ": names " + count_text(names.size(), "class", "classes") +
                ", but the labels are " + count_text(numbers.size(), "number", "numbers") +
                " from " + std::to_string(low) + " to " + std::to_string(high) +
                "; name one class for each number, in rising order");
  }
  return out;
}

}  // namespace

void set_number_labels(Source& source, const std::vector<std::vector<int64_t>>& labels,
                       const std::vector<std::string>& names, const std::string& names_origin) {
  POPAUG_ASSERT(labels.size() == source.splits.size());
  std::set<int64_t> numbers;
  for (const std::vector<int64_t>& one : labels) numbers.insert(one.begin(), one.end());
  if (numbers.empty()) throw Error(source.path + ": has no labels");
  Numbering numbering =
      names.empty() ? as_they_occur(numbers) : as_named(numbers, names, names_origin);
  for (size_t s = 0; s < labels.size(); ++s) {
    std::vector<uint32_t>& out = source.splits[s].split.labels;
    out.clear();
    for (const int64_t number : labels[s]) out.push_back(numbering.labels.at(number));
  }
  source.classes = std::move(numbering.classes);
  if (!numbering.note.empty()) source.notes.push_back(std::move(numbering.note));
}

std::vector<Finding> class_findings(const std::vector<std::string>& classes,
                                    const std::vector<const ImageSet*>& splits) {
  std::vector<Finding> findings;
  std::vector<size_t> all(classes.size());
  bool has_train = false;
  for (const ImageSet* split : splits) {
    has_train = has_train || split->name == "train";
    const std::vector<size_t> counts = counts_of(classes, *split);
    for (size_t c = 0; c < counts.size(); ++c) all[c] += counts[c];
  }
  std::vector<std::string> nowhere, present;
  for (size_t c = 0; c < classes.size(); ++c) {
    (all[c] == 0 ? nowhere : present).push_back(classes[c]);
  }
  if (present.size() == 1) {
    findings.push_back(
        {"one-class", true, "every image is of one class: there is nothing to learn", present});
  }
  if (!nowhere.empty()) {
    findings.push_back({"empty-class", true,
                        count_text(nowhere.size(), "class has", "classes have") +
                            " no image of any split; add some or remove the class",
                        nowhere});
  }
  for (const ImageSet* split : splits) {
    const std::vector<size_t> counts = counts_of(classes, *split);
    std::vector<std::string> lacking;
    for (size_t c = 0; c < classes.size(); ++c) {
      if (counts[c] == 0 && all[c] > 0) lacking.push_back(classes[c]);
    }
    if (lacking.empty() || present.size() == 1) continue;
    const bool train = split->name == "train";
    const std::string which = count_text(lacking.size(), "class", "classes");
    findings.push_back(
        {"empty-class", true,
         train ? which + (lacking.size() == 1 ? " has" : " have") +
                     " no training image, only images of other splits, which can only be wrong"
               : "split " + split->name + " has no image of " + which,
         lacking});
  }
  find_similar(classes, findings);
  return findings;
}

std::string finding_note(const Finding& finding) {
  return finding.sentence + ": " + names_text(finding.images);
}

}  // namespace source

void check_trainable(const Dataset& data) {
  const ImageSet* train = data.find("train");
  if (train == nullptr) return;  // said where the training split is looked for
  const std::vector<size_t> counts = source::counts_of(data.classes, *train);
  const auto has = [&](const std::string& name) {
    const auto at = std::find(data.classes.begin(), data.classes.end(), name);
    return counts[static_cast<size_t>(at - data.classes.begin())] > 0;
  };
  const auto present = std::count_if(counts.begin(), counts.end(), [](size_t n) { return n > 0; });
  if (present < 2) {
    throw UsageError(data.path + ": all training images are of one class" +
                     (present == 0 ? std::string()
                                   : ", " + quote(*std::find_if(data.classes.begin(),
                                                                data.classes.end(), has))) +
                     "; there is nothing to learn. Expected train/CLASS/*.jpg or CLASS/*.jpg with "
                     "2 classes or more");
  }
  for (const std::vector<std::string>& names : source::similar_names(data.classes)) {
    const auto trained = std::find_if(names.begin(), names.end(), has);
    const auto other = std::find_if_not(names.begin(), names.end(), has);
    if (trained == names.end() || other == names.end()) continue;
    throw UsageError(data.path + ": the class " + quote(*other) +
                     " has no training image, but looks like " + quote(*trained) +
                     ", which has some: give both the same name if they are one class");
  }
}

}  // namespace popaug
