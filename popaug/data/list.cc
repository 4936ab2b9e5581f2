// Images without labels, for predict and augment.
#include <fstream>

#include "popaug/data/source.h"

namespace popaug {
namespace {

bool begins_as_image(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  char begin[8] = {};
  in.read(begin, sizeof begin);
  const std::string_view text(begin, static_cast<size_t>(in.gcount()));
  return text.starts_with("\xFF\xD8\xFF") || text == std::string_view("\x89PNG\r\n\x1A\n", 8);
}

std::vector<fs::path> listed(const fs::path& list) {
  std::vector<fs::path> images;
  const std::vector<std::string> lines = split(read_file(list, uint64_t{1} << 30), '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line = lines[i];
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const fs::path path = list.parent_path() / line;
    if (!fs::is_regular_file(path)) {
      throw Error(show_path(list) + ":" + std::to_string(i + 1) + ": " + show_path(path) +
                  " is not there");
    }
    images.push_back(path);
  }
  return images;
}

}  // namespace

std::vector<fs::path> list_images(const fs::path& path) {
  if (!fs::exists(path)) throw Error(show_path(path) + " does not exist; expected images");
  std::vector<fs::path> images;
  if (fs::is_directory(path)) {
    images = source::images_below(path);
  } else if (begins_as_image(path)) {
    images = {path};
  } else {
    images = listed(path);
  }
  if (images.empty()) throw Error(show_path(path) + ": holds no JPEG or PNG images");
  return images;
}

}  // namespace popaug
