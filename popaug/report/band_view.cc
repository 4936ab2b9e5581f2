#include "popaug/report/band_view.h"

#include <algorithm>

namespace popaug {
namespace {

constexpr int64_t kMaxBandEpochs = 1 << 20;

std::vector<double> numbers(JsonReader& reader, const std::string& key, size_t count) {
  const Json& list = reader.array(key);
  if (list.size() != count) {
    reader.fail(key, "expected " + std::to_string(count) + " numbers, one per epoch, found " +
                         std::to_string(list.size()));
  }
  std::vector<double> values;
  for (const Json& item : list) {
    if (!item.is_number()) reader.fail(key, "expected numbers");
    values.push_back(item.get<double>());
  }
  return values;
}

BandLines lines_from_json(const Json& json, size_t count, const std::string& origin) {
  JsonReader reader(json, origin);
  BandLines lines{numbers(reader, "mean", count), numbers(reader, "low", count),
                  numbers(reader, "high", count)};
  reader.finish();
  for (size_t i = 0; i < count; ++i) {
    if (!(lines.low[i] <= lines.high[i])) {
      reader.fail("low", "lies above \"high\" at epoch " + std::to_string(i));
    }
  }
  return lines;
}

}  // namespace

std::optional<size_t> BandView::find(const std::string& op) const {
  const auto at = std::find(ops.begin(), ops.end(), op);
  if (at == ops.end()) return std::nullopt;
  return size_t(at - ops.begin());
}

size_t BandView::epoch_of(int epoch, int total) const {
  const int64_t mapped = (2 * int64_t{epoch} + 1) * epochs / (2 * int64_t{std::max(total, 1)});
  return size_t(std::clamp<int64_t>(mapped, 0, epochs - 1));
}

BandView band_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  if (const std::string format = reader.text("format"); format != "popaug-band") {
    reader.fail("format", "expected \"popaug-band\", found " + quote(format));
  }
  if (const int64_t version = reader.integer("version", 0, INT64_MAX); version != 1) {
    reader.fail("version", "this program reads version 1 of drift bands, this one has version " +
                               std::to_string(version));
  }
  BandView band;
  band.epochs = int(reader.integer("epochs", 1, kMaxBandEpochs));
  band.lineages = int(reader.integer("lineages", 1, INT32_MAX));
  const Json& ops = reader.array("ops");
  for (size_t i = 0; i < ops.size(); ++i) {
    const std::string where = origin + ": ops[" + std::to_string(i) + "]";
    JsonReader op(ops[i], where);
    band.ops.push_back(op.text("op"));
    band.probability.push_back(
        lines_from_json(op.object("probability"), size_t(band.epochs), where + ".probability"));
    band.level.push_back(
        lines_from_json(op.object("level"), size_t(band.epochs), where + ".level"));
    op.finish();
  }
  return band;
}

BandView load_band_view(const fs::path& path) {
  return band_from_json(read_json(path), show_path(path));
}

std::vector<BandExit> leave_band(const Schedule& schedule, const BandView& band) {
  const auto segments = summarise_schedule(schedule);
  const int total = schedule.epochs();
  std::vector<BandExit> exits;
  for (size_t op = 0; op < schedule.space.ops.size(); ++op) {
    BandExit exit;
    exit.op = schedule.space.ops[op].op;
    const auto row = band.find(exit.op);
    exit.known = row.has_value();
    int epoch = 0;
    for (size_t s = 0; row && s < segments.size(); ++s) {
      for (const int end = epoch + schedule.segments[s].epochs; epoch < end; ++epoch) {
        const size_t at = band.epoch_of(epoch, total);
        const OpSummary& here = segments[s][op];
        const BandLines& p = band.probability[*row];
        const BandLines& l = band.level[*row];
        // Quantiles carry rounding; an exit is more than that.
        constexpr double kSlack = 1e-9;
        exit.probability_above += here.probability > p.high[at] + kSlack;
        exit.probability_below += here.probability < p.low[at] - kSlack;
        exit.level_above += here.level > l.high[at] + kSlack;
        exit.level_below += here.level < l.low[at] - kSlack;
      }
    }
    for (double* share :
         {&exit.probability_above, &exit.probability_below, &exit.level_above, &exit.level_below}) {
      *share /= total;
    }
    exits.push_back(exit);
  }
  return exits;
}

}  // namespace popaug
