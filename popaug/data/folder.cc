// A folder of class folders, as layout.cc recognises it.
#include <algorithm>
#include <set>

#include "popaug/data/classes.h"
#include "popaug/data/files.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/layout.h"
#include "popaug/data/split_names.h"

namespace popaug::source {
namespace {

// The images of one split by class. Folders whose names are the same text, composed or decomposed,
// are one class.
using ClassImages = std::map<std::string, std::vector<fs::path>>;

ClassImages classes_of(const fs::path& folder, WrittenNames& written, SideFiles& sides) {
  ClassImages classes;
  for (const Entry& entry : list_folder(folder)) {
    if (!entry.folder) {
      if (!named_as_table(entry.path)) sides.add(entry.path);  // layout.cc notes tables
      continue;
    }
    if (named_as_image(entry.path)) {
      throw Error(show_path(entry.path) + " is a folder, although it is named as an image");
    }
    std::vector<fs::path>& files = classes[written.add(entry.path.filename().native())];
    const std::vector<fs::path> found = images_below(entry.path, sides);
    files.insert(files.end(), found.begin(), found.end());
  }
  return classes;
}

// In the order of classes.txt, where it names the same classes; else as class_order() has them.
std::vector<std::string> ordered(const std::set<std::string>& names, const fs::path& folder,
                                 std::vector<std::string>& notes) {
  std::vector<std::string> listed = class_file(folder);
  if (std::set<std::string>(listed.begin(), listed.end()) == names) return listed;
  if (!listed.empty()) {
    notes.push_back("classes.txt is not used: it does not name the same classes as the folders");
  }
  return class_order(names);
}

}  // namespace

Source open_folder(const fs::path& folder) {
  Layout layout = recognise_layout(folder);
  Source source;
  source.kind = "folder";
  source.guesses = layout.guesses;
  source.notes = layout.guesses;
  source.notes.insert(source.notes.end(), layout.notes.begin(), layout.notes.end());
  SideFiles sides(folder);
  WrittenNames written;
  std::map<std::string, ClassImages> found;
  std::set<std::string> names;
  for (const auto& [split, path] : layout.splits) {
    found[split] = classes_of(path, written, sides);
    for (const auto& [name, files] : found[split]) names.insert(name);
  }
  source.classes = ordered(names, layout.folder, source.notes);
  std::map<std::string, uint32_t> labels;
  for (const std::string& name : source.classes) {
    labels.emplace(name, static_cast<uint32_t>(labels.size()));
  }
  for (auto& [split, classes] : found) {
    SourceSplit out;
    out.split.name = split;
    for (const std::string& name : source.classes) {
      std::vector<fs::path>& files = classes[name];
      out.files.insert(out.files.end(), files.begin(), files.end());
      out.split.labels.resize(out.files.size(), labels.at(name));
    }
    source.splits.push_back(std::move(out));
  }
  sort_splits(source.splits);
  if (std::string note = written.note(); !note.empty()) source.notes.push_back(std::move(note));
  if (std::string passed = sides.sentence(); !passed.empty()) {
    source.notes.push_back(std::move(passed));
  }
  return source;
}

}  // namespace popaug::source
