// Private to room data: the names of classes. Every reader takes its names from here and every set
// that was opened is checked here, whatever it came from.
#ifndef POPAUG_DATA_CLASSES_H_
#define POPAUG_DATA_CLASSES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "popaug/data/verify.h"

namespace popaug::source {

struct Source;

// A name that may be used in any file or table, and that equals every name that looks the same:
// composed Unicode (NFC), with control characters and bytes that are not UTF-8 as escapes (\\xff).
std::string class_name(std::string_view raw);

// Collects names as they were written, to say which class was written in several Unicode forms.
class WrittenNames {
 public:
  // class_name() of `raw`.
  std::string add(std::string_view raw);
  // A sentence about classes of several forms, or "".
  std::string note() const;

 private:
  std::map<std::string, std::set<std::string>> forms_;  // by class
};

// By their numbers if all are whole numbers ("2" before "10"), else by their bytes.
std::vector<std::string> class_order(const std::set<std::string>& names);

// The names in a text, one a line; `origin` names it in errors. Throws Error for empty or repeated
// names.
std::vector<std::string> class_lines(const std::string& text, const std::string& origin);
// classes.txt in `folder`, or nothing.
std::vector<std::string> class_file(const fs::path& folder);

// For labels that are numbers: `labels` holds those of all splits, in the order of source.splits.
// Without names the classes are the numbers that occur; with names (and where they come from) a
// number is a place in them, counted from 0, or from 1 where the numbers say so. Sets
// source.classes and the labels of its splits; notes what is not plain. Throws Error where names
// and numbers do not fit.
void set_number_labels(Source& source, const std::vector<std::vector<int64_t>>& labels,
                       const std::vector<std::string>& names, const std::string& names_origin);

// What is wrong with the classes of a set: one class only, classes without images, splits that lack
// a class, names that look alike.
std::vector<Finding> class_findings(const std::vector<std::string>& classes,
                                    const std::vector<const ImageSet*>& splits);
// Such a finding as one sentence with the names.
std::string finding_note(const Finding& finding);

}  // namespace popaug::source

#endif  // POPAUG_DATA_CLASSES_H_
