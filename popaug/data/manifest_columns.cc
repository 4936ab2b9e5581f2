#include "popaug/data/manifest_columns.h"

#include <algorithm>
#include <charconv>

#include "popaug/base/setting.h"
#include "popaug/data/files.h"
#include "popaug/data/split_names.h"

namespace popaug::source {
namespace {

using Names = std::vector<std::string>;

// The usual names, most telling first; without case, spaces and punctuation.
const Names kImageNames = {"path",     "filepath", "imagepath", "imgpath",    "relativepath",
                           "fullpath", "file",     "filename",  "imagefile",  "image",
                           "images",   "img",      "imagename", "imgname",    "imageid",
                           "imgid",    "idcode",   "fname",     "imageindex", "isicid",
                           "picture",  "photo",    "uri",       "name",       "id"};
const Names kLabelNames = {"label",      "labels",       "class",  "classname", "labelname",
                           "category",   "categoryname", "target", "targets",   "diagnosis",
                           "dx",         "species",      "breed",  "classid",   "labelid",
                           "categoryid", "level",        "y",      "tag",       "classes"};
const Names kSplitNames = {"split", "subset", "partition", "set", "usage", "phase"};
const Names kGroupNames = {"group",     "groups",  "groupid",  "patient",
                           "patientid", "subject", "subjectid"};

std::string plain(std::string_view name) {
  std::string out;
  for (const char c : lower_case(trim(name))) {
    if (c != ' ' && c != '_' && c != '-' && c != '.') out += c;
  }
  return out;
}

bool is_bit(std::string_view field, bool* one) {
  const std::string_view text = trim(field);
  *one = text == "1" || text == "1.0";
  return *one || text == "0" || text == "0.0";
}

class ColumnFinder {
 public:
  ColumnFinder(const std::vector<CsvRow>& rows, const CsvStyle& style, const std::string& origin)
      : rows_(rows), style_(style), origin_(origin) {
    for (const std::string& name : rows[0].fields) out_.names.emplace_back(trim(name));
  }

  ManifestColumns run(const std::string& image, const std::string& label) {
    out_.heading = has_heading(image, label);
    if (!image.empty()) out_.path = asked("image_column", image);
    if (!label.empty()) out_.label = asked("label_column", label);
    if (out_.heading) {
      if (out_.path < 0) out_.path = by_name(kImageNames, "images", "image_column");
      if (out_.label < 0) out_.label = by_name(kLabelNames, "labels", "label_column");
      find_split();
      if (out_.group < 0) out_.group = by_name(kGroupNames, "groups", "");
    } else {
      by_content();
    }
    if (out_.path < 0) refuse("the files of the images", "path", "image_column");
    if (out_.label < 0) find_one_hot();
    if (out_.label < 0 && out_.one_hot.empty()) refuse("the labels", "label", "label_column");
    return std::move(out_);
  }

 private:
  size_t count() const { return out_.names.size(); }
  bool taken(int column) const {
    return column == out_.path || column == out_.label || column == out_.split ||
           column == out_.group;
  }

  std::string found() const {
    Names names;
    for (const std::string& name : out_.names) names.push_back(quote(name));
    return (out_.heading ? "found the columns " : "found no heading; the first row is ") +
           join(names, ", ") + ", separated by " + style_.separator_name();
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& usual,
                           const std::string& key) const {
    throw Error(origin_ + ":" + std::to_string(rows_[0].line) + ": the first line must name the " +
                "columns, such as path and label: " + found() +
                ". None of them is known to contain " + what + ": call it " + usual +
                ", or name it by " + name_setting(key) +
                (out_.heading ? " NAME" : " NUMBER, counted from 1"));
  }

  int named(std::string_view wanted) const {
    for (size_t i = 0; i < count(); ++i) {
      if (lower_case(out_.names[i]) == lower_case(trim(wanted))) return static_cast<int>(i);
    }
    return -1;
  }

  int number_of(const std::string& wanted) const {
    size_t number = 0;
    const char* const end = wanted.data() + wanted.size();
    const bool whole = std::from_chars(wanted.data(), end, number).ptr == end;
    return whole && number >= 1 && number <= count() ? static_cast<int>(number - 1) : -1;
  }

  int asked(const std::string& key, const std::string& wanted) const {
    const int by_name = out_.heading ? named(wanted) : -1;
    const int column = by_name >= 0 ? by_name : number_of(wanted);
    if (column >= 0) return column;
    const std::string near = nearest(wanted, out_.names);
    throw UsageError(name_setting(key) + ": " + origin_ + " has no column " + quote(wanted) +
                     (near.empty() ? "" : " (nearest: " + quote(near) + ")") + "; " + found());
  }

  // A heading holds a usual name, or one that the user gave; and no image.
  bool has_heading(const std::string& image, const std::string& label) const {
    if (!image.empty() && named(image) >= 0) return true;
    if (!label.empty() && named(label) >= 0) return true;
    bool known = false;
    for (const std::string& name : out_.names) {
      if (named_as_image(name)) return false;
      for (const Names* names : {&kImageNames, &kLabelNames}) {
        known = known || std::find(names->begin(), names->end(), plain(name)) != names->end();
      }
    }
    const auto path_below = [&](const CsvRow& row) {
      return std::any_of(row.fields.begin(), row.fields.end(),
                         [](const std::string& field) { return named_as_image(field); });
    };
    // Unknown words above rows that name images.
    return known || (rows_.size() > 1 && path_below(rows_[1]));
  }

