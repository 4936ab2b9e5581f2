// What `popaug augment` does to one image.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "cli/augment_flags.h"
#include "popaug/data/data.h"

namespace popaug::cli {
namespace {

// Augmenters by image size and colour: a folder may hold many sizes. Made when first met.
class AugmentersBySize {
 public:
  AugmentersBySize(Schedule schedule, int epoch) : schedule_(std::move(schedule)), epoch_(epoch) {}

  const Augmenter& get(int width, int height, bool grey) {
    const std::lock_guard lock(mutex_);
    auto& found = augmenters_[{width, height, grey}];
    if (found == nullptr) {
      // Pixels stay bytes here, so any normalisation does.
      const size_t channels = grey ? 1 : 3;
      const Normalisation none{std::vector<float>(channels, 0), std::vector<float>(channels, 1)};
      found = make_augmenter(schedule_, schedule_.segment_of(epoch_), none, width, height,
                             static_cast<int>(channels));
    }
    return *found;
  }

 private:
  Schedule schedule_;
  int epoch_;
  std::mutex mutex_;
  std::map<std::tuple<int, int, bool>, std::unique_ptr<Augmenter>> augmenters_;
};

double value_of(const AugmentFlags& flags, const FoundOp& found) {
  if (flags.has_value) return flags.value;
  if (!found.row->uses_value) return 0;
  if (flags.level < 0 || flags.level >= found.space.levels) {
    throw UsageError("--level " + std::to_string(flags.level) + ": space " +
                     quote(found.space.name) + " has levels 0.." +
                     std::to_string(found.space.levels - 1));
  }
  return found.op.values.at(flags.level);
}

Transform op_transform(const AugmentFlags& flags) {
  const FoundOp found = find_space_op(flags.op, flags.space);
  const bool negative = flags.sign == "-";
  if (negative && !found.op.is_signed) {
    throw UsageError("--sign -: " + flags.op + " has no sign in space " + quote(found.space.name));
  }
  if (!flags.has_value && found.row->uses_value && flags.level < 0) {
    throw UsageError("--op " + flags.op + " needs --level 0.." +
                     std::to_string(found.space.levels - 1) + " (or a --value)");
  }
  const double unscaled = value_of(flags, found);
  return [flags, found, negative, unscaled](const Image& image, bool grey, uint64_t sample) {
    double value = unscaled;
    if (!flags.has_value && found.row->uses_value) {
      value = flags.scale_pixels
                  ? op_value(found.op, flags.level, negative, image.width(), image.height())
                  : found.op.centre + (negative ? -unscaled : unscaled);
    }
    Random random =
        stream_of({.seed = static_cast<uint64_t>(flags.seed), .sample = sample}, Purpose::kOp);
    OpContext context{&random, found.space.fill == Fill::kHole, grey};
    Image result = image;
    apply_op(result, flags.op, value, context);
    return result;
  };
}

// A file of entries, read in the space of --space and drawn by the PBA rule; or an object that says
// space and rule itself.
Schedule policy_file(const AugmentFlags& flags) {
  const std::string origin = show_path(flags.policy);
  const Json json = read_json(flags.policy);
  Schedule schedule;
  schedule.name = flags.policy;
  Policy policy;
  if (json.is_object()) {
    JsonReader reader(json, origin);
    schedule.space = reader.has("space")
                         ? space_from_json(reader.object("space"), origin + ": space")
                         : load_space(flags.space.empty() ? "pba" : flags.space);
    if (reader.has("rule"))
      schedule.rule = rule_from_json(reader.object("rule"), origin + ": rule");
    if (reader.has("base"))
      schedule.base = base_from_json(reader.object("base"), origin + ": base");
    policy = policy_from_json(reader.array("policy"), schedule.space, origin);
    reader.finish();
  } else {
    schedule.space = load_space(flags.space.empty() ? "pba" : flags.space);
    policy = policy_from_json(json, schedule.space, origin);
  }
  check_policy(policy, schedule.rule, schedule.space, origin);
  schedule.segments = {Segment{.epochs = 1, .policy = policy}};
  return schedule;
}

// Nothing for --op.
Schedule named_schedule_of(const AugmentFlags& flags) {
  return flags.op.empty() ? named_schedule(flags) : Schedule();
}

Transform uncropped_transform(const AugmentFlags& flags, const Schedule& schedule) {
  if (!flags.op.empty()) return op_transform(flags);
  return schedule_transform(schedule, flags.epoch, static_cast<uint64_t>(flags.seed),
                            flags.no_base);
}

}  // namespace

FoundOp find_space_op(const std::string& op, const std::string& space) {
  const OpRow* row = find_op(op);
  if (row == nullptr) throw UsageError(unknown_op(op));
  std::vector<std::string> names = space_names();
  if (!space.empty()) names = {space};
  for (const std::string& name : names) {
    const Space found = load_space(name);
    for (const SpaceOp& candidate : found.ops) {
      if (candidate.op == op) return {found, candidate, row};
    }
  }
  if (!space.empty()) throw UsageError("op " + quote(op) + " is not in space " + quote(space));
  // An op of a plugin needs no space for --value.
  SpaceOp bare{op};
  bare.is_signed = row->mirrors;
  return {Space{.name = "of " + op, .levels = 1, .search_levels = 1, .ops = {bare}}, bare, row};
}

Schedule named_schedule(const AugmentFlags& flags) {
  if (!flags.policy.empty()) return policy_file(flags);
  if (!flags.schedule.empty()) return find_schedule(flags.schedule);
  return baseline_schedule(flags.augment);
}

Transform schedule_transform(const Schedule& schedule, int epoch, uint64_t seed, bool no_base) {
  Schedule used = schedule;
  if (no_base) {
    used.change_bases([](BaseTransforms& base) { base = {.scale_pixels = base.scale_pixels}; });
  }
  auto augmenters = std::make_shared<AugmentersBySize>(std::move(used), epoch);
  return [augmenters, epoch, seed](const Image& image, bool grey, uint64_t sample) {
    const Augmenter& augmenter = augmenters->get(image.width(), image.height(), grey);
    return augmenter.augment(
        image, {.seed = seed, .epoch = static_cast<uint32_t>(epoch), .sample = sample});
  };
}

Image read_image(const AugmentFlags& flags, const fs::path& path, DecodeInfo* info) {
  if (flags.size.empty()) return load_image(path, info);
  const Size size = parse_size(flags.size);
  Size enough = size;
  if (flags.resized_crop > 0) {
    const CropRange range{.least_area = flags.resized_crop};
    enough.width = enough.height = enough_for_crops(std::max(size.width, size.height), range);
  }
  const Image image = flags.scaled_decoding
                          ? load_image_scaled(path, enough.width, enough.height, info)
                          : load_image(path, info);
  return flags.resized_crop > 0 ? image
                                : fit_image(image, size.width, size.height, parse_fit(flags.fit));
}

Transform make_transform(const AugmentFlags& flags) {
  if (flags.resized_crop <= 0) return uncropped_transform(flags, named_schedule_of(flags));
  // The crop is taken from the image as read, before the rest sees it.
  Schedule schedule = named_schedule_of(flags);
  schedule.change_bases([](BaseTransforms& base) { base.use_resized_crop(0); });
  const Size size = flags.size.empty() ? Size() : parse_size(flags.size);
  return [flags, size, then = uncropped_transform(flags, schedule)](const Image& image, bool grey,
                                                                    uint64_t sample) {
    const int width = size.width > 0 ? size.width : image.width();
    const int height = size.height > 0 ? size.height : image.height();
    const SampleKey key{.seed = static_cast<uint64_t>(flags.seed),
                        .epoch = static_cast<uint32_t>(flags.epoch),
                        .sample = sample};
    const CropRange range{.least_area = flags.resized_crop};
    return then(random_resized_crop(image, width, height, range, key), grey, sample);
  };
}

}  // namespace popaug::cli
