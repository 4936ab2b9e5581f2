// Private to room data: which columns of a manifest say what.
#ifndef POPAUG_DATA_MANIFEST_COLUMNS_H_
#define POPAUG_DATA_MANIFEST_COLUMNS_H_

#include <string>
#include <vector>

#include "popaug/data/csv.h"

namespace popaug::source {

struct ManifestColumns {
  int path = -1, label = -1, split = -1, group = -1;  // -1: there is none
  std::vector<int> one_hot;                           // instead of a label: columns of 0 and 1
  bool heading = true;                                // the first row names the columns
  std::vector<std::string> names;                     // of the heading
  std::vector<std::string> notes;                     // where there was a choice
};

// Finds the columns by the usual names in the first of `rows`, by the names or numbers (from 1)
// that the user gave, or, without a heading, by what the rows hold. Throws Error that shows what
// was found.
ManifestColumns find_columns(const std::vector<CsvRow>& rows, const CsvStyle& style,
                             const std::string& image_column, const std::string& label_column,
                             const std::string& origin);

// The column of a row's one 1. Throws Error starting with `where` unless exactly one holds 1 and
// the others 0.
size_t one_hot_place(const CsvRow& row, const std::vector<int>& columns, const std::string& where);

}  // namespace popaug::source

#endif  // POPAUG_DATA_MANIFEST_COLUMNS_H_
