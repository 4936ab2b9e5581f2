#include "popaug/base/shipped.h"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

#include "popaug/base/error.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

namespace fs = std::filesystem;

// The folder of the shared library (or program) that holds this very code.
fs::path library_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&shipped_folder), &info) == 0 || !info.dli_fname) {
    return {};
  }
  std::error_code ignored;
  const fs::path real = fs::canonical(info.dli_fname, ignored);
  return real.parent_path();
}

}  // namespace

fs::path shipped_folder() {
  if (const char* given = std::getenv("POPAUG_DATA"); given && *given) {
    if (!fs::is_directory(given)) {
      throw Error("POPAUG_DATA names " + show_path(given) + ", which is not a folder");
    }
    return given;
  }
  const fs::path library = library_folder();
  const std::vector<fs::path> places = {library / "share/popaug",
                                        library.parent_path() / "share/popaug",
                                        library.parent_path().parent_path() / "share/popaug"};
  std::error_code ignored;
  for (const fs::path& place : places) {
    if (fs::is_directory(place, ignored)) return place;
  }
  throw Error("the data files of popaug are in none of " + show_path(places[0]) + ", " +
              show_path(places[1]) + ", " + show_path(places[2]) +
              ": reinstall, or set POPAUG_DATA to the folder with schedules/ and policies/");
}

fs::path shipped_file(const std::string& relative) {
  fs::path path = shipped_folder() / relative;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error(show_path(path) + " is missing from the data files of popaug");
  }
  return path;
}

}  // namespace popaug
