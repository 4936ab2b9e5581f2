// A folder of images can be laid out in many ways, and a wrong guess costs a training: "train" and
// "test" become two classes that any network tells apart. So the folder is looked at from the top:
//  1. Folders with names of splits are the splits, if each holds class folders.
//  2. A single folder that holds folders is a wrapper: look inside it.
//  3. Else the folders are the classes, unless what they hold says that they are something else.
// What none of these explains is refused with what was seen.
#include "popaug/data/layout.h"

#include <algorithm>
#include <set>

#include "popaug/data/classes.h"
#include "popaug/data/files.h"
#include "popaug/data/split_names.h"

namespace popaug::source {
namespace {

constexpr int kMostWrappers = 6;
const char* const kExpected =
    "Expected CLASS/*.jpg, or train/CLASS/*.jpg with test/CLASS/ beside it";

// What lies directly in a folder.
struct View {
  fs::path path;
  std::vector<fs::path> folders;  // with images in them, or below
  std::vector<fs::path> empty;    // folders without any
  std::vector<fs::path> images, tables;
};

View view_of(const fs::path& folder) {
  View view{folder, {}, {}, {}, {}};
  for (const Entry& entry : list_folder(folder)) {
    if (entry.folder) {
      if (named_as_image(entry.path)) {
        throw Error(show_path(entry.path) + " is a folder, although it is named as an image");
      }
      (holds_images(entry.path) ? view.folders : view.empty).push_back(entry.path);
    } else if (is_image(entry.path)) {
      view.images.push_back(entry.path);
    } else if (named_as_table(entry.path)) {
      view.tables.push_back(entry.path);
    }
  }
  return view;
}

std::string name_of(const fs::path& path) { return show_path(path.filename()); }

std::string names_of(const std::vector<fs::path>& paths, const char* end = "/") {
  constexpr size_t kShown = 6;
  std::vector<std::string> names;
  for (const fs::path& path : paths) {
    if (names.size() < kShown) names.push_back(name_of(path) + end);
  }
  const size_t more = paths.size() - names.size();
  return join(names, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

std::string images_text(size_t count) {
  return std::to_string(count) + (count == 1 ? " image" : " images");
}

// What the names of images begin with before a digit or separator, where many begin alike: a label
// that was put into the name ("cat.0.jpg").
std::vector<std::string> name_beginnings(const std::vector<fs::path>& images) {
  std::map<std::string, size_t> counts;
  for (const fs::path& image : images) {
    const std::string stem = image.stem().native();
    const std::string word = stem.substr(0, stem.find_first_of("0123456789._- "));
    if (word.size() > 1) ++counts[word];
  }
  std::vector<std::string> words;
  size_t explained = 0;
  for (const auto& [word, count] : counts) {
    if (count < 2) continue;
    words.push_back(word);
    explained += count;
  }
  constexpr size_t kMost = 20;
  const bool plausible = words.size() > 1 && words.size() <= kMost && explained == images.size();
  return plausible ? words : std::vector<std::string>();
}

class LayoutRecogniser {
 public:
  explicit LayoutRecogniser(const fs::path& folder) : root_(folder) {}

  Layout run() {
    View view = view_of(root_);
    for (int depth = 0;; ++depth) {
      layout_.folder = view.path;
      if (take_splits(view)) break;
      const fs::path inner = wrapped(view);
      if (inner.empty() || depth == kMostWrappers) {
        take_classes(view);
        break;
      }
      view = view_of(inner);
      layout_.guesses.push_back("the class folders are those of " + below(inner) +
                                "/, the only folder with images");
    }
    if (!view.tables.empty()) {
      layout_.notes.push_back(names_of(view.tables, "") +
                              " beside the folders of images is not read; if the labels are in it, "
                              "give a CSV or TSV file itself as setting \"data\"");
    }
    return std::move(layout_);
  }

 private:
  std::string below(const fs::path& path) const {
    return show_path(path.lexically_relative(root_));
  }

  [[noreturn]] void refuse(const std::string& saw, const std::string& advice) const {
    throw Error(show_path(layout_.folder) + ": the classes are unknown: " + saw + ". " + kExpected +
                (advice.empty() ? "" : ". " + advice));
  }

  // The folder to look into instead, or "": the only one, which holds folders and no images.
  static fs::path wrapped(const View& view) {
    if (view.folders.size() != 1 || !view.empty.empty() || !view.images.empty()) return {};
    const View inner = view_of(view.folders[0]);
    return inner.images.empty() ? view.folders[0] : fs::path();
  }

  // The class folders of one split, seen through wrappers and doubled names; or images without any.
  struct Root {
    View view;
    bool labelled = false;
    bool deeper = false;
  };
  static Root root_of(const fs::path& folder) {
    Root root{view_of(folder), false, false};
    for (int depth = 0; depth < kMostWrappers; ++depth) {
      const View& view = root.view;
      const bool alone = view.folders.size() == 1 && view.empty.empty() && view.images.empty();
      if (!alone) break;
      const std::string outer = view.path.filename().native();
      const std::string inner = view.folders[0].filename().native();
      const std::string split = split_name(inner).split;
      const bool doubled = inner == outer || (!split.empty() && split == split_name(outer).split);
      if (!doubled && wrapped(view).empty()) break;  // one class
      root.view = view_of(view.folders[0]);
      root.deeper = true;
    }
    root.labelled = !root.view.folders.empty();
    return root;
  }

  // The folders that are named as splits, by split.
  std::map<std::string, fs::path> named_splits(const View& view, bool* plain) const {
    std::map<std::string, fs::path> splits;
    *plain = true;
    const std::vector<std::string> declared = class_file(view.path);
    const auto add = [&](const std::string& split, const fs::path& path) {
      const auto [at, fresh] = splits.emplace(split, path);
      if (!fresh) {
        throw Error(show_path(view.path) + ": both " + name_of(at->second) + " and " +
                    name_of(path) + " name the split " + split + "; remove one");
      }
    };
    std::vector<fs::path> others;
    for (const fs::path& folder : view.folders) {
      const std::string name = folder.filename().native();
      const bool is_class =
          std::find(declared.begin(), declared.end(), class_name(name)) != declared.end();
      const SplitName found = is_class ? SplitName() : split_name(name);
      if (found.split.empty()) {
        others.push_back(folder);
        continue;
      }
      *plain = *plain && found.plain;
      add(found.split, folder);
    }
    // "mnist_train" beside "mnist_test": the same name but for the word of the split.
    std::set<std::string> rests;
    for (const fs::path& folder : others) rests.insert(without_split(folder.filename().native()));
    const bool pair = splits.empty() && others.size() > 1 && rests.size() == 1 && declared.empty();
    for (const fs::path& folder : others) {
      const std::string split = split_within(folder.filename().native());
      if (!pair || split.empty()) continue;
      *plain = false;
      add(split, folder);
    }
    return splits;
  }

  bool take_splits(const View& view) {
    bool plain = true;
    const std::map<std::string, fs::path> named = named_splits(view, &plain);
    if (named.empty()) return false;
    std::vector<fs::path> others;
    for (const fs::path& folder : view.folders) {
      const bool split = std::any_of(named.begin(), named.end(),
                                     [&](const auto& one) { return one.second == folder; });
      if (!split) others.push_back(folder);
    }
    if (!view.images.empty()) {
      throw Error(show_path(view.images[0]) +
                  " is beside the folders of the splits and has no class; move it into one");
    }
    std::vector<Root> flat;
    bool deeper = false;
    for (const auto& [split, folder] : named) {
      Root root = root_of(folder);
      if (!root.labelled) {
        flat.push_back(std::move(root));
        continue;
      }
      check_stray(root.view);
      deeper = deeper || root.deeper;
      layout_.splits[split] = root.view.path;
    }
    const bool train_is_flat = named.contains("train") && !layout_.splits.contains("train");
    if (layout_.splits.empty() || train_is_flat) refuse_flat(view, flat, others);
    if (!named.contains("train") && has_class_folders(others)) {
      refuse(names_of(others) + " contain images beside " + names_of(paths_of(named)) +
                 ", which is named as a split, and there is no train/",
             "Move the class folders of the training images into train/. If " +
                 names_of(paths_of(named)) +
                 " is a class, name it in a file classes.txt, one "
                 "class a line");
    }
    for (const Root& root : flat) note_unlabelled(root.view.path, root.view.images.size());
    for (const fs::path& folder : others) note_unlabelled(folder, 0);
    if (!plain || deeper) {
      std::vector<std::string> parts;
      for (const auto& [split, folder] : layout_.splits) {
        parts.push_back("split " + split + " is read from the class folders of " + below(folder) +
                        "/");
      }
      layout_.guesses.push_back(join(parts, ", "));
    }
    return true;
  }

  static std::vector<fs::path> paths_of(const std::map<std::string, fs::path>& named) {
    std::vector<fs::path> paths;
    for (const auto& [split, path] : named) paths.push_back(path);
    return paths;
  }

  static bool has_class_folders(const std::vector<fs::path>& folders) {
    return std::any_of(folders.begin(), folders.end(), [](const fs::path& folder) {
      return !is_unlabelled_name(folder.filename().native());
    });
  }

  void note_unlabelled(const fs::path& folder, size_t images) {
    layout_.notes.push_back(below(folder) + "/ is not read: " +
                            (images > 0
                                 ? images_text(images) + " without class folders have no labels"
                                 : std::string("it is not a split by its name")) +
                            "; 'popaug predict' labels images");
  }

  static void check_stray(const View& view) {
    if (view.images.empty()) return;
    throw Error(show_path(view.images[0]) +
                " is beside the class folders and has no class; move it into one");
  }

  // Images in folders of splits, none of them in a class folder.
  [[noreturn]] void refuse_flat(const View& view, const std::vector<Root>& flat,
                                const std::vector<fs::path>& others) const {
    std::vector<std::string> parts;
    std::vector<fs::path> tables = view.tables;
    const Root* train = &flat[0];
    for (const Root& root : flat) {
      const bool trains = split_within(root.view.path.filename().native()) == "train";
      parts.insert(trains ? parts.begin() : parts.end(),
                   below(root.view.path) + "/ has " + images_text(root.view.images.size()));
      tables.insert(tables.end(), root.view.tables.begin(), root.view.tables.end());
      if (split_within(root.view.path.filename().native()) == "train") train = &root;
    }
    std::string saw = join(parts, " and ") + ", not in class folders";
    if (!others.empty()) saw += ", beside " + names_of(others);
    const std::string folder = below(train->view.path);
    const std::vector<std::string> words = name_beginnings(train->view.images);
    std::string advice;
    if (!tables.empty()) {
      advice = "If " + names_of(tables, "") +
               " contains the labels, give a CSV or TSV file as setting \"data\"";
    } else if (!words.empty()) {
      advice = "The names of the images in " + folder + "/ begin with " + join(words, ", ") +
               ": move them into " + folder + "/" + words[0] +
               "/ and so on, or write a CSV with "
               "the columns path and label";
    } else if (!others.empty()) {
      advice = "If " + name_of(train->view.path) +
               " is a class and not a split, name it in a file "
               "classes.txt, one class a line";
    }
    refuse(saw, advice);
  }

  void take_classes(const View& view) {
    if (view.folders.empty() && view.images.empty()) {
      throw Error(show_path(view.path) + ": has no images. " + kExpected);
    }
    if (view.folders.empty()) {
      const std::vector<std::string> words = name_beginnings(view.images);
      refuse(images_text(view.images.size()) + ", not in class folders",
             !view.tables.empty() ? "If " + names_of(view.tables, "") +
                                        " contains the labels, give a CSV or TSV file "
                                        "as setting \"data\""
             : words.empty()
                 ? "Or write a CSV with the columns path and label"
                 : "The names of the images begin with " + join(words, ", ") + ": move them into " +
                       words[0] + "/ and so on, or write a CSV with the columns path and label");
    }
    check_stray(view);
    check_not_groups(view);
    layout_.splits["train"] = view.path;
  }

  // Folders that all hold the same folders, and no images of their own, group something else than
  // classes: sites, folds, patients; or the splits of each class.
  void check_not_groups(const View& view) const {
    std::set<std::string> common;
    size_t most = 0;
    for (const fs::path& folder : view.folders) {
      std::set<std::string> names;
      for (const Entry& entry : list_folder(folder)) {
        if (!entry.folder && is_image(entry.path)) return;
        if (entry.folder) names.insert(entry.path.filename().native());
      }
      most = std::max(most, names.size());
      if (&folder == &view.folders[0]) {
        common = names;
      } else {
        std::erase_if(common, [&](const std::string& name) { return !names.contains(name); });
      }
    }
    const bool splits = std::any_of(common.begin(), common.end(), [](const std::string& name) {
      return split_name(name).split == "train";
    });
    if (view.folders.size() < 2 || common.empty() || (!splits && common.size() < 2)) return;
    if (!splits && common.size() < most) return;
    std::vector<std::string> names;
    for (const std::string& name : common) names.push_back(show_path(name) + "/");
    refuse(names_of(view.folders) + " each contain " + join(names, ", "),
           splits ? "Put the splits on top: train/" + name_of(view.folders[0]) + "/"
                  : "Put the class folders on top, give one of the folders as setting "
                    "\"data\", or write a "
                    "CSV with the columns path, label and group");
  }

  fs::path root_;
  Layout layout_;
};

}  // namespace

Layout recognise_layout(const fs::path& folder) { return LayoutRecogniser(folder).run(); }

}  // namespace popaug::source
