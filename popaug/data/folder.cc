// A folder of classes: CLASS/*.jpg, or train/CLASS/*.jpg beside test/ and val/.
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <system_error>

#include "popaug/data/source.h"

namespace popaug::source {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool one_of(const std::string& extension, std::initializer_list<const char*> list) {
  return std::find(list.begin(), list.end(), extension) != list.end();
}

bool named_as_image(const fs::path& path) {
  return one_of(lower(path.extension().string()), {".jpg", ".jpeg", ".jpe", ".jfif", ".png"});
}

// Files that stand beside images and are none; everything else must be an image.
bool passed_over(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") || one_of(lower(path.extension().string()),
                                         {".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".html",
                                          ".yaml", ".db", ".ini", ".log", ".pdf"});
}

struct Entry {
  fs::path path;
  bool folder = false;
};

// The entries of a folder by name; links are followed.
std::vector<Entry> list(const fs::path& folder) {
  std::error_code code;
  std::vector<Entry> entries;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    // The folder's own listing tells the kind, so that only links need a look at the file.
    std::error_code bad;
    const bool is_folder = it->is_directory(bad);
    if (!is_folder && !it->is_regular_file(bad)) {
      if (!bad && fs::exists(it->path(), bad)) {
        throw Error(show_path(it->path()) + " is neither a file nor a folder");
      }
      throw Error(show_path(it->path()) +
                  ": cannot be read: " + (bad ? bad.message() : "the link leads nowhere"));
    }
    entries.push_back({it->path(), is_folder});
  }
  if (code) throw Error(show_path(folder) + ": cannot be read: " + code.message());
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.path.native() < b.path.native();  // all in one folder: by name
  });
  return entries;
}

using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw Error(show_path(folder) + ": cannot be read");
  return {status.st_dev, status.st_ino};
}

// Collects the images of a folder and its subfolders. `above` holds the folders on the way here:
// a link back to one of them would never end.
void collect(const fs::path& folder, std::vector<Identity>& above, std::vector<fs::path>& files,
             size_t& skipped) {
  const Identity identity = identity_of(folder);
  if (std::find(above.begin(), above.end(), identity) != above.end()) {
    throw Error(show_path(folder) + ": the link leads back to a folder that holds it");
  }
  above.push_back(identity);
  for (const Entry& entry : list(folder)) {
    if (entry.folder) {
      if (entry.path.filename().native().starts_with(".")) continue;
      if (named_as_image(entry.path)) {
        throw Error(show_path(entry.path) + " is a folder, although it is named as an image");
      }
      collect(entry.path, above, files, skipped);
    } else if (passed_over(entry.path)) {
      ++skipped;
    } else {
      files.push_back(entry.path);
    }
  }
  above.pop_back();
}

struct ClassFiles {
  std::string name;
  std::vector<fs::path> files;
};

// The class folders of one split.
std::vector<ClassFiles> classes_of(const fs::path& folder, size_t& skipped) {
  std::vector<ClassFiles> classes;
  std::vector<Identity> above = {identity_of(folder)};
  for (const Entry& entry : list(folder)) {
    const std::string name = entry.path.filename().string();
    if (name.starts_with(".")) continue;
    if (entry.folder) {
      if (named_as_image(entry.path)) {
        throw Error(show_path(entry.path) + " is a folder, although it is named as an image");
      }
      ClassFiles found{clean_name(name), {}};
      collect(entry.path, above, found.files, skipped);
      classes.push_back(std::move(found));
    } else if (passed_over(entry.path)) {
      ++skipped;
    } else {
      throw Error(show_path(entry.path) +
                  " stands beside the class folders and has no class; move it into one");
    }
  }
  return classes;
}

// The split folders train/, val/, test/; none if the folder holds classes.
std::map<std::string, fs::path> split_folders(const fs::path& folder) {
  std::map<std::string, fs::path> splits;
  for (const Entry& entry : list(folder)) {
    const std::string name = split_name(lower(entry.path.filename().string()));
    if (!entry.folder || name.empty()) continue;
    const auto [at, fresh] = splits.emplace(name, entry.path);
    if (!fresh) {
      throw Error(show_path(folder) + ": both " + show_path(at->second.filename()) + " and " +
                  show_path(entry.path.filename()) + " name the split " + name + "; remove one");
    }
  }
  const auto train = splits.find("train");
  if (train == splits.end()) return {};
  // A class may be called "train" (beside "car" and "ship"): then it holds images, not classes.
  for (const Entry& entry : list(train->second)) {
    if (entry.folder && !entry.path.filename().native().starts_with(".")) return splits;
  }
  return {};
}

}  // namespace

std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<Identity> above;
  std::vector<fs::path> files;
  size_t skipped = 0;
  collect(folder, above, files, skipped);
  return files;
}

Source open_folder(const fs::path& folder) {
  Source source;
  source.kind = "folder";
  std::map<std::string, fs::path> folders = split_folders(folder);
  if (folders.empty()) folders.emplace("train", folder);
  std::map<std::string, std::vector<ClassFiles>> found;
  std::set<std::string> names;
  size_t skipped = 0, images = 0;
  for (const auto& [split, path] : folders) {
    for (ClassFiles& one : found[split] = classes_of(path, skipped)) names.insert(one.name);
  }
  source.classes.assign(names.begin(), names.end());
  for (const auto& [split, classes] : found) {
    SourceSplit out;
    out.split.name = split;
    for (const ClassFiles& one : classes) {
      const auto at = std::lower_bound(source.classes.begin(), source.classes.end(), one.name);
      const auto label = static_cast<uint32_t>(at - source.classes.begin());
      out.files.insert(out.files.end(), one.files.begin(), one.files.end());
      out.split.labels.resize(out.files.size(), label);
    }
    images += out.count();
    source.splits.push_back(std::move(out));
  }
  sort_splits(source.splits);
  if (images == 0) {
    throw Error(
        show_path(folder) +
        ": holds no images; expected CLASS/*.jpg or *.png, or train/CLASS/ and test/CLASS/");
  }
  if (skipped > 0) {
    source.notes.push_back(std::to_string(skipped) +
                           " files that are no images by their names were passed over");
  }
  return source;
}

}  // namespace popaug::source
