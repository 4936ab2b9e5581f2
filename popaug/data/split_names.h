// Private to room data: the one table of the names that people give to splits. Folders, files of
// benchmarks, keys of .npz files and columns of manifests are all recognised by it.
#ifndef POPAUG_DATA_SPLIT_NAMES_H_
#define POPAUG_DATA_SPLIT_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

namespace popaug::source {

struct SplitName {
  std::string split;   // "train", "val", "test", or "" for a name that is not one of a split
  bool plain = false;  // the name is the word itself ("train", "Testing"), with nothing around it
};

// In any case, with the words and numbers that people put around them: "train", "Training",
// "seg_train", "training_set", "test1", "TrainImages", "val2017".
SplitName split_name(std::string_view name);

// "train", "val" or "test" if one of the words in the name says so, whatever the others are:
// "emnist-letters-train-images-idx3-ubyte". "" if none does, or two differ.
std::string split_within(std::string_view name);

// The words of the name other than the one that split_within() found, in small letters, joined by
// "-": so that "mnist_train" and "mnist_test" leave the same.
std::string without_split(std::string_view name);

// True for folders of images that have no labels by design: "seg_pred", "unlabeled".
bool is_unlabelled_name(std::string_view name);

// The words of a name in small letters: broken at what is neither letter nor digit, and before a
// capital letter that follows a small one. Bytes above 127 count as letters.
std::vector<std::string> words_of(std::string_view name);

}  // namespace popaug::source

#endif  // POPAUG_DATA_SPLIT_NAMES_H_
