// The range of 16-bit samples and the colour under transparent pixels, as a user names them; and
// the range that the samples of a set have.
#include <charconv>
#include <cstdio>
#include <mutex>

#include "popaug/data/internal/source.h"

namespace popaug {
namespace {

constexpr int kFull = 65535;

bool whole(std::string_view digits, int& value) {
  const char* const end = digits.data() + digits.size();
  const auto [at, code] = std::from_chars(digits.data(), end, value);
  return code == std::errc() && at == end && !digits.empty();
}

}  // namespace

void parse_range(std::string_view text, ReadOptions& options) {
  options.auto_range = text == "auto";
  options.rules.low = 0;
  options.rules.high = kFull;
  if (text.empty() || text == "full" || text == "auto") return;
  const size_t dots = text.find("..");
  int low = 0, high = 0;
  if (dots == text.npos || !whole(text.substr(0, dots), low) ||
      !whole(text.substr(dots + 2), high) || low < 0 || high > kFull || low >= high) {
    throw UsageError(
        "setting \"range\": expected full, auto or LO..HI with 0 <= LO < HI <= 65535, found " +
        quote(text));
  }
  options.rules.low = low;
  options.rules.high = high;
}

std::array<uint8_t, 3> parse_background(std::string_view text) {
  if (text.empty() || text == "black") return {0, 0, 0};
  if (text == "white") return {255, 255, 255};
  if (text == "grey" || text == "gray") return {128, 128, 128};
  std::array<uint8_t, 3> colour{};
  bool good = text.size() == 7 && text[0] == '#';
  for (size_t c = 0; good && c < 3; ++c) {
    const char* const begin = text.data() + 1 + 2 * c;
    const auto [at, code] = std::from_chars(begin, begin + 2, colour[c], 16);
    good = code == std::errc() && at == begin + 2;
  }
  if (!good) {
    throw UsageError("setting \"background\": expected black, white, grey or #rrggbb, found " +
                     quote(text));
  }
  return colour;
}

ImageReading image_reading(const ReadOptions& options) {
  POPAUG_ASSERT(!options.auto_range);
  const DecodeRules& rules = options.rules;
  ImageReading reading;
  reading.fit = fit_name(options.width > 0 ? options.fit : Fit::kStretch);
  if (rules.low != 0 || rules.high != kFull) {
    reading.range = std::to_string(rules.low) + ".." + std::to_string(rules.high);
  }
  if (rules.background != std::array<uint8_t, 3>{0, 0, 0}) {
    char text[8];
    const auto& [red, green, blue] = rules.background;
    std::snprintf(text, sizeof text, "#%02x%02x%02x", red, green, blue);
    reading.background = text;
  }
  return reading;
}

void apply_reading(const ImageReading& reading, ReadOptions& options) {
  options.fit = parse_fit(reading.fit);
  parse_range(reading.range, options);
  options.rules.background = parse_background(reading.background);
}

namespace source {

void settle_range(Source& source, ReadOptions& options, Progress& progress) {
  if (!options.auto_range) return;
  options.auto_range = false;
  std::mutex mutex;
  int low = kFull, high = 0;
  size_t done = 0;
  const size_t total = source.count();
  for (const SourceSplit& split : source.splits) {
    if (split.files.empty()) continue;
    parallel_for(split.count(), options.threads > 0 ? options.threads : available_cores(),
                 [&](size_t i) {
                   DecodeInfo info;
                   try {
                     image_of(split, i, options, &info);
                   } catch (const Error&) {
                     return;  // said when the images themselves are read
                   }
                   const std::lock_guard lock(mutex);
                   low = std::min(low, info.sample_low);
                   high = std::max(high, info.sample_high);
                   ++done;
                   progress.update(static_cast<double>(done), static_cast<double>(total),
                                   std::to_string(done) + " images measured");
                 });
  }
  if (low >= high) return;
  options.rules.low = low;
  options.rules.high = high;
  const std::string range = std::to_string(low) + ".." + std::to_string(high);
  source.notes.push_back("the 16-bit samples are from " + std::to_string(low) + " to " +
                         std::to_string(high) +
                         ", which become 0 and 255, as by setting \"range\" " + range);
}

}  // namespace source
}  // namespace popaug
