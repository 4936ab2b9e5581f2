// The cells of an audit: ops at levels, and images with them applied.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "popaug/compare/arms.h"
#include "popaug/compare/audit.h"

namespace popaug {
namespace {

// The searched levels that are tested: evenly spread up to the highest. The lowest is included if
// the op changes something there.
std::set<int> tested_levels(const SpaceOp& op, const Space& space, int levels) {
  const int top = space.search_levels - 1;
  const OpRow* row = find_op(op.op);
  const double first = op.centre + op.values.front();
  const bool mild_start = row == nullptr ||
                          (row->has_identity ? first == row->identity : first == row->high) ||
                          row->unit == "bits";
  const int steps = mild_start ? levels : std::max(3, levels);
  std::set<int> tested;
  for (int i = mild_start ? 1 : 0; i <= steps; ++i) {
    const int level = static_cast<int>(std::lround(static_cast<double>(i) * top / steps));
    if (!is_identity(op, level)) tested.insert(level);
  }
  return tested;
}

}  // namespace

std::string AuditCell::name() const {
  return op.values.empty() ? op.op : op.op + " " + std::to_string(level);
}

std::vector<AuditCell> audit_cells(const Space& space, int levels) {
  std::vector<AuditCell> cells;
  for (const SpaceOp& op : space.ops) {
    if (op.values.empty()) {
      if (is_identity(op, 0)) continue;
      cells.push_back({op, 0, true});
      continue;
    }
    for (const int level : tested_levels(op, space, levels)) cells.push_back({op, level, true});
  }
  for (const char* flip : {"FlipLR", "FlipUD"}) {
    const std::vector<std::string> names = space.op_names();
    if (std::find(names.begin(), names.end(), flip) == names.end()) {
      cells.push_back({SpaceOp{flip}, 0, false});
    }
  }
  return cells;
}

std::vector<AuditCell> recipe_cells(const std::vector<std::string>& recipes, int epochs) {
  std::vector<AuditCell> cells;
  for (const std::string& name : expand_arms(recipes)) {
    const Arm arm = make_arm(name, {});
    if (arm.screened || arm.tuned || arm.epochs > 0 || arm.family != ArmFamily::kFree) {
      throw UsageError("setting \"recipe\": " + quote(name) +
                       " cannot be audited; expected free arms without @EPOCHS");
    }
    const auto same = [&](const AuditCell& cell) { return cell.op.op == name; };
    if (std::any_of(cells.begin(), cells.end(), same)) {
      throw UsageError("setting \"recipe\": " + quote(name) + " is listed twice");
    }
    Schedule schedule = arm_schedule(arm, {}, epochs, 0);
    if (schedule.mixes()) {
      throw UsageError("setting \"recipe\": " + quote(name) +
                       " mixes images, and a mixed image has no label to be judged by; audit it "
                       "without, and compare it with 'popaug compare'");
    }
    cells.push_back({SpaceOp{name}, 0, false, std::move(schedule)});
  }
  for (const char* flip : {"FlipLR", "FlipUD"}) cells.push_back({SpaceOp{flip}, 0, false});
  return cells;
}

Normalisation mean_for_holes(const ImageSet& images, const std::vector<uint32_t>& indices) {
  const ChannelStatistics statistics = channel_statistics(images, indices);
  Normalisation holes;
  holes.mean.assign(statistics.mean.begin(), statistics.mean.end());
  holes.std.assign(static_cast<size_t>(images.channels), 1.0f);
  return holes;
}

ImageSet augmented_images(const AuditCell& cell, const AuditSettings& settings,
                          const ImageSet& images, const std::vector<uint32_t>& indices) {
  const int signs = cell.op.is_signed ? 2 : 1;
  auto pixels =
      std::make_shared<std::vector<uint8_t>>(signs * indices.size() * images.image_bytes());
  ImageSet split;
  split.name = cell.name();
  split.width = images.width;
  split.height = images.height;
  split.channels = images.channels;
  split.pixels = *pixels;
  split.storage = pixels;
  const Normalisation holes = mean_for_holes(images, indices);
  const ptrdiff_t channels = images.channels, row = channels * images.width;
  const auto apply = [&](const Schedule& schedule, int sign) {
    const auto augmenter =
        make_augmenter(schedule, 0, holes, images.width, images.height, images.channels);
    uint8_t* out = pixels->data() + sign * indices.size() * images.image_bytes();
    augmenter->run(
        {images.pixels.data(), images.width, images.height, images.channels, images.image_bytes()},
        indices, {.seed = settings.seeds.front(), .stream = 0, .epoch = 0, .sample = 0},
        ByteOutput{out, static_cast<ptrdiff_t>(images.image_bytes()), 1, row, channels});
    for (const uint32_t index : indices) split.labels.push_back(images.labels[index]);
  };
  if (cell.recipe) {
    apply(*cell.recipe, 0);
    return split;
  }
  Schedule always;
  always.rule = {.kind = RuleKind::kPba, .count_weights = {0, 1}};
  always.segments = {{1, {{{.op = 0, .probability = 1, .level = 0}}}}};
  for (int sign = 0; sign < signs; ++sign) {
    Space space{.name = "audit", .levels = 1, .search_levels = 1, .fill = settings.space.fill};
    SpaceOp fixed{cell.op.op};
    if (!cell.op.values.empty()) {
      fixed.values = {op_value(cell.op, cell.level, sign == 1, images.width, images.height,
                               settings.scale_pixels)};
    }
    space.ops.push_back(fixed);
    always.space = std::move(space);
    apply(always, sign);
  }
  return split;
}

}  // namespace popaug
