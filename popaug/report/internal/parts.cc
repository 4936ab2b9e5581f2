#include "popaug/report/internal/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/report/html.h"
#include "popaug/report/mixed_pairs.h"
#include "popaug/report/picture.h"

namespace popaug {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[word >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

// Writes JSON for the inside of <script>: nothing in it may end the element early.
std::string script_json(const Json& json) {
  std::string text = json_line(json);
  size_t at = 0;
  while ((at = text.find('<', at)) != std::string::npos) text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace

Json no_figures() { return {{"scores", Json::array()}, {"rounds_done", 0}}; }

std::string whole_page(const std::string& name, const std::string& main, const Json& json) {
  const std::string figures = script_json(json);
  // Only scripts with the nonce of this page run. The nonce follows from the content, so the same
  // run gives the same bytes.
  const std::string nonce = hash_hex(main + figures);
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'nonce-{}'; script-src 'nonce-{}'; img-src data:; base-uri 'none'; form-action 'none'\">\n",
      nonce, nonce);
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
          html_escape(name) + ": popaug report</title>\n";
  page += fmt::format("<style nonce=\"{}\">\n{}</style>\n</head>\n", nonce, page_style());
  page += "<body>\n<header><h1>" + html_escape(name) +
          "</h1><nav aria-label=\"Parts\"></nav></header>\n<main>\n" + main + "</main>\n";
  page += fmt::format("<script type=\"application/json\" id=\"figures\" nonce=\"{}\">{}</script>\n",
                      nonce, figures);
  if (!d3_script().empty()) {
    page += fmt::format("<script nonce=\"{}\">{}</script>\n", nonce, d3_script());
  }
  page +=
      fmt::format("<script nonce=\"{}\">\n{}</script>\n</body>\n</html>\n", nonce, report_script());
  return page;
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return fmt::format(
      "<section id=\"{}\" aria-labelledby=\"{}-title\">\n<h2 id=\"{}-title\">{}</h2>\n"
      "{}</section>\n",
      id, id, id, html_escape(title), body);
}

std::string figure(const std::string& id, const Svg& chart, const std::string& caption) {
  // Wide charts scroll inside their frame on a narrow screen; the frame takes the keyboard.
  return fmt::format(
      "<figure id=\"{}\"><div class=\"scroll\" tabindex=\"0\" role=\"group\" "
      "aria-label=\"{}\">{}</div><figcaption>{}</figcaption></figure>\n",
      id, html_escape(caption), chart.inline_element(), html_escape(caption));
}

// Cells are escaped here; the first column names the row.
std::string table(const std::vector<std::string>& head, const Rows& rows) {
  std::string text = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& cell : head) {
    text += "<th scope=\"col\">" + html_escape(cell) + "</th>";
  }
  text += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      text += (i == 0 ? "<th scope=\"row\">" : "<td>") + html_escape(row[i]) +
              (i == 0 ? "</th>" : "</td>");
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

std::string count_text(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} thousand million", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.2f} million", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.0f} thousand", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::optional<double> finite_number(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number() || !std::isfinite(at->get<double>())) return {};
  return at->get<double>();
}

std::string text_or_dash(const Json& object, const char* key) {
  const auto at = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || at == object.end() || at->is_null()) return "–";
  if (at->is_string()) return at->get<std::string>();
  if (at->is_number_float()) return fmt::format("{:.4g}", at->get<double>());
  return json_line(*at);
}

void flattened_rows(const Json& object, const std::string& prefix, Rows& rows) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flattened_rows(value, name, rows);
    } else {
      rows.push_back(
          {name, value.is_string() ? value.get<std::string>() : json_line(value).substr(0, 200)});
    }
  }
}

std::string config_part(const std::string& config) {
  if (config.empty()) return "";
  return "<details><summary>config.toml</summary><pre tabindex=\"0\">" + html_escape(config) +
         "</pre></details>\n";
}

