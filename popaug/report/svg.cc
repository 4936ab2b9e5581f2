#include "popaug/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "popaug/base/base.h"

namespace popaug {
namespace {

constexpr std::string_view kStyle = R"(
.ground{fill:#fff}
text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;font-size:11px;fill:#222}
.title{font-size:13px;font-weight:bold}
.small{font-size:9px}
.axis{stroke:#888;stroke-width:1;fill:none}
.grid{stroke:#ddd;stroke-width:1;fill:none}
.heat{fill:#0b5fa5}
.heat2{fill:#a2481b}
.frame{fill:none;stroke:#bbb}
.outside{fill:none;stroke:#d1242f;stroke-width:1.5}
.band{fill:#888}
.curve{fill:none;stroke:#0b5fa5;stroke-width:1.5}
.mean{fill:none;stroke:#888;stroke-width:1;stroke-dasharray:3 2}
.exit{fill:#d1242f}
@media (prefers-color-scheme:dark){
.ground{fill:#16191d}
text{fill:#e6e6e6}
.heat{fill:#5aa9f0}
.heat2{fill:#f0975a}
.grid{stroke:#333a42}
.frame{stroke:#4a525c}
.curve{stroke:#5aa9f0}
}
)";

std::string points_text(const std::vector<std::pair<double, double>>& points) {
  std::string text;
  for (const auto& [x, y] : points) {
    if (!text.empty()) text += ' ';
    text += svg_number(x) + "," + svg_number(y);
  }
  return text;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const char c = text[0];
    const bool control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    if (length == 0 || control) {
      out += "\xef\xbf\xbd";  // the replacement character
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string series_colour(size_t i) {
  // Hues by the golden angle, three lightnesses in turn: neighbours differ in both.
  const double hue = std::fmod(210 + 137.508 * double(i), 360);
  const double light = std::array{0.48, 0.62, 0.38}[i % 3];
  const double saturation = 0.55;
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue / 30, 12);
    const double a = saturation * std::min(light, 1 - light);
    const double value = light - a * std::max(-1.0, std::min({k - 3, 9 - k, 1.0}));
    return int(std::lround(value * 255));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", channel(0), channel(8), channel(4));
}

std::vector<double> round_ticks(double low, double high, int wanted) {
  if (!std::isfinite(high - low)) return {};
  const double raw = std::max(high - low, 1e-12) / wanted;
  const int power = static_cast<int>(std::floor(std::log10(raw)));
  // Steps as fractions of whole numbers, so that 3 steps of 0.1 are 0.3.
  const double scale = std::pow(10, std::abs(power));
  const auto at = [&](int64_t steps) {
    const auto count = static_cast<double>(steps);
    return power < 0 ? count / scale : count * scale;
  };
  int64_t step = 10;
  for (const int64_t factor : {1, 2, 5}) {
    if (at(factor) < raw * (1 - 1e-9)) continue;
    step = factor;
    break;
  }
  const double first = std::ceil(low / at(step) - 1e-9);
  // Beyond, neighbouring steps are the same number: a range that is too narrow for its place.
  if (std::abs(first) * static_cast<double>(step) > 1e15) return {};
  std::vector<double> values;
  auto n = static_cast<int64_t>(first);
  for (; at(n * step) <= high + 1e-9 * at(step); ++n) values.push_back(at(n * step));
  return values;
}

std::vector<double> whole_ticks(double high, int wanted) {
  std::vector<double> values = round_ticks(0, high, wanted);
  std::erase_if(values, [](double value) { return value != std::floor(value); });
  return values;
}

std::string svg_number(double value) {
  std::string text = fmt::format("{:.2f}", std::isfinite(value) ? value : 0.0);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

Svg::Svg(double width, double height, std::string description)
    : width_(width), height_(height), description_(std::move(description)) {}

void Svg::end(std::string_view name, std::string_view title) {
  if (title.empty()) {
    body_ += "/>\n";
  } else {
    body_ += fmt::format("><title>{}</title></{}>\n", html_escape(title), name);
  }
}

void Svg::rect(double x, double y, double width, double height, std::string_view css,
               double opacity, std::string_view title) {
  body_ += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", css,
                       svg_number(x), svg_number(y), svg_number(width), svg_number(height));
  if (opacity != 1) body_ += fmt::format(" fill-opacity=\"{}\"", svg_number(opacity));
  end("rect", title);
}

void Svg::filled(double x, double y, double width, double height, const std::string& colour,
                 std::string_view title) {
  body_ += fmt::format("<rect fill=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", colour,
                       svg_number(x), svg_number(y), svg_number(width), svg_number(height));
  end("rect", title);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css,
               std::string_view title) {
  body_ += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", css,
                       svg_number(x1), svg_number(y1), svg_number(x2), svg_number(y2));
  end("line", title);
}

void Svg::arrow(double x1, double y1, double x2, double y2, std::string_view css,
                std::string_view title) {
  const double length = std::hypot(x2 - x1, y2 - y1);
  if (length < 1e-6) return;
  const double ux = (x2 - x1) / length, uy = (y2 - y1) / length;
  constexpr double kHead = 5, kHalf = 2.5;
  const double bx = x2 - ux * kHead, by = y2 - uy * kHead;
  body_ +=
      fmt::format("<path class=\"{}\" d=\"M{} {}L{} {}L{} {}L{} {}L{} {}\"", css, svg_number(x1),
                  svg_number(y1), svg_number(x2), svg_number(y2), svg_number(bx - uy * kHalf),
                  svg_number(by + ux * kHalf), svg_number(bx + uy * kHalf),
                  svg_number(by - ux * kHalf), svg_number(x2), svg_number(y2));
  end("path", title);
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view css,
                   std::string_view title) {
  if (points.empty()) return;
  body_ += fmt::format("<polyline class=\"{}\" points=\"{}\"", css, points_text(points));
  end("polyline", title);
}

void Svg::polygon(const std::vector<std::pair<double, double>>& points, std::string_view css,
                  double opacity) {
  body_ += fmt::format("<polygon class=\"{}\" fill-opacity=\"{}\" points=\"{}\"/>\n", css,
                       svg_number(opacity), points_text(points));
}

void Svg::circle(double x, double y, double radius, std::string_view css, std::string_view title) {
  body_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"", css, svg_number(x),
                       svg_number(y), svg_number(radius));
  end("circle", title);
}

void Svg::text(double x, double y, std::string_view words, std::string_view css,
               std::string_view anchor) {
  body_ += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", css,
                       svg_number(x), svg_number(y), anchor, html_escape(words));
}

void Svg::open(const std::string& attributes) { body_ += "<g " + attributes + ">\n"; }
void Svg::close() { body_ += "</g>\n"; }

std::string Svg::element(bool standalone) const {
  std::string text =
      fmt::format("<svg {}viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"",
                  standalone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", svg_number(width_),
                  svg_number(height_), html_escape(description_));
  if (standalone) {
    text += fmt::format(" width=\"{}\" height=\"{}\">\n<style>{}</style>\n", svg_number(width_),
                        svg_number(height_), kStyle);
    text += fmt::format("<rect class=\"ground\" width=\"{}\" height=\"{}\"/>\n", svg_number(width_),
                        svg_number(height_));
  } else {
    text += ">\n";
  }
  return text + body_ + "</svg>\n";
}

std::string Svg::inline_element() const { return element(false); }
std::string Svg::document() const {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + element(true);
}

}  // namespace popaug
