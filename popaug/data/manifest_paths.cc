#include "popaug/data/manifest_paths.h"

#include <algorithm>

#include "popaug/data/files.h"

namespace popaug::source {
namespace {

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

std::string with_slashes(std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  return name;
}

// The parts of a name, without a drive letter or root.
std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  for (std::string& part : split(with_slashes(name), '/')) {
    const bool drive = parts.empty() && part.size() == 2 && part[1] == ':';
    if (!part.empty() && part != "." && !drive) parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

ManifestPaths::ManifestPaths(fs::path folder, bool allow_outside)
    : folder_(std::move(folder)), allow_outside_(allow_outside) {
  root_ = fs::canonical(folder_.empty() ? fs::path(".") : folder_);
}

fs::path ManifestPaths::find(const std::string& name, const std::string& where) {
  if (name.empty()) throw Error(where + "the path is empty");
  fs::path path = folder_ / name;
  std::error_code code;
  if (fs::is_directory(path, code)) throw Error(where + show_path(path) + " is not a file");
  if (!is_file(path)) {
    path = found_elsewhere(name, where);
    if (changed_++ == 0) {
      first_changed_ = quote(name) + " is " + show_path(path.lexically_relative(folder_));
    }
  }
  check_inside(path, name, where);
  return path;
}

std::string ManifestPaths::note() const {
  if (changed_ == 0) return "";
  return std::to_string(changed_) +
         (changed_ == 1 ? " path differs from the name of its file: "
                        : " paths differ from the names of their files; the first: ") +
         first_changed_;
}

fs::path ManifestPaths::found_elsewhere(const std::string& name, const std::string& where) {
  // The folders of another computer: the longest end of the path that is here.
  const std::vector<std::string> parts = parts_of(name);
  for (size_t skip = 0; skip < parts.size(); ++skip) {
    fs::path path = folder_;
    for (size_t i = skip; i < parts.size(); ++i) path /= parts[i];
    if (is_file(path)) return path;
    for (const char* ending : {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".webp", ".bmp",
                               ".gif", ".tif", ".tiff", ".ppm", ".pgm"}) {
      if (is_file(path.native() + ending)) return path.native() + ending;
    }
  }
  return by_file_name(name, where);
}

void ManifestPaths::make_index() {
  if (indexed_) return;
  indexed_ = true;
  std::error_code code;
  const fs::path start = folder_.empty() ? fs::path(".") : folder_;
  for (fs::recursive_directory_iterator it(start, code), end; !code && it != end;
       it.increment(code)) {
    const std::string name = it->path().filename().native();
    std::error_code bad;
    if (is_junk(name)) {
      if (it->is_directory(bad)) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(bad) || !named_as_image(it->path())) continue;
    by_name_[lower_case(name)].push_back(it->path());
    by_stem_[lower_case(it->path().stem().native())].push_back(it->path());
  }
}

fs::path ManifestPaths::by_file_name(const std::string& name, const std::string& where) {
  make_index();
  const std::vector<std::string> parts = parts_of(name);
  const std::string file = lower_case(parts.empty() ? name : parts.back());
  for (const auto* index : {&by_name_, &by_stem_}) {
    const auto at = index->find(file);
    if (at == index->end()) continue;
    if (at->second.size() == 1) return at->second[0];
    throw Error(where + quote(name) + " may be " + show_path(at->second[0]) + " or " +
                show_path(at->second[1]) + "; write the folder too");
  }
  missing(name, where);
}

void ManifestPaths::missing(const std::string& name, const std::string& where) {
  std::string hint;
  std::vector<std::string> names;
  constexpr size_t kCompared = 20000;
  for (const auto& [file, paths] : by_name_) {
    if (names.size() < kCompared) names.push_back(file);
  }
  const std::vector<std::string> parts = parts_of(name);
  const std::string near = nearest(parts.empty() ? name : parts.back(), names);
  if (!near.empty()) {
    hint = "; there is " + show_path(by_name_[near][0]);
  } else if (!names.empty()) {
    hint = "; of the images below the manifest's folder the first is " +
           show_path(by_name_.begin()->second[0]);
  } else {
    hint = "; there are no images below the manifest's folder. Paths are relative to it";
  }
  throw Error(where + show_path(folder_ / name) + " is not there" + hint);
}

void ManifestPaths::check_inside(const fs::path& path, const std::string& name,
                                 const std::string& where) {
  if (allow_outside_) return;
  const fs::path below = fs::canonical(path).lexically_relative(root_);
  if (!below.empty() && *below.begin() != "..") return;
  throw Error(where + quote(name) + " is outside the folder of the manifest; move it in, or " +
              "give setting \"allow_outside\" if you trust the manifest");
}

}  // namespace popaug::source