namespace {

std::string png(const std::string& bytes, const std::string& words) {
  return "<img class=\"sample\" alt=\"" + html_escape(words) + "\" src=\"data:image/png;base64," +
         base64(bytes) + "\">";
}

std::string stages_table(const Samples& samples) {
  std::string body =
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"samples\"><thead><tr><th "
      "scope=\"col\">class</th><th scope=\"col\">original</th>";
  for (const int moment : samples.moments) {
    body += fmt::format("<th scope=\"col\">epoch {}</th>", moment);
  }
  body += "</tr></thead><tbody>\n";
  for (const AugmentedRow& row : samples.rows) {
    body += "<tr><th scope=\"row\">" + html_escape(row.label) + "</th><td>" +
            png(row.original, row.label) + "</td>";
    for (const std::string& stage : row.stages) {
      body += "<td>" + png(stage, row.label + ", augmented") + "</td>";
    }
    body += "</tr>\n";
  }
  return body + "</tbody></table></div>\n";
}

// Nothing if no image is mixed.
std::string mixed_table(const Samples& samples) {
  if (samples.mixed.empty()) return "";
  std::string body =
      fmt::format(
          "<p>Images are mixed with each other. A mixed image has two labels, by their "
          "shares. In epoch {}:</p>\n",
          samples.mixed_epoch) +
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"samples\"><thead><tr><th "
      "scope=\"col\">image</th><th scope=\"col\">mixed with</th><th scope=\"col\">becomes</th>"
      "<th scope=\"col\">labels</th></tr></thead><tbody>\n";
  for (const MixedRow& row : samples.mixed) {
    body += "<tr><td>" + png(row.own, row.label) + "</td><td>" + png(row.other, row.other_label) +
            "</td><td>" + png(row.mixed, "mixed") + "</td><td>" + html_escape(mixed_labels(row)) +
            "</td></tr>\n";
  }
  return body + "</tbody></table></div>\n";
}

// How the values of levels differ between segments, as a sentence before its full stop; "" if they
// do not differ.
std::string values_sentence(const Schedule& schedule) {
  const std::string values = value_words(schedule);
  return values.empty() ? "" : "The highest level has a different value in each segment: " + values;
}

}  // namespace

std::string samples_section(const Samples& samples) {
  if (samples.rows.empty()) return "";
  return section("images", "Your images under the schedule",
                 stages_table(samples) +
                     "<p>Holes (uncovered pixels) are transparent: in training they are the mean "
                     "colour.</p>\n" +
                     mixed_table(samples));
}

std::string markdown_escape(std::string text) {
  for (char& c : text) {
    if (c == '|' || c == '\n' || c == '\r' || c == '<' || c == '`') c = ' ';
  }
  return text;
}

std::string verdict_markdown(const Json& compare) {
  if (!compare.is_object()) return "";
  const Json verdict = compare.value("verdict", Json());
  return verdict.is_string() ? markdown_escape(verdict.get<std::string>()) + ".\n\n" : "";
}

std::string around_the_ops(const Schedule& schedule) {
  std::string text =
      "<p>Base transforms, around the ops: " + html_escape(base_words(schedule)) + ".</p>\n";
  if (const std::string values = values_sentence(schedule); !values.empty()) {
    text += "<p>" + html_escape(values) + ".</p>\n";
  }
  return text;
}

std::string schedule_markdown(const Schedule& schedule) {
  std::string text = "\nBase transforms: " + base_words(schedule) + "\n";
  if (const std::string values = values_sentence(schedule); !values.empty()) {
    text += "\n" + values + "\n";
  }
  text += "\n| op | probability | level | ops per image |\n|---|---|---|---|\n";
  const auto mean = summarise_over_time(schedule);
  for (size_t op = 0; op < mean.size(); ++op) {
    text += fmt::format("| {} | {:.2f} | {:.1f} | {:.3f} |\n", schedule.space.ops[op].op,
                        mean[op].probability, mean[op].level, mean[op].applied);
  }
  text += "\n```\n" + terminal_picture(schedule, false, 100) + "```\n";
  return text;
}

}  // namespace popaug
