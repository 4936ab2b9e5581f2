// Private to room data: how a folder of images is laid out.
#ifndef POPAUG_DATA_LAYOUT_H_
#define POPAUG_DATA_LAYOUT_H_

#include <map>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::source {

// Where the class folders of each split are.
struct Layout {
  fs::path folder;                         // of the set itself, below folders that only wrap it
  std::map<std::string, fs::path> splits;  // split -> the folder that holds its class folders
  std::vector<std::string> guesses;        // what was taken for what, where names left a choice
  std::vector<std::string> notes;          // what is there and is not read
};

// Recognises CLASS/*.jpg and train/CLASS/*.jpg beside test/ and val/, under the names that people
// give to splits, doubled ("train/train") and wrapped in other folders. Folders of splits are never
// taken for classes. Anything else is refused: the Error says what was seen, what is expected and
// what to do.
Layout recognise_layout(const fs::path& folder);

}  // namespace popaug::source

#endif  // POPAUG_DATA_LAYOUT_H_
