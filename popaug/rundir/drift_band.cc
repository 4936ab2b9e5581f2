#include "popaug/rundir/drift_band.h"

#include <algorithm>
#include <cmath>

namespace popaug {
namespace {

constexpr int64_t kMaxBandEpochs = 1 << 20;

Json curve_to_json(const BandCurve& curve) {
  return {{"mean", curve.mean}, {"low", curve.low}, {"high", curve.high}};
}

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

BandCurve curve_from_json(const Json& json, size_t count, const std::string& origin) {
  JsonReader reader(json, origin);
  BandCurve curve{numbers(reader, "mean", count), numbers(reader, "low", count),
                  numbers(reader, "high", count)};
  reader.finish();
  for (size_t i = 0; i < count; ++i) {
    if (!(curve.low[i] <= curve.high[i])) {
      reader.fail("low", "is above \"high\" at epoch " + std::to_string(i));
    }
  }
  return curve;
}

}  // namespace

std::optional<size_t> DriftBand::find(const std::string& op) const {
  const auto at = std::find(ops.begin(), ops.end(), op);
  if (at == ops.end()) return std::nullopt;
  return size_t(at - ops.begin());
}

size_t DriftBand::epoch_of(int epoch, int total) const {
  const int64_t mapped = (2 * int64_t{epoch} + 1) * epochs / (2 * int64_t{std::max(total, 1)});
  return size_t(std::clamp<int64_t>(mapped, 0, epochs - 1));
}

Json band_to_json(const DriftBand& band) {
  Json ops = Json::array();
  for (size_t op = 0; op < band.ops.size(); ++op) {
    ops.push_back({{"op", band.ops[op]},
                   {"probability", curve_to_json(band.probability[op])},
                   {"level", curve_to_json(band.level[op])}});
  }
  return {{"format", "popaug-band"},
          {"version", 1},
          {"lineages", band.lineages},
          {"epochs", band.epochs},
          {"mean_explores", band.mean_explores},
          {"quantiles", {0.025, 0.975}},
          {"ops", ops},
          {"search", band.search}};
}

void save_band(const DriftBand& band, const fs::path& path) {
  write_file_atomic(path, json_line(band_to_json(band)) + "\n");
}

DriftBand band_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  if (const std::string format = reader.text("format"); format != "popaug-band") {
    reader.fail("format", "expected \"popaug-band\", found " + quote(format));
  }
  if (const int64_t version = reader.integer("version", 0, INT64_MAX); version != 1) {
    reader.fail("version", "this program reads version 1 of drift bands, this one has version " +
                               std::to_string(version));
  }
  DriftBand band;
  band.epochs = int(reader.integer("epochs", 1, kMaxBandEpochs));
  band.lineages = int(reader.integer("lineages", 1, INT32_MAX));
  band.mean_explores = reader.number_or("mean_explores", 0, 1e9, 0);
  const Json& ops = reader.array("ops");
  for (size_t i = 0; i < ops.size(); ++i) {
    const std::string where = origin + ": ops[" + std::to_string(i) + "]";
    JsonReader op(ops[i], where);
    band.ops.push_back(op.text("op"));
    band.probability.push_back(
        curve_from_json(op.object("probability"), size_t(band.epochs), where + ".probability"));
    band.level.push_back(
        curve_from_json(op.object("level"), size_t(band.epochs), where + ".level"));
    op.finish();
  }
  if (reader.has("search")) band.search = reader.object("search");
  return band;
}

DriftBand load_band(const fs::path& path) {
  return band_from_json(read_json(path), show_path(path));
}

}  // namespace popaug
