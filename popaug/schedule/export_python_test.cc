// The exported Python file against the library, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "popaug/schedule/schedule.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

const std::string kSource = std::getenv("POPAUG_SOURCE") ? std::getenv("POPAUG_SOURCE") : ".";
const std::string kPython =
    std::getenv("POPAUG_PYTHON") ? std::getenv("POPAUG_PYTHON") : kSource + "/.venv/bin/python";

struct Shape {
  int width, height;
  bool grey;
};

// Smooth areas, edges and noise, so that every op has something to change.
Image test_image(const Shape& shape, Random& random) {
  Image image(shape.width, shape.height);
  const bool noise = random.below(2) == 0;
  const int step = 1 + int(random.below(9)), base = int(random.below(256));
  for (int y = 0; y < shape.height; ++y) {
    for (int x = 0; x < shape.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value =
            noise ? int(random.below(256)) : base + step * (x + c * y) + (x > y ? 60 : 0);
        image.pixel(x, y)[c] = uint8_t(value);
      }
      if (shape.grey) image.pixel(x, y)[1] = image.pixel(x, y)[2] = image.pixel(x, y)[0];
    }
  }
  return image;
}

std::string bytes_of(const Image& image) {
  return {reinterpret_cast<const char*>(image.data()), image.size_bytes()};
}

// Draws of the library, as schedule_export_check.py reads them.
std::string draws_of(const Schedule& schedule, int count, bool square) {
  Random random({.seed = 9});
  std::string text;
  for (int i = 0; i < count; ++i) {
    const Shape shape = i % 10 == 9   ? Shape{23, square ? 23 : 37, false}
                        : i % 10 == 8 ? Shape{28, 28, true}
                                      : Shape{32, 32, false};
    const SampleKey key{random.next64(), random.below(1 << 24),
                        random.below(uint32_t(schedule.epochs()) + 3), random.next64() >> 24};
    const int channels = shape.grey ? 1 : 3;
    const Normalisation plain{std::vector<float>(size_t(channels), 0.0f),
                              std::vector<float>(size_t(channels), 1.0f)};
    const auto augmenter = make_augmenter(schedule, schedule.segment_of(int(key.epoch)), plain,
                                          shape.width, shape.height, channels);
    const Image image = test_image(shape, random);
    text += json_line({{"seed", key.seed},
                       {"stream", key.stream},
                       {"epoch", key.epoch},
                       {"sample", key.sample},
                       {"width", shape.width},
                       {"height", shape.height},
                       {"grey", shape.grey}}) +
            "\n" + bytes_of(image) + bytes_of(augmenter->augment(image, key));
  }
  return text;
}

int check(const Schedule& schedule, int count, bool spoil = false) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "exported.py", export_python(schedule));
  std::string draws = draws_of(schedule, count, schedule.base.turn > 0);
  if (spoil) draws.back() = char(draws.back() ^ 1);
  write_file_atomic(folder.path() / "draws.bin", draws);
  const std::string command = kPython + " " + kSource + "/tests/schedule_export_check.py " +
                              (folder.path() / "exported.py").string() + " " +
                              (folder.path() / "draws.bin").string();
  return std::system(command.c_str());
}

// 10,000 draws in all.
TEST(SchedulePythonExport, PublishedCifar10) {
  EXPECT_EQ(check(find_schedule("rcifar10-paper"), 3000), 0);
}
TEST(SchedulePythonExport, PublishedSvhnFlattened) {
  EXPECT_EQ(check(flatten(find_schedule("rsvhn-paper")), 2000), 0);
}
TEST(SchedulePythonExport, Trivial) { EXPECT_EQ(check(baseline_schedule("trivial"), 2000), 0); }
TEST(SchedulePythonExport, TrivialOfTheStandardRanges) {
  const Schedule standard = baseline_schedule("trivial-standard");
  EXPECT_EQ(standard.space, space_by_name("trivial-standard"));
  EXPECT_NE(standard.space, space_by_name("trivial"));
  EXPECT_EQ(check(standard, 500), 0);
}
TEST(SchedulePythonExport, RandAugment) {
  EXPECT_EQ(check(with_clean_tail(stretch(baseline_schedule("randaugment"), 10), 0.2), 1000), 0);
}
TEST(SchedulePythonExport, AutoAugment) {
  EXPECT_EQ(check(baseline_schedule("autoaugment-cifar10"), 1000), 0);
  EXPECT_EQ(check(baseline_schedule("autoaugment-svhn"), 500), 0);
}
// Values of an op that lies in no built-in space: small steps from the lowest on, then large ones.
std::vector<double> values_across(const OpRow& row, int levels) {
  std::vector<double> values;
  const int small = levels / 2;
  for (int level = 0; row.uses_value && level < levels; ++level) {
    const double share = double(level - small + 1) / (levels - small);
    values.push_back(level < small ? std::min(row.low + level, row.high)
                                   : std::round(row.low + share * (row.high - row.low)));
  }
  return values;
}

