#include "popaug/data/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>

#include "popaug/image/image.h"

namespace popaug::source {
namespace {

using Words = std::set<std::string, std::less<>>;

const Words& image_endings() {
  static const Words endings = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".webp", ".bmp",
                                ".dib", ".gif",  ".tif",  ".tiff", ".ppm", ".pgm",  ".pbm",
                                ".pnm", ".heic", ".heif", ".avif", ".jp2", ".jxl"};
  return endings;
}

// Files that people and tools leave beside images and that are not images.
const Words& side_endings() {
  static const Words endings = {
      // texts and tables
      ".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xml", ".html", ".htm",
      ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".pdf", ".doc", ".docx", ".xls", ".xlsx",
      ".ods", ".names", ".lst", ".list", ".rec", ".idx",
      // arrays and caches of other programs
      ".npy", ".npz", ".pkl", ".pickle", ".pt", ".pth", ".h5", ".hdf5", ".mat", ".parquet",
      ".arrow", ".feather", ".lmdb", ".mdb", ".tfrecord", ".tfrecords", ".cache", ".lock", ".db",
      ".sqlite", ".popaug", ".safetensors", ".onnx",
      // archives, copies and downloads
      ".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".7z", ".rar", ".bak", ".tmp", ".orig", ".old",
      ".swp", ".part", ".partial", ".crdownload", ".download", ".torrent", ".md5", ".sha1",
      ".sha256", ".url", ".lnk",
      // programs, sound, film
      ".py", ".pyc", ".ipynb", ".sh", ".m", ".r", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".wav",
      ".mp3"};
  return endings;
}

std::string ending_of(const fs::path& path) { return lower_case(path.extension().native()); }

// By its first bytes, for files whose names say nothing.
bool begins_as_image(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  char bytes[64] = {};
  in.read(bytes, sizeof bytes);
  return !image_format({bytes, static_cast<size_t>(in.gcount())}).empty();
}

using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw Error(show_path(folder) + ": cannot be read");
  return {status.st_dev, status.st_ino};
}

// Visits folders from the top; knows the folders on the way, to which a link would lead in a
// circle.
template <typename F>
bool walk(const fs::path& folder, std::vector<Identity>& above, F&& visit) {
  const Identity identity = identity_of(folder);
  if (std::find(above.begin(), above.end(), identity) != above.end()) {
    throw Error(show_path(folder) + ": the link leads back to a folder that contains it");
  }
  above.push_back(identity);
  bool go_on = true;
  for (const Entry& entry : list_folder(folder)) {
    if (!entry.folder) {
      go_on = visit(entry.path);
    } else {
      if (named_as_image(entry.path)) {
        throw Error(show_path(entry.path) + " is a folder, although it is named as an image");
      }
      go_on = walk(entry.path, above, visit);
    }
    if (!go_on) break;
  }
  above.pop_back();
  return go_on;
}

}  // namespace

bool is_junk(std::string_view name) {
  static const Words junk = {"__macosx",    "thumbs.db",   "desktop.ini",
                             "ehthumbs.db", "@eadir",      "$recycle.bin",
                             "lost+found",  "__pycache__", "system volume information"};
  return name.starts_with('.') || junk.contains(lower_case(name));
}

bool named_as_image(const fs::path& path) { return image_endings().contains(ending_of(path)); }

bool is_image(const fs::path& path) {
  const std::string ending = ending_of(path);
  if (image_endings().contains(ending)) return true;
  if (side_endings().contains(ending) || path.native().ends_with('~')) return false;
  return begins_as_image(path);
}

bool named_as_table(const fs::path& path) {
  static const Words tables = {".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".xls"};
  return tables.contains(ending_of(path));
}

std::vector<Entry> list_folder(const fs::path& folder) {
  std::error_code code;
  std::vector<Entry> entries;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (is_junk(it->path().filename().native())) continue;
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

void SideFiles::add(const fs::path& file) {
  constexpr size_t kNamed = 4;
  if (count_++ < kNamed) first_.push_back(show_path(file.lexically_relative(root_)));
}

std::string SideFiles::sentence() const {
  if (count_ == 0) return "";
  const size_t more = count_ - first_.size();
  return "skipped " + std::to_string(count_) +
         (count_ == 1 ? " file that is not an image: " : " files that are not images: ") +
         join(first_, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

std::vector<fs::path> images_below(const fs::path& folder, SideFiles& sides) {
  std::vector<Identity> above;
  std::vector<fs::path> files;
  walk(folder, above, [&](const fs::path& file) {
    if (is_image(file)) {
      files.push_back(file);
    } else {
      sides.add(file);
    }
    return true;
  });
  return files;
}

bool holds_images(const fs::path& folder) {
  std::vector<Identity> above;
  return !walk(folder, above, [](const fs::path& file) { return !is_image(file); });
}

}  // namespace popaug::source
