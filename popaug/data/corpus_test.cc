// The seeds of the readers: each is read, and each cut short at any byte is refused. So no file
// that lost its end passes as a smaller set.
#include <gtest/gtest.h>

#include <cstdlib>

#include "popaug/data/internal/digest.h"
#include "popaug/data/internal/fuzz.h"

namespace popaug::source {
namespace {

std::vector<std::pair<std::string, std::string>> good_seeds(const std::string& room) {
  const char* root = std::getenv("POPAUG_SOURCE");
  std::vector<std::pair<std::string, std::string>> seeds;
  if (root == nullptr) return seeds;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "tests" / "corpus" / room)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("good-")) seeds.emplace_back(name, read_file(entry.path()));
  }
  return seeds;
}

// `images` counts what the reader makes of a seed. Of the cuts, those in `whole` may be read: they
// lose nothing but a last byte without meaning.
template <typename F>
void check_cuts(const std::string& room, F&& read, size_t without_meaning = 0) {
  const auto seeds = good_seeds(room);
  ASSERT_FALSE(seeds.empty()) << room;
  for (const auto& [name, bytes] : seeds) {
    EXPECT_NO_THROW(read(bytes)) << room << "/" << name;
    for (size_t size = 0; size + without_meaning < bytes.size(); ++size) {
      EXPECT_THROW(read(bytes.substr(0, size)), Error)
          << room << "/" << name << " cut to " << size << " of " << bytes.size();
    }
  }
}

// A cut is refused, or has lost no pixel: then it is noted.
TEST(Cut, Images) {
  for (const auto& [name, bytes] : good_seeds("image")) {
    const Image whole = decode_image(bytes, "x");
    size_t read = 0;
    for (size_t size = 0; size < bytes.size(); ++size) {
      DecodeInfo info;
      try {
        EXPECT_EQ(decode_image(bytes.substr(0, size), "x", &info), whole) << name << " " << size;
      } catch (const Error&) {
        continue;
      }
      EXPECT_FALSE(info.irregular.empty()) << name << " " << size;
      ++read;
    }
    constexpr size_t kEndMark = 12;  // of PNG, the longest
    EXPECT_LE(read, kEndMark) << name;
  }

  const auto read_any = [](const std::string& bytes) { decode_image(bytes, "x"); };
  for (const char* format : {"bmp", "gif", "pnm", "webp"}) check_cuts(format, read_any);
  check_cuts("tiff", read_any, 4);  // the place of the next image, after all else in some files
}

TEST(Cut, Idx) {
  for (const auto& [name, bytes] : good_seeds("idx")) {
    const auto [images, labels] = fuzz_pair(bytes);
    const auto read = [](const std::string& a, const std::string& b) {
      Memory memory = fuzz_memory();
      return parse_idx(a, b, "a", "b", "train", memory).count();
    };
    EXPECT_EQ(read(images, labels), 3u);
    for (size_t size = 0; size < images.size(); ++size) {
      EXPECT_THROW(read(images.substr(0, size), labels), Error) << name << " images " << size;
    }
    for (size_t size = 0; size < labels.size(); ++size) {
      EXPECT_THROW(read(images, labels.substr(0, size)), Error) << name << " labels " << size;
    }
  }
}

TEST(Cut, Cifar) {
  for (const auto& [name, bytes] : good_seeds("cifar")) {
    const size_t label_bytes = 1 + bytes[0] % 2;
    const std::string file = bytes.substr(1);
    const auto read = [&](const std::string& part) {
      Memory memory = fuzz_memory();
      return parse_cifar({part}, {"a"}, label_bytes, "train", memory).count();
    };
    const size_t record = label_bytes + 3072;
    EXPECT_EQ(read(file), file.size() / record);
    for (size_t size = 0; size < file.size(); ++size) {
      // A cut between records leaves a good, shorter batch; it is noted by its number of images.
      if (size > 0 && size % record == 0) continue;
      EXPECT_THROW(read(file.substr(0, size)), Error) << name << " " << size;
    }
  }
}

TEST(Cut, Pickle) {
  check_cuts("pickle", [](const std::string& bytes) {
    if (bytes.empty()) throw Error("empty");
    const bool ten = bytes[0] == 0;
    Memory memory = fuzz_memory();
    const SourceSplit split =
        parse_cifar_python({std::string_view(bytes).substr(1)}, {"x"},
                           ten ? "labels" : "fine_labels", ten ? 10 : 100, "train", memory);
    EXPECT_EQ(split.count(), ten ? 2u : 1u);
  });
}

TEST(Cut, Svhn) {
  check_cuts("svhn", [](const std::string& bytes) {
    Memory memory = fuzz_memory();
    EXPECT_EQ(parse_svhn(bytes, "x", "train", memory).count(), 3u);
  });
}

TEST(Cut, Npz) {
  check_cuts("npz", [](const std::string& bytes) {
    Memory memory = fuzz_memory();
    EXPECT_EQ(parse_npz(bytes, "x", memory).count(), 6u);
  });
}

TEST(Cut, Packed) {
  check_cuts("packed", [](const std::string& bytes) {
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    EXPECT_EQ(open_packed(copy, nullptr, "x").count(), 8u);
  });
}

TEST(Cut, Splits) {
  Dataset set;
  set.classes = {"a", "b"};
  const std::vector<uint8_t> pixels(8);
  ImageSet train;
  train.name = "train";
  train.width = train.height = train.channels = 1;
  train.labels = {0, 0, 0, 0, 1, 1, 1, 1};
  train.pixels = pixels;
  set.splits = {train};
  check_cuts(
      "train_val_split",
      [&](const std::string& bytes) {
        const TrainValSplit division = parse_split(bytes, "x", set);
        EXPECT_EQ(division.train.size(), 6u);
        EXPECT_EQ(division.validation.size(), 2u);
      },
      1);  // the line end
}

TEST(TrainValSplit, BelongsToItsData) {
  Dataset set;
  set.path = "set";
  set.classes = {"a", "b"};
  std::vector<uint8_t> pixels(8);
  ImageSet train;
  train.name = "train";
  train.width = train.height = train.channels = 1;
  train.labels = {0, 0, 0, 0, 1, 1, 1, 1};
  train.pixels = pixels;
  set.splits = {train};
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.split.json";
  const TrainValSplit division = divide(set, 4, 2, 1);
  write_split(file, division, set);
  EXPECT_EQ(read_split(file, set).train, division.train);
  pixels[3] = 1;
  EXPECT_THROW(read_split(file, set), Error);
  pixels[3] = 0;
  set.splits[0].labels[3] = 1;
  EXPECT_THROW(read_split(file, set), Error);
  set.splits[0].labels[3] = 0;
  set.splits[0].width = 2;  // read at another size: the labels still fit
  pixels.resize(16);
  set.splits[0].pixels = pixels;
  EXPECT_NO_THROW(read_split(file, set));
}

}  // namespace
}  // namespace popaug::source
