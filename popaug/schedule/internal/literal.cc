#include "popaug/schedule/internal/literal.h"

#include <charconv>
#include <cmath>
#include <set>

namespace popaug {
namespace {

constexpr int kMaxDepth = 32;

class Parser {
 public:
  Parser(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  Json parse() {
    Json value = parse_value(0);
    skip_space();
    if (at_ < text_.size()) fail("text after the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(origin_ + ": column " + std::to_string(at_ + 1) + ": " + what +
                "; expected a Python or JSON list");
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  Json parse_value(int depth) {
    if (depth > kMaxDepth) fail("nested more than " + std::to_string(kMaxDepth) + " deep");
    const char c = peek();
    if (c == '[') return parse_list(depth, ']');
    if (c == '(') return parse_list(depth, ')');
    if (c == '{') return parse_dict(depth);
    if (c == '\'' || c == '"') return parse_text();
    if (c == 'u' && at_ + 1 < text_.size() && (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"')) {
      ++at_;  // Python 2's u'...'
      return parse_text();
    }
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) return parse_number();
    return parse_word();
  }

  Json parse_list(int depth, char close) {
    ++at_;
    Json list = Json::array();
    while (!take(close)) {
      list.push_back(parse_value(depth + 1));
      if (!take(',') && peek() != close) fail("expected ',' or the end of the list");
    }
    return list;
  }

  Json parse_dict(int depth) {
    ++at_;
    Json object = Json::object();
    std::set<std::string> names;
    while (!take('}')) {
      const Json key = parse_value(depth + 1);
      if (!key.is_string()) fail("a key that is not a text");
      if (!take(':')) fail("expected ':' after a key");
      if (!names.insert(key.get<std::string>()).second) fail("a key is listed twice");
      append_field(object, key.get<std::string>(), parse_value(depth + 1));
      if (!take(',') && peek() != '}') fail("expected ',' or the end of the object");
    }
    return object;
  }

  Json parse_text() {
    const char quote_sign = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote_sign) {
      char c = text_[at_++];
      if (c == '\n') fail("a text that does not end on its line");
      if (c == '\\') {
        if (at_ >= text_.size()) break;
        c = text_[at_++];
        if (c == 'n')
          c = '\n';
        else if (c == 't')
          c = '\t';
        else if (c != '\\' && c != '\'' && c != '"' && c != '/')
          fail("an escape that is not supported");
      }
      value += c;
    }
    if (at_ >= text_.size()) fail("a text that does not end");
    ++at_;
    return value;
  }

  Json parse_number() {
    const size_t from = at_;
    if (text_[at_] == '+') ++at_;
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    int64_t whole = 0;
    const auto [whole_end, whole_error] = std::from_chars(begin, end, whole);
    const bool fraction =
        whole_end != end && std::string_view(".eE").find(*whole_end) != size_t(-1);
    if (whole_error == std::errc() && !fraction) {
      at_ = size_t(whole_end - text_.data());
      return whole;
    }
    double number = 0;
    const auto [number_end, number_error] = std::from_chars(begin, end, number);
    if (number_error != std::errc() || !std::isfinite(number)) {
      at_ = from;
      fail("a number that cannot be read");
    }
    at_ = size_t(number_end - text_.data());
    return number;
  }

  Json parse_word() {
    const size_t from = at_;
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) ++at_;
    const std::string_view word = text_.substr(from, at_ - from);
    if (word == "True" || word == "true") return true;
    if (word == "False" || word == "false") return false;
    if (word == "None" || word == "null") return nullptr;
    at_ = from;
    fail(from < text_.size() ? "unexpected " + quote(text_.substr(from, 1))
                             : "the text ends early");
  }

  std::string_view text_;
  const std::string& origin_;
  size_t at_ = 0;
};

}  // namespace

Json parse_literal(std::string_view text, const std::string& origin) {
  return Parser(text, origin).parse();
}

}  // namespace popaug
