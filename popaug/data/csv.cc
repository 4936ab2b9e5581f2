#include "popaug/data/csv.h"

#include <algorithm>

#include "popaug/base/base.h"

namespace popaug::source {
namespace {

constexpr std::string_view kSeparators("\t,;|", 4);

// The first rows under a style, as far as they can be read.
std::vector<CsvRow> sample(const CsvStyle& style) {
  constexpr size_t kRows = 50, kBytes = 64 << 10;
  CsvStyle begin = style;
  const bool cut = begin.body.size() > kBytes;
  begin.body = begin.body.substr(0, kBytes);
  std::vector<CsvRow> rows;
  try {
    CsvReader reader(begin, "");
    for (CsvRow row; rows.size() < kRows && reader.next(row);) rows.push_back(row);
    if (cut && rows.size() > 1 && rows.size() < kRows) rows.pop_back();
  } catch (const Error&) {
    // A quote that does not fit: what came before it counts.
  }
  return rows;
}

bool even(const std::vector<CsvRow>& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [&](const CsvRow& row) { return row.fields.size() == rows[0].fields.size(); });
}

// Excel's own word for the separator, in the first line: "sep=;".
void take_excel_line(CsvStyle& style, std::string_view text) {
  const size_t end = std::min(text.size(), text.find_first_of("\r\n"));
  const std::string_view first = trim(text.substr(0, end));
  if (first.size() != 5 || !lower_case(first).starts_with("sep=") ||
      kSeparators.find(first[4]) == kSeparators.npos) {
    return;
  }
  style.separator = first[4];
  style.body = text.substr(end);  // from the line end, which is skipped as an empty line
}

bool spaces_follow(const std::vector<CsvRow>& rows) {
  size_t fields = 0;
  for (const CsvRow& row : rows) {
    for (size_t i = 1; i < row.fields.size(); ++i) {
      if (row.fields[i].empty()) continue;
      if (row.fields[i][0] != ' ') return false;
      ++fields;
    }
  }
  return fields > 0;
}

}  // namespace

std::string CsvStyle::separator_name() const {
  switch (separator) {
    case '\t':
      return "tabs";
    case ';':
      return "semicolons";
    case '|':
      return "bars (|)";
    case ' ':
      return "spaces";
    default:
      return "commas";
  }
}

CsvStyle csv_style(std::string_view text) {
  CsvStyle best;
  best.body = text;
  take_excel_line(best, text);
  if (best.body.size() == text.size()) {
    size_t most = 1;
    for (const char separator : kSeparators) {
      CsvStyle style = best;
      style.separator = separator;
      const std::vector<CsvRow> rows = sample(style);
      if (rows.empty() || !even(rows) || rows[0].fields.size() <= most) continue;
      most = rows[0].fields.size();
      best = style;
    }
    if (most == 1) {
      // No two rows agree: the first line alone decides, and the rows that differ are errors.
      const std::string_view first = text.substr(0, text.find_first_of("\r\n"));
      const auto count = [&](char c) { return std::count(first.begin(), first.end(), c); };
      best.separator = *std::max_element(kSeparators.begin(), kSeparators.end(),
                                         [&](char a, char b) { return count(a) < count(b); });
      if (count(best.separator) == 0) best.separator = count(' ') > 0 ? ' ' : ',';
    }
  }
  best.skip_spaces = best.separator != ' ' && spaces_follow(sample(best));
  return best;
}

CsvReader::CsvReader(const CsvStyle& style, const std::string& origin)
    : text_(style.body), style_(style), origin_(origin) {}

bool CsvReader::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
}

void CsvReader::skip_line_end() {
  const bool two = text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
  at_ += two ? 2 : 1;
  ++line_;
}

void CsvReader::skip_spaces() {
  while (style_.skip_spaces && at_ < text_.size() && text_[at_] == ' ') ++at_;
}

bool CsvReader::next(CsvRow& row) {
  row.fields.clear();
  while (at_ < text_.size()) {
    if (at_line_end()) {
      skip_line_end();
    } else if (!begun_ && text_[at_] == '#') {
      while (!at_line_end()) ++at_;
    } else {
      break;
    }
  }
  if (at_ == text_.size()) return false;
  begun_ = true;
  row.line = line_;
  if (style_.separator == ' ') {
    last_word_apart(row);
    return true;
  }
  while (true) {
    row.fields.push_back(field());
    if (at_line_end()) return true;
    ++at_;
    skip_spaces();
  }
}

// "some folder/a.jpg 3": a path, which may hold spaces, and a word.
void CsvReader::last_word_apart(CsvRow& row) {
  const size_t begin = at_;
  while (!at_line_end()) ++at_;
  const std::string_view line = trim(text_.substr(begin, at_ - begin));
  const size_t space = line.find_last_of(' ');
  row.fields.emplace_back(trim(line.substr(0, space)));
  if (space != line.npos) row.fields.emplace_back(line.substr(space + 1));
}

std::string CsvReader::field() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted();
  const size_t begin = at_;
  while (!at_line_end() && text_[at_] != style_.separator) ++at_;
  return std::string(text_.substr(begin, at_ - begin));
}

std::string CsvReader::quoted() {
  const std::string where = origin_ + ":" + std::to_string(line_);
  std::string out;
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      const bool ended = at_ == text_.size() || text_[at_] != '"';
      if (ended) {
        skip_spaces();
        if (!at_line_end() && text_[at_] != style_.separator) {
          throw Error(where + ": text follows a closing quote; double the quotes inside a field");
        }
        return out;
      }
    }
    if (text_[at_] == '\n') ++line_;
    out += text_[at_];
  }
  throw Error(where + ": a quoted field has no end");
}

}  // namespace popaug::source
