#include "popaug/search/internal/journal_line.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "popaug/search/internal/bits_base64.h"

namespace popaug {
namespace {

// Takes exact pieces off a text; once something does not fit, nothing fits any more.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool good() const { return good_; }
  bool at_end() const { return good_ && text_.empty(); }
  bool starts_with(std::string_view piece) const { return good_ && text_.starts_with(piece); }

  void expect(std::string_view piece) {
    good_ = good_ && text_.starts_with(piece);
    if (good_) text_.remove_prefix(piece.size());
  }
  template <typename Number>
  Number number(Number low, Number high) {
    Number value{};
    const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    good_ = good_ && code == std::errc() && value >= low && value <= high;
    if (good_) text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return value;
  }
  // Up to the closing quote; texts with escapes are left to the general reader.
  std::string_view plain_text() {
    const size_t end = text_.find('"');
    good_ = good_ && end != text_.npos && text_.substr(0, end).find('\\') == text_.npos;
    if (!good_) return {};
    const std::string_view text = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return text;
  }

 private:
  std::string_view text_;
  bool good_ = true;
};

}  // namespace

std::string result_line(const JournalResult& r, bool with_bits) {
  std::string line =
      fmt::format(R"({{"round":{},"member":{},"epochs":{},"score":{},"metrics":{{)", r.round,
                  r.member, r.epochs, r.score == kDiverged ? "null" : number_text(r.score));
  bool first = true;
  for (const auto& [name, value] : r.metrics) {
    if (!first) line += ',';
    first = false;
    line.append(json_line(name)).append(":").append(number_text(value));
  }
  line += fmt::format(R"(}},"trained":{},"evaluated":{},"checkpoint":"{}")", r.images_trained,
                      r.images_evaluated, r.checkpoint);
  if (with_bits && r.score != kDiverged) {
    line += fmt::format(R"(,"validation":{},"correct":"{}")", r.correct.size(),
                        bits_to_base64(r.correct));
  }
  line += '}';
  return line;
}

std::optional<JournalResult> parse_result_line(std::string_view body,
                                               const SearchSettings& settings) {
  if (settings.selection == Selection::kSignificant) return std::nullopt;
  constexpr int kMost = (1 << 24) - 1;
  Cursor at(body);
  JournalResult r;
  at.expect("{\"round\":");
  r.round = at.number(0, kMost);
  at.expect(",\"member\":");
  r.member = at.number(0, settings.population - 1);
  at.expect(",\"epochs\":");
  r.epochs = at.number(1, settings.epochs);
  at.expect(",\"score\":");
  r.score = at.number(-1e300, 1e300);
  at.expect(",\"metrics\":{");
  while (at.starts_with("\"")) {
    at.expect("\"");
    const std::string name(at.plain_text());
    at.expect(":");
    if (!r.metrics.emplace(name, at.number(-1e308, 1e308)).second) return std::nullopt;
    if (!at.starts_with(",")) break;
    at.expect(",");
  }
  at.expect("},\"trained\":");
  r.images_trained = at.number<int64_t>(0, kMostImagesOfARound);
  at.expect(",\"evaluated\":");
  r.images_evaluated = at.number<int64_t>(0, kMostImagesOfARound);
  at.expect(",\"checkpoint\":\"");
  r.checkpoint = at.plain_text();
  if (!at.at_end()) return std::nullopt;
  return r;
}

}  // namespace popaug
