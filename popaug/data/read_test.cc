#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "popaug/data/data.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image flat(int width, int height, uint8_t r, uint8_t g, uint8_t b) {
  Image image(width, height);
  for (uint8_t* p = image.data(); p != image.data() + image.size_bytes(); p += 4) {
    p[0] = r;
    p[1] = g;
    p[2] = b;
  }
  return image;
}

void put(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void put(const fs::path& path, const Image& image) { put(path, encode_png(image)); }

class Folder : public ::testing::Test {
 protected:
  const fs::path& root() const { return folder_.path(); }
  std::string read_error(const ReadOptions& options = {}) const {
    return message_of([&] { read_dataset(root(), options); });
  }
  void put_small_set() const {
    for (const char* split : {"train", "test"}) {
      for (const char* label : {"cat", "dog"}) {
        for (int i = 0; i < 3; ++i) {
          put(root() / split / label / (std::to_string(i) + ".png"),
              flat(4, 2, static_cast<uint8_t>(10 * i), *label == 'c' ? 1 : 2, *split == 't'));
        }
      }
    }
  }
  TemporaryFolder folder_;
};

TEST_F(Folder, SplitsAndClassesComeFromTheNames) {
  put_small_set();
  const Dataset data = read_dataset(root());
  EXPECT_EQ(data.kind, "folder");
  EXPECT_THAT(data.classes, ElementsAre("cat", "dog"));
  ASSERT_EQ(data.splits.size(), 2u);
  EXPECT_EQ(data.splits[0].name, "train");
  EXPECT_EQ(data.find("val"), nullptr);
  const ImageSet& test = *data.find("test");
  EXPECT_EQ(test.width, 4);
  EXPECT_EQ(test.height, 2);
  EXPECT_EQ(test.channels, 3);
  EXPECT_THAT(test.labels, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_EQ(test.pixels[5 * test.image_bytes()], 20);
  EXPECT_EQ(test.pixels[5 * test.image_bytes() + 1], 2);
}

TEST_F(Folder, PlainClassesAreOneTrainingSplit) {
  put(root() / "a" / "deep" / "x.png", flat(3, 3, 1, 2, 3));
  put(root() / "train" / "y.png", flat(3, 3, 4, 5, 6));
  EXPECT_THAT(read_error(), HasSubstr("name it in a file classes.txt"));
  put(root() / "classes.txt", std::string_view("a\ntrain\n"));  // a class of that name
  const Dataset data = read_dataset(root());
  EXPECT_THAT(data.classes, ElementsAre("a", "train"));
  ASSERT_EQ(data.splits.size(), 1u);
  EXPECT_EQ(data.splits[0].name, "train");
  EXPECT_EQ(data.splits[0].count(), 2u);
}

TEST_F(Folder, UnequalSizesNeedASize) {
  put(root() / "a" / "x.png", flat(3, 3, 1, 2, 3));
  put(root() / "b" / "y.png", flat(5, 4, 4, 5, 6));
  EXPECT_THAT(read_error(), HasSubstr("y.png is 5x4 pixels, but"));
  EXPECT_THAT(read_error(), HasSubstr("setting \"size\""));
  const Dataset data = read_dataset(root(), {.width = 6, .height = 2});
  EXPECT_EQ(data.splits[0].image_bytes(), 36u);
  EXPECT_EQ(data.splits[0].pixels[36], 4);
}

TEST_F(Folder, BrokenFilesAreNamed) {
  put_small_set();
  const std::string whole = encode_png(flat(4, 2, 1, 1, 1));
  put(root() / "train" / "cat" / "broken.png", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(read_error(), HasSubstr("train/cat/broken.png: the PNG data is broken or cut short"));
  put(root() / "train" / "cat" / "broken.png", "");
  EXPECT_THAT(read_error(), HasSubstr("train/cat/broken.png: the file is empty"));
  fs::remove(root() / "train" / "cat" / "broken.png");
  fs::create_directories(root() / "train" / "cat" / "x.jpg");
  EXPECT_THAT(read_error(), HasSubstr("x.jpg is a folder, although it is named as an image"));
}

TEST_F(Folder, LinksAreFollowedButNoLoops) {
  put_small_set();
  fs::create_directory_symlink(root() / "train" / "cat", root() / "train" / "lynx");
  EXPECT_EQ(read_dataset(root()).find("train")->count(), 9u);
  fs::create_directory_symlink("..", root() / "train" / "cat" / "loop");
  EXPECT_THAT(read_error(), HasSubstr("the link leads back to a folder that contains it"));
  fs::remove(root() / "train" / "cat" / "loop");
  fs::create_symlink("nowhere", root() / "train" / "cat" / "gone.png");
  EXPECT_THAT(read_error(), HasSubstr("gone.png: cannot be read"));
}

TEST_F(Folder, NamesMayBeAnything) {
  const std::string odd[] = {"a b", "quote\"'", "new\nline", "\xFF\xFE", "ende "};
  for (const std::string& name : odd) {
    put(root() / name / (name + ".png"), flat(2, 2, 9, 9, 9));
  }
  const Dataset data = read_dataset(root());
  // What no table or JSON file can hold is written as escapes.
  EXPECT_THAT(data.classes, ::testing::UnorderedElementsAre("a b", "quote\"'", "new\\nline",
                                                            "\\xff\\xfe", "ende "));
}

TEST_F(Folder, NothingToReadIsSaid) {
  EXPECT_THAT(read_error(), HasSubstr("has no images. Expected CLASS/"));
  EXPECT_THAT(message_of([&] { read_dataset(root() / "missing"); }),
              HasSubstr("missing does not exist"));
  put(root() / "stray.png", flat(2, 2, 9, 9, 9));
  EXPECT_THAT(read_error(), HasSubstr("1 image, not in class folders"));
  put(root() / "a" / "x.png", flat(2, 2, 9, 9, 9));
  EXPECT_THAT(read_error(), HasSubstr("is beside the class folders and has no class"));
}

TEST_F(Folder, MoreThanTheMemoryLimitMustBePacked) {
  put_small_set();
  EXPECT_THAT(read_error({.memory_limit = 12 * 24 - 1}), HasSubstr("popaug data convert --data"));
  EXPECT_NO_THROW(read_dataset(root(), {.memory_limit = 12 * 24}));
}

TEST_F(Folder, TheNumberOfThreadsChangesNothing) {
  put_small_set();
  const std::string one = fingerprint(read_dataset(root(), {.threads = 1}));
  EXPECT_EQ(one, fingerprint(read_dataset(root(), {.threads = 5})));
  put(root() / "test" / "dog" / "2.png", flat(4, 2, 1, 1, 1));
  EXPECT_NE(one, fingerprint(read_dataset(root())));
}

// Images for crops: the same pixels as ever, and the same images larger, but of the test split.
TEST_F(Folder, DetailIsTheSameImagesLarger) {
  for (const char* split : {"train", "test"}) {
    for (int i = 0; i < 4; ++i) {
      Image image(20 + i, 30);
      for (size_t b = 0; b < image.size_bytes(); ++b) {
        image.data()[b] = b % 4 == 3 ? 255 : static_cast<uint8_t>(b * (7 + i));
      }
      put(root() / split / (i % 2 == 0 ? "a" : "b") / (std::to_string(i) + ".png"), image);
    }
  }
  ReadOptions options{.width = 8, .height = 6, .fit = Fit::kCrop};
  const Dataset plain = read_dataset(root(), options);
  EXPECT_TRUE(plain.find("train")->detail.empty());
  options.detail = 1.5;
  const Dataset data = read_dataset(root(), options);
  EXPECT_EQ(fingerprint(data), fingerprint(plain));
  const ImageSet& train = *data.find("train");
  EXPECT_EQ(train.detail_width, 12);
  EXPECT_EQ(train.detail_height, 9);
  const Dataset larger = read_dataset(root(), {.width = 12, .height = 9, .fit = Fit::kCrop});
  EXPECT_TRUE(std::ranges::equal(train.detail, larger.find("train")->pixels));
  EXPECT_TRUE(data.find("test")->detail.empty());
  // Less where it would take too much memory, and nothing where that is hardly larger.
  options.detail_limit = static_cast<uint64_t>(8 * 8 * 6 * 3 * 1.25 * 1.25);
  EXPECT_EQ(read_dataset(root(), options).find("train")->detail_width, 10);
  options.detail_limit = 8 * 8 * 6 * 3;
  EXPECT_TRUE(read_dataset(root(), options).find("train")->detail.empty());
}

TEST_F(Folder, ASplitIsKnownAgainInAPackedFile) {
  put_small_set();
  put(root() / "test" / "dog" / "2.png", flat(4, 2, 1, 1, 1));  // else both splits look alike
  TemporaryFolder elsewhere;
  const fs::path packed = elsewhere.path() / "set.popaug";
  pack_dataset(root(), packed, {}, silent_progress(), {});
  const Dataset held = read_dataset(root()), mapped = read_dataset(packed);
  EXPECT_TRUE(held.find("train")->digests.empty());
  EXPECT_FALSE(mapped.find("train")->digests.empty());
  EXPECT_EQ(fingerprint(*held.find("train")), fingerprint(*mapped.find("train")));
  EXPECT_NE(fingerprint(*held.find("train")), fingerprint(*held.find("test")));
}

TEST(Statistics, AreThePopulationsOnTheUnitScale) {
  ImageSet split;
  split.width = 2;
  split.height = 1;
  split.channels = 3;
  const std::vector<uint8_t> pixels = {0, 255, 7, 255, 255, 7, 0, 0, 0, 0, 0, 0};
  split.pixels = pixels;
  split.labels = {0, 0};
  const ChannelStatistics first = channel_statistics(split, std::vector<uint32_t>{0});
  EXPECT_THAT(first.mean, ElementsAre(0.5, 1.0, 7.0 / 255));
  EXPECT_THAT(first.std, ElementsAre(0.5, 0.0, 0.0));
  const ChannelStatistics both = channel_statistics(split, std::vector<uint32_t>{0, 1});
  EXPECT_DOUBLE_EQ(both.mean[0], 0.25);
  EXPECT_DOUBLE_EQ(both.std[0], std::sqrt(3.0) / 4);
}

TEST(Idx, FashionMnistIsReadWhole) {
  const Dataset data = read_dataset("/usr/share/datasets/fashion-mnist");
  EXPECT_EQ(data.kind, "idx");
  ASSERT_NE(data.find("train"), nullptr);
  EXPECT_EQ(data.find("train")->count(), 60000u);
  EXPECT_EQ(data.find("test")->count(), 10000u);
  EXPECT_EQ(data.classes[9], "Ankle boot");
  EXPECT_EQ(data.find("train")->labels[0], 9u);
}

}  // namespace
}  // namespace popaug
