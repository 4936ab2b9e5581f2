// Images without labels, for predict and augment.
#include "popaug/data/files.h"
#include "popaug/data/internal/source.h"

namespace popaug {
namespace {

std::vector<fs::path> listed(const fs::path& list) {
  std::vector<fs::path> images;
  const std::vector<std::string> lines = split(read_text_file(list, uint64_t{1} << 30), '\n');
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

std::vector<fs::path> list_images(const fs::path& path, std::vector<std::string>* notes) {
  if (!fs::exists(path)) throw Error(show_path(path) + " does not exist; expected images");
  std::vector<fs::path> images;
  if (fs::is_directory(path)) {
    source::SideFiles sides(path);
    images = source::images_below(path, sides);
    std::string passed = sides.sentence();
    if (notes != nullptr && !passed.empty()) notes->push_back(std::move(passed));
  } else if (source::is_image(path)) {
    images = {path};
  } else {
    images = listed(path);
  }
  if (images.empty()) throw Error(show_path(path) + ": has no images");
  return images;
}

}  // namespace popaug
