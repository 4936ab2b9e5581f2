#include "popaug/experiment/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "popaug/compare/compare.h"
#include "popaug/experiment/images.h"
#include "popaug/experiment/training_library.h"
#include "popaug/rundir/rundir.h"

namespace popaug {
namespace {

constexpr int kBins = 15;

int64_t row_total(const std::vector<int64_t>& row) {
  return std::accumulate(row.begin(), row.end(), int64_t{0});
}

// The split that was asked for; without a name the test split, or the only one that there is.
const ImageSet& wanted_split(const Dataset& data, const std::string& asked) {
  if (asked.empty() && data.splits.size() == 1) return data.splits[0];
  const std::string name = asked.empty() ? "test" : asked;
  if (const ImageSet* split = data.find(name)) return *split;
  std::vector<std::string> names;
  for (const ImageSet& split : data.splits) names.push_back(split.name);
  throw UsageError(data.path + ": " + unknown_name("split", name, names));
}

ReadOptions read_options(const EvaluationRequest& request, const CheckpointInfo& info) {
  ReadOptions read;
  // Images take the size that the network was trained at.
  const Size size = request.size.empty() ? Size{info.width, info.height} : parse_size(request.size);
  read.width = size.width;
  read.height = size.height;
  read.scaled_decoding = request.scaled_decoding;
  read.allow_outside = request.allow_outside;
  read.keep_going = request.keep_going;
  read_as_network(info, request.fit, request.range, request.background, read);
  read.image_column = request.image_column;
  read.label_column = request.label_column;
  return read;
}

}  // namespace

EvaluatedNetwork evaluate_network(const EvaluationRequest& request, Progress& progress) {
  EvaluatedNetwork found;
  found.checkpoint = network_file(request.network);
  const TrainingApi& api = training();
  found.network = api.read_checkpoint_info(found.checkpoint);
  const Dataset data = read_dataset(request.data, read_options(request, found.network), progress);
  found.data = data.path;
  std::vector<std::string> notes = data.notes;
  const ImageSet split = fit_to_network(
      wanted_split(data, request.split), data.classes,
      {found.network.classes, found.network.channels, "the network " + show_path(found.checkpoint)},
      &notes);
  found.split = split.name;
  for (const std::string& note : notes) progress.line("note: " + note);
  found.evaluation = api.evaluate_checkpoint(found.checkpoint, {&split, all_of(split)},
                                             request.batch, request.device, progress);
  return found;
}

fs::path network_file(const std::string& name) {
  fs::path path = name;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  if (!fs::exists(path / "best.safetensors") && fs::exists(path / "choose.json")) {
    throw UsageError(show_path(path) +
                     " contains a screening, which keeps no network: train with " +
                     show_path(path / "best.schedule.json") + " first");
  }
  path /= "best.safetensors";
  refuse_special_file(path);
  return path;
}

void read_as_network(const CheckpointInfo& info, const std::string& fit, const std::string& range,
                     const std::string& background, ReadOptions& options) {
  apply_reading({fit.empty() ? info.fit : fit, range.empty() ? info.range : range,
                 background.empty() ? info.background : background},
                options);
  if (options.auto_range) {
    throw UsageError(name_setting("range") +
                     " auto: leave it out, or give the range of the training images, such as "
                     "500..2700");
  }
}

double calibration_error(const Evaluation& evaluation) {
  std::array<double, kBins> confidence{}, right{};
  std::array<int64_t, kBins> count{};
  for (size_t i = 0; i < evaluation.confidence.size(); ++i) {
    const double c = evaluation.confidence[i];
    const int bin = std::clamp(static_cast<int>(std::ceil(c * kBins)) - 1, 0, kBins - 1);
    confidence[bin] += c;
    right[bin] += evaluation.correct[i];
    ++count[bin];
  }
  double gap = 0;
  for (int b = 0; b < kBins; ++b) gap += std::abs(confidence[b] - right[b]);
  return evaluation.images > 0 ? gap / static_cast<double>(evaluation.images) : 0;
}

Json evaluation_json(const Evaluation& e, const std::vector<std::string>& classes) {
  const Interval interval = wilson(e.wrong, e.images);
  Json json = {{"images", e.images},
               {"wrong", e.wrong},
               {"error", 1 - e.accuracy()},
               {"error_low", interval.low},
               {"error_high", interval.high},
               {"accuracy", e.accuracy()},
               {"balanced_accuracy", e.balanced_accuracy()},
               {"loss", e.loss},
               {"calibration_error", calibration_error(e)},
               {"classes", Json::array()},
               {"confusion", e.confusion}};
  for (size_t c = 0; c < classes.size(); ++c) {
    const int64_t total = row_total(e.confusion[c]);
    const int64_t wrong = total - e.confusion[c][c];
    Json row = {{"class", classes[c]}, {"images", total}, {"wrong", wrong}};
    if (total > 0) {
      const Interval range = wilson(wrong, total);
      row["error"] = static_cast<double>(wrong) / static_cast<double>(total);
      row["error_low"] = range.low;
      row["error_high"] = range.high;
    }
    json["classes"].push_back(std::move(row));
  }
  return json;
}

}  // namespace popaug
