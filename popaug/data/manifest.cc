// A manifest: a table of images and labels, CSV or TSV, with a heading or without one.
#include <algorithm>
#include <set>

#include "popaug/data/classes.h"
#include "popaug/data/csv.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/manifest_columns.h"
#include "popaug/data/manifest_paths.h"
#include "popaug/data/split_names.h"

namespace popaug::source {
namespace {

constexpr uint64_t kMaxManifest = uint64_t{1} << 30;

struct Item {
  std::string path, label, split, group;
  size_t line = 0;
};

class ManifestParser {
 public:
  ManifestParser(std::string_view text, const std::string& origin,
                 const std::vector<std::string>& classes, const ReadOptions& options)
      : origin_(origin), classes_(classes), style_(csv_style(text)) {
    std::vector<CsvRow> first;
    constexpr size_t kLooked = 50;
    CsvReader reader(style_, origin);
    for (CsvRow row; first.size() < kLooked && reader.next(row);) first.push_back(row);
    if (first.empty()) throw Error(origin + ": the manifest is empty");
    columns_ = find_columns(first, style_, options.image_column, options.label_column, origin);
  }

  std::vector<Item> items() {
    CsvReader reader(style_, origin_);
    CsvRow row;
    if (columns_.heading) reader.next(row);
    std::vector<Item> items;
    while (reader.next(row)) items.push_back(item_of(row));
    if (items.empty()) throw Error(origin_ + ": the manifest names no images");
    settle_labels(items);
    return items;
  }

  const std::vector<std::string>& notes() const { return columns_.notes; }

 private:
  Item item_of(CsvRow& row) const {
    const std::string where = origin_ + ":" + std::to_string(row.line) + ": ";
    // Separators without anything after them, at the end of a line.
    while (row.fields.size() > columns_.names.size() && row.fields.back().empty()) {
      row.fields.pop_back();
    }
    if (row.fields.size() != columns_.names.size()) {
      throw Error(where + "has " + std::to_string(row.fields.size()) +
                  " fields, but the first line names " + std::to_string(columns_.names.size()) +
                  ", separated by " + style_.separator_name());
    }
    const auto field = [&](int column) -> const std::string& {
      return row.fields[static_cast<size_t>(column)];
    };
    Item item;
    item.line = row.line;
    item.path = field(columns_.path);
    if (columns_.one_hot.empty()) {
      item.label = field(columns_.label);
    } else {
      item.label = columns_.names[static_cast<size_t>(
          columns_.one_hot[one_hot_place(row, columns_.one_hot, where)])];
    }
    if (item.label.empty()) throw Error(where + "the label is empty");
    item.split = columns_.split < 0 ? "train" : split_name(trim(field(columns_.split))).split;
    if (item.split.empty()) {
      throw Error(where + "split " + quote(field(columns_.split)) +
                  " is not known; write train, val or test");
    }
    if (columns_.group >= 0) item.group = class_name(field(columns_.group));
    return item;
  }

  // Numbers as a spreadsheet writes them ("0.0"), and numbers that stand for lines of classes.txt.
  void settle_labels(std::vector<Item>& items) {
    const auto all = [&](auto&& holds) {
      return std::all_of(items.begin(), items.end(),
                         [&](const Item& item) { return holds(std::string_view(item.label)); });
    };
    const auto is_float = [](std::string_view label) {
      const size_t dot = label.find('.');
      return dot != label.npos && dot > 0 && dot + 1 < label.size() &&
             label.substr(0, dot).find_first_not_of("0123456789") == label.npos &&
             label.substr(dot + 1).find_first_not_of('0') == label.npos;
    };
    if (all(is_float)) {
      for (Item& item : items) item.label.resize(item.label.find('.'));
      columns_.notes.emplace_back("the labels are numbers such as \"0.0\", and were read as \"0\"");
    }
    const auto is_place = [&](std::string_view label) {
      return label.size() < 8 && label.find_first_not_of("0123456789") == label.npos &&
             std::stoul(std::string(label)) < classes_.size() && !is_class(label);
    };
    const bool places = !classes_.empty() && all(is_place);
    if (places) columns_.notes.emplace_back("the labels count the lines of classes.txt from 0");
    WrittenNames written;
    for (Item& item : items) {
      const std::string where = origin_ + ":" + std::to_string(item.line) + ": ";
      if (!places) written.add(item.label);
      item.label = places ? classes_[std::stoul(item.label)] : checked_label(item.label, where);
    }
    if (std::string note = written.note(); !note.empty()) {
      columns_.notes.push_back(std::move(note));
    }
  }