  int by_name(const Names& usual, const std::string& what, const std::string& key) {
    int column = -1;
    Names others;
    for (const std::string& name : usual) {
      for (size_t i = 0; i < count(); ++i) {
        if (plain(out_.names[i]) != name || taken(static_cast<int>(i))) continue;
        if (column < 0) {
          column = static_cast<int>(i);
        } else if (out_.names[i] == out_.names[static_cast<size_t>(column)]) {
          throw Error(origin_ + ":" + std::to_string(rows_[0].line) + ": two columns are called " +
                      quote(out_.names[i]));
        } else {
          others.push_back(out_.names[i]);
        }
      }
    }
    // Another column might be meant; of names and ids, "name" and "id" alone mean little.
    std::erase_if(others, [](const std::string& name) {
      return plain(name) == "id" || plain(name) == "name";
    });
    if (!others.empty() && !key.empty()) {
      out_.notes.push_back("the " + what + " are taken from the column " +
                           quote(out_.names[static_cast<size_t>(column)]) + "; " +
                           name_setting(key) + " selects another, such as " + join(others, ", "));
    }
    return column;
  }

  bool all_splits(int column) const {
    return std::all_of(rows_.begin() + (out_.heading ? 1 : 0), rows_.end(), [&](const CsvRow& row) {
      const auto i = static_cast<size_t>(column);
      return i < row.fields.size() && !split_name(trim(row.fields[i])).split.empty();
    });
  }

  // "split" is one; what is called "set" or "usage" only if it holds names of splits.
  void find_split() {
    out_.split = by_name({kSplitNames[0]}, "splits", "");
    if (out_.split >= 0) return;
    const int column = by_name(kSplitNames, "splits", "");
    if (column >= 0 && all_splits(column)) out_.split = column;
  }

  // Without a heading: the column whose fields are named as images, and the one beside it.
  void by_content() {
    std::vector<int> rest;
    for (int i = 0; i < static_cast<int>(count()); ++i) {
      if (out_.path < 0 && named_as_image(out_.names[static_cast<size_t>(i)])) out_.path = i;
    }
    for (int i = 0; i < static_cast<int>(count()); ++i) {
      if (taken(i) || out_.names[static_cast<size_t>(i)].empty()) continue;
      if (out_.split < 0 && all_splits(i)) {
        out_.split = i;
      } else {
        rest.push_back(i);
      }
    }
    if (out_.label < 0 && rest.size() == 1) out_.label = rest[0];
    if (out_.path >= 0 && out_.label >= 0) {
      out_.notes.push_back("there is no heading: column " + std::to_string(out_.path + 1) +
                           " was taken for the images and column " +
                           std::to_string(out_.label + 1) + " for the labels");
    }
  }

  // Columns of 0 and 1 with one 1 in each row.
  void find_one_hot() {
    if (!out_.heading || rows_.size() < 2) return;
    for (int i = 0; i < static_cast<int>(count()); ++i) {
      const auto bits = [&](const CsvRow& row) {
        bool one;
        const auto at = static_cast<size_t>(i);
        return at < row.fields.size() && is_bit(row.fields[at], &one);
      };
      if (taken(i) || out_.names[static_cast<size_t>(i)].empty()) continue;
      if (std::all_of(rows_.begin() + 1, rows_.end(), bits)) out_.one_hot.push_back(i);
    }
    if (out_.one_hot.size() < 2) {
      out_.one_hot.clear();
      return;
    }
    out_.notes.push_back("the labels are one-hot, in " + std::to_string(out_.one_hot.size()) +
                         " columns");
  }

  const std::vector<CsvRow>& rows_;
  const CsvStyle& style_;
  std::string origin_;
  ManifestColumns out_;
};

}  // namespace

ManifestColumns find_columns(const std::vector<CsvRow>& rows, const CsvStyle& style,
                             const std::string& image_column, const std::string& label_column,
                             const std::string& origin) {
  return ColumnFinder(rows, style, origin).run(image_column, label_column);
}

size_t one_hot_place(const CsvRow& row, const std::vector<int>& columns, const std::string& where) {
  int found = -1;
  for (size_t i = 0; i < columns.size(); ++i) {
    bool one = false;
    if (!is_bit(row.fields[static_cast<size_t>(columns[i])], &one)) {
      throw Error(where + "expected 0 or 1 in every column of a class, found " +
                  quote(row.fields[static_cast<size_t>(columns[i])]) +
                  "; for other labels name their column by setting \"label_column\"");
    }
    if (!one) continue;
    if (found >= 0) throw Error(where + "has several labels; popaug learns one class per image");
    found = static_cast<int>(i);
  }
  if (found < 0) throw Error(where + "no column of a class has a 1");
  return static_cast<size_t>(found);
}

}  // namespace popaug::source