// Every built-in op that the published search does not have, too.
TEST(SchedulePythonExport, ExtraOpsAndPaperPixels) {
  Schedule schedule;
  schedule.space = space_by_name("pba");
  schedule.space.name = "extra";
  const std::vector<std::string> published = schedule.space.op_names();
  for (const OpRow& row : op_rows()) {
    if (row.origin != "built-in" || std::ranges::count(published, row.name) > 0) continue;
    SpaceOp op{row.name};
    op.values = values_across(row, schedule.space.levels);
    schedule.space.ops.push_back(op);
  }
  schedule.base = {.pad = 3, .flip = 0.3, .cutout = 7, .scale_pixels = false};
  schedule.rule.count_weights = {0, 0.2, 0.4, 0.4};
  Random random({.seed = 4});
  for (int epoch = 0; epoch < 5; ++epoch) {
    Segment segment{1, zero_policy(schedule.space)};
    for (PolicyEntry& entry : segment.policy.entries) {
      entry.probability = random.uniform();
      entry.level = int(random.below(11));
    }
    schedule.segments.push_back(segment);
  }
  schedule.provenance["note"] = "quotes \" and ' and \\ and \xc3\xa9 and \xf0\x9f\x8c\xb3";
  EXPECT_EQ(check(schedule, 500), 0);
}
TEST(SchedulePythonExport, SegmentsWithBaseTransformsAndValuesOfTheirOwn) {
  Schedule schedule = find_schedule("rcifar10-paper");
  schedule = stretch(schedule, 12);
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    const double share = double(i) / double(schedule.segments.size());
    if (i % 2 == 0) schedule.segments[i].base = {.pad = int(i), .flip = share, .vflip = 1 - share};
    if (i % 3 == 0) {
      schedule.segments[i].space =
          with_strengths(schedule.space, {.all = 1 - share, .colour = share});
    }
  }
  EXPECT_EQ(check(schedule, 1000), 0);
}
TEST(SchedulePythonExport, ResizedCrop) {
  Schedule schedule = baseline_schedule("trivial");
  schedule.base = {.flip = 0.5, .resized_crop = 0.08};
  EXPECT_EQ(check(schedule, 1000), 0);
  schedule.base = {.pad = 2, .cutout = 8, .resized_crop = 0.9};
  EXPECT_EQ(check(schedule, 300), 0);
}
TEST(SchedulePythonExport, Symmetries) {
  EXPECT_EQ(check(baseline_schedule("dihedral"), 300), 0);
  Schedule schedule = baseline_schedule("trivial");
  schedule.base = {.pad = 3, .flip = 0.3, .cutout = 7, .vflip = 0.6};
  EXPECT_EQ(check(schedule, 300), 0);
  schedule.base.turn = 0.5;
  EXPECT_EQ(check(schedule, 300), 0);
}
TEST(SchedulePythonExport, Erasing) {
  Schedule schedule = baseline_schedule("trivial");
  for (const EraseFill fill : {EraseFill::kHole, EraseFill::kMean, EraseFill::kNoise}) {
    schedule.base = {.pad = 3, .cutout = 5, .erase = 0.7, .erase_fill = fill};
    EXPECT_EQ(check(schedule, 200), 0);
  }
}
TEST(SchedulePythonExport, AlbumentationsMixesAndErasesNothing) {
  const auto refusal = [](const Schedule& schedule) {
    return message_of([&] { export_albumentations(schedule, nullptr); });
  };
  EXPECT_THAT(refusal(baseline_schedule("flipcrop+cutmix")),
              testing::HasSubstr("this schedule has CutMix, which the export to albumentations "
                                 "cannot express"));
  EXPECT_THAT(refusal(baseline_schedule("trivial+mixup")), testing::HasSubstr("has mixup"));
  Schedule erases = baseline_schedule("flipcrop");
  erases.base.erase = 0.5;
  EXPECT_THAT(refusal(erases),
              testing::HasSubstr("has random erasing, which the export to albumentations cannot"));
  EXPECT_EQ(check(baseline_schedule("trivial+cutmix"), 50), 0);  // the images before they are mixed
}
TEST(SchedulePythonExport, TheCheckSeesOneBit) {
  EXPECT_NE(check(baseline_schedule("flipcrop-cutout"), 5, true), 0);
  EXPECT_EQ(check(baseline_schedule("flipcrop-cutout"), 5), 0);
}

}  // namespace
}  // namespace popaug