  bool is_class(std::string_view label) const {
    return std::find(classes_.begin(), classes_.end(), class_name(label)) != classes_.end();
  }

  std::string checked_label(const std::string& label, const std::string& where) const {
    if (!classes_.empty() && !is_class(label)) {
      const std::string near = nearest(label, classes_);
      throw Error(where + "label " + quote(label) + " is not in classes.txt" +
                  (near.empty() ? "" : " (nearest: " + quote(near) + ")"));
    }
    if (trim(label) != label) {
      throw Error(where + "label " + quote(label) + " begins or ends with a space; write " +
                  quote(trim(label)));
    }
    return class_name(label);
  }

  std::string origin_;
  const std::vector<std::string>& classes_;
  CsvStyle style_;
  ManifestColumns columns_;
};

std::vector<std::string> classes_of(const std::vector<Item>& items) {
  std::set<std::string> names;
  for (const Item& item : items) names.insert(item.label);
  return class_order(names);
}

void add_splits(Source& source, const std::vector<Item>& items, const std::string& origin) {
  std::map<std::string, uint32_t> numbers;
  for (const std::string& name : source.classes) {
    numbers.emplace(name, static_cast<uint32_t>(numbers.size()));
  }
  const bool grouped =
      std::any_of(items.begin(), items.end(), [](const Item& item) { return !item.group.empty(); });
  std::map<std::string, SourceSplit> splits;
  for (const Item& item : items) {
    SourceSplit& split = splits[item.split];
    split.split.name = item.split;
    split.files.emplace_back(item.path);
    split.lines.push_back(item.line);
    split.split.labels.push_back(numbers.at(item.label));
    if (!grouped) continue;
    if (item.group.empty()) {
      throw Error(origin + ":" + std::to_string(item.line) +
                  ": the group is empty; give every image one, or leave the column out");
    }
    split.split.groups.push_back(item.group);
  }
  for (auto& [name, split] : splits) source.splits.push_back(std::move(split));
  sort_splits(source.splits);
}

}  // namespace

Source parse_manifest(std::string_view bytes, const fs::path& file,
                      std::vector<std::string> classes, const ReadOptions& options) {
  const std::string origin = show_path(file);
  const std::string text = decode_text(std::string(bytes), origin);
  ManifestParser parser(text, origin, classes, options);
  const std::vector<Item> items = parser.items();
  Source source;
  source.kind = "manifest";
  source.path = origin;
  source.notes = parser.notes();
  source.classes = classes.empty() ? classes_of(items) : std::move(classes);
  add_splits(source, items, origin);
  if (!text.ends_with('\n') && !text.ends_with('\r')) {
    source.notes.emplace_back(
        "the manifest's last line has no line end: make sure that it is whole");
  }
  return source;
}

Source open_manifest(const fs::path& file, const ReadOptions& options) {
  const fs::path folder = file.parent_path();
  Source source = parse_manifest(read_file(file, kMaxManifest), file, class_file(folder), options);
  ManifestPaths paths(folder, options.allow_outside);
  std::set<fs::path> seen;
  size_t repeated = 0;
  for (SourceSplit& split : source.splits) {
    for (size_t i = 0; i < split.count(); ++i) {
      const std::string where = show_path(file) + ":" + std::to_string(split.lines[i]) + ": ";
      try {
        split.files[i] = paths.find(split.files[i].native(), where);
      } catch (const Error&) {
        // What is not there fails again when it is read, and is then left out and named.
        if (!options.keep_going) throw;
        split.files[i] = folder / split.files[i];
      }
      if (!seen.insert(split.files[i]).second) ++repeated;
    }
  }
  if (std::string note = paths.note(); !note.empty()) source.notes.push_back(std::move(note));
  if (repeated > 0) {
    source.notes.push_back(std::to_string(repeated) +
                           (repeated == 1 ? " line names" : " lines name") +
                           " an image that an earlier line names");
  }
  return source;
}

}  // namespace popaug::source
