#include "cli/help.h"

#include <fmt/format.h>

#include <memory>
#include <sstream>

namespace popaug::cli {
namespace {

constexpr size_t kColumns = 98;  // the help of all verbs of a verb is indented by two
constexpr size_t kNameColumns = 28;
constexpr const char* kRare = ", rarely needed";

bool is_rare(const std::string& group) { return group.ends_with(kRare); }

// Words in lines of at most `columns`.
std::string wrapped(const std::string& text, size_t columns) {
  std::istringstream words(text);
  std::string lines, word;
  size_t used = 0;
  while (words >> word) {
    const bool fits = used > 0 && used + 1 + word.size() <= columns;
    if (used > 0) lines += fits ? " " : "\n";
    used = (fits ? used + 1 : 0) + word.size();
    lines += word;
  }
  return lines;
}

// At most one empty line in a row.
std::string without_gaps(std::string text) {
  for (size_t at = text.find("\n\n\n"); at != text.npos; at = text.find("\n\n\n", at)) {
    text.erase(at, 1);
  }
  return text;
}

}  // namespace

std::string rare_group(const std::string& group) { return group + kRare; }

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  shows_all_ = mode != CLI::AppFormatMode::Normal;
  std::string text = without_gaps(Formatter::make_help(app, std::move(name), mode));
  const size_t hidden =
      app->get_options([](const CLI::Option* option) { return is_rare(option->get_group()); })
          .size();
  if (hidden > 0 && !shows_all_) {
    const std::string more = fmt::format("{} more flags, rarely needed: popaug {} --help-all\n\n",
                                         hidden, app->get_name());
    const size_t footer = text.find("Examples:");
    text.insert(footer == text.npos ? text.size() : footer, more);
  }
  return text;
}

std::string HelpFormatter::make_group(std::string group, bool positional,
                                      std::vector<const CLI::Option*> options) const {
  if (is_rare(group) && !shows_all_) return "";
  return Formatter::make_group(std::move(group), positional, std::move(options));
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrapped(option->get_description(), kColumns - kNameColumns);
}

std::string HelpFormatter::make_subcommand(const CLI::App* verb) const {
  std::ostringstream line;
  CLI::detail::format_help(line, verb->get_name(),
                           wrapped(verb->get_description(), kColumns - kNameColumns), kNameColumns);
  return line.str();
}

void set_help(CLI::App& program) {
  const auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(kNameColumns);
  program.formatter(formatter);
  program.set_help_flag("-h,--help", "Print the help of the flags that most people need");
  program.set_help_all_flag("--help-all", "Print the help of all flags");
}

}  // namespace popaug::cli
