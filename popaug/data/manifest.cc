// A manifest: CSV or TSV with a heading line; columns path and label, if wanted split and group.
#include <algorithm>
#include <charconv>
#include <set>

#include "popaug/data/source.h"

namespace popaug::source {
namespace {

constexpr uint64_t kMaxManifest = uint64_t{1} << 30;

struct Row {
  size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// The rows of a text by RFC 4180: a field in double quotes may hold separators, line ends and
// doubled quotes.
class Rows {
 public:
  Rows(std::string_view text, char separator, const std::string& origin)
      : text_(text), separator_(separator), origin_(origin) {}

  bool next(Row& row) {
    row.fields.clear();
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) skip_line_end();
    if (at_ == text_.size()) return false;
    row.line = line_;
    while (true) {
      row.fields.push_back(field());
      if (at_ == text_.size() || text_[at_] != separator_) break;
      ++at_;
    }
    return true;
  }

 private:
  void skip_line_end() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
    std::string out(text_.substr(begin, at_ - begin));
    if ((at_ == text_.size() || text_[at_] == '\n') && out.ends_with('\r')) out.pop_back();
    return out;
  }
  std::string quoted() {
    const std::string where = origin_ + ":" + std::to_string(line_);
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        const bool ended = at_ == text_.size() || text_[at_] != '"';
        if (ended) {
          if (at_ < text_.size() && text_[at_] == '\r') ++at_;
          if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
            throw Error(where + ": text follows a closing quote; double the quotes inside a field");
          }
          return out;
        }
      }
      if (text_[at_] == '\n') ++line_;
      out += text_[at_];
    }
    throw Error(where + ": a quoted field has no end");
  }

  std::string_view text_;
  char separator_;
  std::string origin_;
  size_t at_ = 0, line_ = 1;
};

struct Columns {
  int path = -1, label = -1, split = -1, group = -1;
  size_t count = 0;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Columns columns_of(const Row& heading, const std::string& origin) {
  Columns columns;
  columns.count = heading.fields.size();
  const std::vector<std::pair<int*, std::vector<std::string>>> known = {
      {&columns.path, {"path", "file", "filename", "image"}},
      {&columns.label, {"label", "class"}},
      {&columns.split, {"split"}},
      {&columns.group, {"group", "patient"}}};
  for (size_t i = 0; i < heading.fields.size(); ++i) {
    const std::string name = lower(trim(heading.fields[i]));
    for (const auto& [column, names] : known) {
      if (std::find(names.begin(), names.end(), name) == names.end()) continue;
      if (*column >= 0) throw Error(origin + ":1: two columns are called " + quote(name));
      *column = static_cast<int>(i);
    }
  }
  if (columns.path < 0 || columns.label < 0) {
    throw Error(origin +
                ":1: the first line must name the columns path and label (and split and "
                "group where there are such), separated by commas or tabs");
  }
  return columns;
}

struct Item {
  fs::path path;
  std::string label, split, group;
  size_t line = 0;
};

// The file that a row names, which must stay below the manifest's folder.
fs::path resolve(const fs::path& folder, const std::string& text, const std::string& where,
                 bool allow_outside) {
  if (text.empty()) throw Error(where + "the path is empty");
  fs::path path = folder / text;
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) throw Error(where + show_path(path) + " is not there");
  if (!fs::is_regular_file(status)) throw Error(where + show_path(path) + " is no file");
  if (allow_outside) return path;
  const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder);
  const fs::path below = fs::canonical(path).lexically_relative(root);
  if (below.empty() || *below.begin() == "..") {
    throw Error(where + quote(text) + " lies outside the folder of the manifest; move it in, or " +
                "give --allow-outside if you trust the manifest");
  }
  return path;
}

std::string checked_label(const std::string& label, const std::vector<std::string>& classes,
                          const std::string& where) {
  if (label.empty()) throw Error(where + "the label is empty");
  if (!classes.empty() && std::find(classes.begin(), classes.end(), label) == classes.end()) {
    const std::string near = nearest(label, classes);
    throw Error(where + "label " + quote(label) + " is not in classes.txt" +
                (near.empty() ? "" : " (nearest: " + quote(near) + ")"));
  }
  if (trim(label) != label) {
    throw Error(where + "label " + quote(label) + " begins or ends with a space; write " +
                quote(trim(label)));
  }
  return clean_name(label);
}

std::vector<Item> items_of(std::string_view text, const std::string& origin,
                           const std::vector<std::string>& classes) {
  const std::string_view first = text.substr(0, text.find('\n'));
  const char separator = first.find('\t') != first.npos ? '\t' : ',';
  Rows rows(text, separator, origin);
  Row row;
  if (!rows.next(row)) throw Error(origin + ": the manifest is empty");
  const Columns columns = columns_of(row, origin);
  std::vector<Item> items;
  while (rows.next(row)) {
    const std::string where = origin + ":" + std::to_string(row.line) + ": ";
    if (row.fields.size() != columns.count) {
      throw Error(where + "has " + std::to_string(row.fields.size()) +
                  " fields, but the first line "
                  "names " +
                  std::to_string(columns.count));
    }
    Item item;
    item.line = row.line;
    item.path = row.fields[columns.path];
    item.label = checked_label(row.fields[columns.label], classes, where);
    item.split = columns.split < 0 ? "train" : split_name(lower(trim(row.fields[columns.split])));
    if (item.split.empty()) {
      throw Error(where + "split " + quote(row.fields[columns.split]) +
                  " is not known; write train, val or test");
    }
    if (columns.group >= 0) item.group = clean_name(row.fields[columns.group]);
    items.push_back(std::move(item));
  }
  if (items.empty()) throw Error(origin + ": the manifest names no images");
  return items;
}

// In order of their numbers if all are whole numbers, else of their names.
std::vector<std::string> classes_of(const std::vector<Item>& items) {
  std::set<std::string> names;
  for (const Item& item : items) names.insert(item.label);
  std::vector<std::string> classes(names.begin(), names.end());
  std::map<std::string, uint64_t> numbers;
  for (const std::string& name : classes) {
    uint64_t value = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (code != std::errc() || end != name.data() + name.size()) return classes;
    numbers[name] = value;
  }
  std::stable_sort(classes.begin(), classes.end(), [&](const std::string& a, const std::string& b) {
    return numbers[a] < numbers[b];
  });
  return classes;
}

}  // namespace

Source parse_manifest(std::string_view text, const fs::path& file,
                      std::vector<std::string> classes) {
  const std::string origin = show_path(file);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::vector<Item> items = items_of(text, origin, classes);
  Source source;
  source.kind = "manifest";
  source.classes = classes.empty() ? classes_of(items) : std::move(classes);
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
    split.files.push_back(item.path);
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
  if (!text.ends_with('\n')) {
    source.notes.emplace_back(
        "the manifest's last line has no line end: make sure that it is whole");
  }
  return source;
}

Source open_manifest(const fs::path& file, const ReadOptions& options) {
  const fs::path folder = file.parent_path();
  Source source = parse_manifest(read_file(file, kMaxManifest), file, class_file(folder));
  for (SourceSplit& split : source.splits) {
    for (size_t i = 0; i < split.count(); ++i) {
      const std::string where = show_path(file) + ":" + std::to_string(split.lines[i]) + ": ";
      split.files[i] = resolve(folder, split.files[i].native(), where, options.allow_outside);
    }
  }
  return source;
}

}  // namespace popaug::source
