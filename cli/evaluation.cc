#include "cli/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "popaug/compare/compare.h"
#include "popaug/report/report.h"
#include "popaug/rundir/rundir.h"

namespace popaug::cli {
namespace {

int64_t row_total(const std::vector<int64_t>& row) {
  return std::accumulate(row.begin(), row.end(), int64_t{0});
}

// The first characters of a name, whole ones: names are UTF-8.
std::string beginning(const std::string& name, size_t most) {
  size_t end = 0;
  for (size_t count = 0; end < name.size() && count < most; ++count) {
    do ++end;
    while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80);
  }
  return name.substr(0, end);
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string evaluation_text(const Evaluation& e, const std::vector<std::string>& classes) {
  const Interval interval = wilson(e.wrong, e.images);
  std::string text = fmt::format(
      "error {:.2f} %  (95 %: {:.2f} .. {:.2f} %), {} of {} images wrong\n"
      "balanced accuracy {:.2f} %, loss {:.4f}, calibration error {:.2f} %\n\n",
      100 * (1 - e.accuracy()), 100 * interval.low, 100 * interval.high, e.wrong, e.images,
      100 * e.balanced_accuracy(), e.loss, 100 * calibration_error(e));
  size_t width = 5;
  for (const std::string& name : classes)
    width = std::max(width, std::min<size_t>(name.size(), 24));
  const bool matrix = classes.size() <= 12;
  text += fmt::format("{:<{}}  images   error", "class", width);
  if (matrix) {
    text += "   predicted as";
    for (size_t c = 0; c < classes.size(); ++c) text += fmt::format("{:>6}", c);
  }
  text += "\n";
  for (size_t c = 0; c < classes.size(); ++c) {
    const int64_t total = row_total(e.confusion[c]);
    const auto wrong = static_cast<double>(total - e.confusion[c][c]);
    const std::string error =
        total > 0 ? fmt::format("{:.1f} %", 100 * wrong / static_cast<double>(total)) : "";
    text += fmt::format("{:<{}}  {:>6}  {:>7}", beginning(classes[c], 24), width, total, error);
    if (matrix) {
      text += fmt::format("  {:>13}", c);
      for (const int64_t n : e.confusion[c]) text += fmt::format("{:>6}", n);
    }
    text += "\n";
  }
  return text;
}

std::string confusion_csv(const Evaluation& e, const std::vector<std::string>& classes) {
  std::string text = "true\\predicted";
  for (const std::string& name : classes) text += "," + csv_field(name);
  text += "\n";
  for (size_t c = 0; c < classes.size(); ++c) {
    text += csv_field(classes[c]);
    for (const int64_t n : e.confusion[c]) text += "," + std::to_string(n);
    text += "\n";
  }
  return text;
}

std::string confusion_svg(const Evaluation& e, const std::vector<std::string>& classes) {
  constexpr int kCell = 34, kLeft = 130, kTop = 130;
  const int count = static_cast<int>(classes.size());
  const int width = kLeft + count * kCell + 20, height = kTop + count * kCell + 40;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" "
      "font-family=\"sans-serif\" font-size=\"11\"><rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n<title>Confusion matrix: rows true, columns predicted</title>\n",
      width, height, width, height);
  for (int row = 0; row < count; ++row) {
    const double total = std::max<double>(1, static_cast<double>(row_total(e.confusion[row])));
    const int y = kTop + row * kCell;
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kLeft - 6,
                       y + kCell / 2 + 4, html_escape(beginning(classes[row], 18)));
    svg += fmt::format("<text transform=\"translate({},{}) rotate(-60)\">{}</text>\n",
                       kLeft + row * kCell + kCell / 2, kTop - 8,
                       html_escape(beginning(classes[row], 18)));
    for (int column = 0; column < count; ++column) {
      const int64_t n = e.confusion[row][column];
      const double share = static_cast<double>(n) / total;
      const int light = static_cast<int>(std::lround(255 - 205 * std::sqrt(share)));
      const std::string colour = row == column ? fmt::format("rgb({},{},255)", light, light)
                                               : fmt::format("rgb(255,{},{})", light, light);
      svg += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#ddd\"/>"
          "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{}\">{}</text>\n",
          kLeft + column * kCell, y, kCell, kCell, colour, kLeft + column * kCell + kCell / 2,
          y + kCell / 2 + 4, share > 0.5 ? "#fff" : "#222", n);
    }
  }
  svg +=
      fmt::format("<text x=\"{}\" y=\"{}\">rows: true class, columns: predicted</text>\n</svg>\n",
                  kLeft, height - 14);
  return svg;
}

}  // namespace popaug::cli
