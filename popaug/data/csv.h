// Private to room data: rows of a CSV or TSV file, whatever program wrote it.
#ifndef POPAUG_DATA_CSV_H_
#define POPAUG_DATA_CSV_H_

#include <string>
#include <string_view>
#include <vector>

namespace popaug::source {

struct CsvRow {
  size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// How a file separates its fields.
struct CsvStyle {
  char separator = ',';      // ',', ';', tab, '|'; ' ' for two words, the last of a line apart
  bool skip_spaces = false;  // every separator is followed by a space, which is not part of a field
  std::string_view body;     // the text without an Excel line "sep=;"
  std::string separator_name() const;  // "commas"
};

// Found from the first rows: the separator that gives all rows the same number of fields.
CsvStyle csv_style(std::string_view text);

// Reads rows by RFC 4180: a field in double quotes may hold separators, line ends and doubled
// quotes. Line ends are \n, \r\n or \r; empty lines are skipped, and lines that begin with #
// before the first row.
class CsvReader {
 public:
  CsvReader(const CsvStyle& style, const std::string& origin);
  // False at the end. Throws Error with the line for a quote that does not end, or text after one.
  bool next(CsvRow& row);

 private:
  bool at_line_end() const;
  void skip_line_end();
  void skip_spaces();
  std::string field();
  std::string quoted();
  void last_word_apart(CsvRow& row);

  std::string_view text_;
  CsvStyle style_;
  std::string origin_;
  size_t at_ = 0, line_ = 1;
  bool begun_ = false;
};

}  // namespace popaug::source

#endif  // POPAUG_DATA_CSV_H_
