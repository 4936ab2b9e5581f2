// Scalable pictures, written element by element. Private to room report.
//
// Elements have classes, not colours. A stand-alone document includes the style sheet below; the
// report and the live page have their own for the same classes. Strength is the opacity of one hue,
// so a picture is readable on light and dark backgrounds and on paper. There are no style
// attributes, because a strict content security policy allows none.
#ifndef POPAUG_REPORT_SVG_H_
#define POPAUG_REPORT_SVG_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace popaug {

// Text for HTML, SVG and attributes in double quotes: & < > " ' escaped, control characters and
// invalid UTF-8 replaced.
std::string html_escape(std::string_view text);

// Returns a colour for the i-th of several things ("#rrggbb"); neighbours differ.
std::string series_colour(size_t i);

class Svg {
 public:
  Svg(double width, double height, std::string description);

  // `title` is shown on hover and read aloud; empty: none. Text is escaped here. `opacity` is that
  // of the filling.
  void rect(double x, double y, double width, double height, std::string_view css,
            double opacity = 1, std::string_view title = {});
  void filled(double x, double y, double width, double height, const std::string& colour,
              std::string_view title = {});
  void line(double x1, double y1, double x2, double y2, std::string_view css,
            std::string_view title = {});
  void arrow(double x1, double y1, double x2, double y2, std::string_view css,
             std::string_view title = {});
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view css,
                std::string_view title = {});
  void polygon(const std::vector<std::pair<double, double>>& points, std::string_view css,
               double opacity = 1);
  void circle(double x, double y, double radius, std::string_view css, std::string_view title = {});
  // `anchor`: "start", "middle" or "end".
  void text(double x, double y, std::string_view words, std::string_view css = "label",
            std::string_view anchor = "start");
  // Opens and closes a group with attributes, written as they are.
  void open(const std::string& attributes);
  void close();

  double width() const { return width_; }
  double height() const { return height_; }
  // <svg ...>...</svg> for inside a page.
  std::string inline_element() const;
  // A whole document with its style sheet and a background.
  std::string document() const;

 private:
  std::string element(bool standalone) const;
  void end(std::string_view name, std::string_view title);

  double width_, height_;
  std::string description_;
  std::string body_;
};

// Round numbers between `low` and `high` for an axis, about `wanted` of them: multiples of 1, 2 or
// 5 times a power of ten.
std::vector<double> round_ticks(double low, double high, int wanted);
// Whole numbers from 0 to `high`, for an axis of epochs.
std::vector<double> whole_ticks(double high, int wanted);

// A number for an attribute: at most two decimals.
std::string svg_number(double value);

}  // namespace popaug

#endif  // POPAUG_REPORT_SVG_H_
