#include "popaug/rundir/progress_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "popaug/base/base.h"

namespace popaug {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kSearchColumns =
    "round,member,epochs,score,best_score,copied_from,images_trained,images_evaluated";
constexpr std::string_view kTrainingColumns =
    "epoch,steps,lr,train_loss,validation_loss,validation_accuracy";

// A text from outside as one cell: quoted as RFC 4180 says, control characters as \xNN, and never
// taken for a formula by a spreadsheet.
std::string cell(std::string_view text) {
  std::string shown;
  if (!text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos) {
    shown += '\'';
  }
  bool quoted = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      continue;
    }
    quoted = quoted || c == ',' || c == '"';
    if (c == '"') shown += '"';
    shown += c;
  }
  if (!quoted) return shown;
  shown.insert(shown.begin(), '"');
  shown += '"';
  return shown;
}

double number_of(std::string_view field) {
  double value = 0;
  const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), value);
  return code == std::errc() && end == field.data() + field.size() ? value : kUnknown;
}

}  // namespace

void SearchProgressTable::add(SearchProgressRow row) { open_.push_back(std::move(row)); }

// The metrics of the first row that has any say which columns there are.
std::string SearchProgressTable::header() {
  std::string text(kSearchColumns);
  const auto sound = std::find_if(open_.begin(), open_.end(),
                                  [](const SearchProgressRow& r) { return r.score.has_value(); });
  for (const auto& [name, value] : (sound == open_.end() ? open_.begin() : sound)->metrics) {
    metrics_.push_back(name);
    text += "," + cell(name);
  }
  headed_ = true;
  return text + "\n";
}

void SearchProgressTable::end_round(std::span<const std::pair<int, int>> copies) {
  std::string text;
  if (!headed_ && !open_.empty()) text = header();
  for (const SearchProgressRow& r : open_) {
    if (r.score) best_ = best_ ? std::max(*best_, *r.score) : *r.score;
    const auto copy = std::find_if(copies.begin(), copies.end(),
                                   [&](const auto& pair) { return pair.first == r.member; });
    text += fmt::format("{},{},{},{},{},{},{},{}", r.round, r.member, r.epochs,
                        r.score ? number_text(*r.score) : "", best_ ? number_text(*best_) : "",
                        copy == copies.end() ? "" : std::to_string(copy->second), r.images_trained,
                        r.images_evaluated);
    for (const std::string& name : metrics_) {
      const auto found = r.metrics.find(name);
      text += "," + (found == r.metrics.end() ? "" : number_text(found->second));
    }
    text += "\n";
  }
  open_.clear();
  out_(text);
}

std::string training_progress_text(std::span<const TrainingEpoch> epochs) {
  std::string text(kTrainingColumns);
  text += '\n';
  int number = 0;
  for (const TrainingEpoch& epoch : epochs) {
    text += fmt::format("{},{},{},{},", ++number, epoch.steps, number_text(epoch.lr),
                        number_text(epoch.train_loss));
    if (epoch.validated) {
      text += number_text(epoch.validation_loss) + "," + number_text(epoch.validation_accuracy);
    } else {
      text += ",";
    }
    text += "\n";
  }
  return text;
}

std::vector<TrainingEpoch> read_training_progress(std::string_view text) {
  const std::vector<std::string> lines = split(text, '\n');
  if (lines.empty() || trim(lines[0]) != kTrainingColumns) {
    throw Error("its columns are not those of a training");
  }
  const size_t columns = split(kTrainingColumns, ',').size();
  std::vector<TrainingEpoch> epochs;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = split(trim(lines[i]), ',');
    if (fields.size() != columns) continue;  // the end, or a torn line
    TrainingEpoch epoch;
    const double steps = number_of(fields[1]);
    epoch.steps = steps >= 0 && steps < 1e18 ? static_cast<int64_t>(steps) : 0;
    epoch.lr = number_of(fields[2]);
    epoch.train_loss = number_of(fields[3]);
    epoch.validated = !fields[5].empty();
    epoch.validation_loss = number_of(fields[4]);
    epoch.validation_accuracy = number_of(fields[5]);
    epochs.push_back(epoch);
  }
  return epochs;
}

}  // namespace popaug
