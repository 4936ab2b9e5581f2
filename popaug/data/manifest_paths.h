// Private to room data: from what a manifest calls an image to the file that it means.
#ifndef POPAUG_DATA_MANIFEST_PATHS_H_
#define POPAUG_DATA_MANIFEST_PATHS_H_

#include <map>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::source {

// Tables are written on other computers: with backslashes, with folders that are not here, without
// the ending of the file or without its folder. A name is taken as it is if such a file exists;
// else what it can only mean is found below the manifest's folder.
class ManifestPaths {
 public:
  ManifestPaths(fs::path folder, bool allow_outside);

  // Throws Error starting with `where`: nothing is there (and what is there instead), several
  // files have the name, or the file is outside the folder and that is not allowed.
  fs::path find(const std::string& name, const std::string& where);

  // A sentence about names that were not files as written, or "".
  std::string note() const;

 private:
  fs::path found_elsewhere(const std::string& name, const std::string& where);
  fs::path by_file_name(const std::string& name, const std::string& where);
  void make_index();
  [[noreturn]] void missing(const std::string& name, const std::string& where);
  void check_inside(const fs::path& path, const std::string& name, const std::string& where);

  fs::path folder_;
  bool allow_outside_;
  fs::path root_;  // the folder, without links
  bool indexed_ = false;
  std::map<std::string, std::vector<fs::path>> by_name_, by_stem_;  // in small letters
  size_t changed_ = 0;
  std::string first_changed_;
};

}  // namespace popaug::source

#endif  // POPAUG_DATA_MANIFEST_PATHS_H_
