#include "popaug/image/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
// jpeglib.h needs FILE before it.
#include <jpeglib.h>

#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

struct JpegKind {
  const char* name;
  int samples = 3;           // 1 grey, 3 colour, 4 CMYK
  int across = 2, down = 2;  // how many pixels share a colour
  bool progressive = false;
  int restart = 0;  // rows of blocks between restart markers
};

std::string jpeg_of(const Image& image, const JpegKind& kind) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &buffer, &size);
  state.image_width = image.width();
  state.image_height = image.height();
  state.input_components = kind.samples;
  state.in_color_space = kind.samples == 1 ? JCS_GRAYSCALE : kind.samples == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, 90, TRUE);
  if (kind.samples == 3) {
    state.comp_info[0].h_samp_factor = kind.across;
    state.comp_info[0].v_samp_factor = kind.down;
  }
  state.restart_in_rows = kind.restart;
  if (kind.progressive) jpeg_simple_progression(&state);
  jpeg_start_compress(&state, TRUE);
  std::vector<uint8_t> row(size_t{1} * image.width() * kind.samples);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      for (int s = 0; s < kind.samples; ++s) row[x * kind.samples + s] = image.pixel(x, y)[s % 3];
    }
    uint8_t* line = row.data();
    jpeg_write_scanlines(&state, &line, 1);
  }
  jpeg_finish_compress(&state);
  jpeg_destroy_compress(&state);
  std::string bytes(reinterpret_cast<const char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

// Edges, ramps and noise in every channel, so that each pixel depends on where it is.
Image picture(int width, int height) {
  Image image(width, height);
  Random random({.seed = 9});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* p = image.pixel(x, y);
      p[0] = static_cast<uint8_t>(255 * x / width ^ random.below(16));
      p[1] = static_cast<uint8_t>(255 * y / height);
      p[2] = static_cast<uint8_t>(random.below(64) + (x / 5 + y / 3) % 2 * 128);
    }
  }
  return image;
}

class PartOfFile : public ::testing::Test {
 protected:
  fs::path write(const std::string& bytes) {
    const fs::path path = folder_.path() / "photo.jpg";
    write_file_atomic(path, bytes);
    return path;
  }
  TemporaryFolder folder_;
};

ChoosePart always(const ImagePart& part) {
  return [part](int, int) { return part; };
}

TEST_F(PartOfFile, HasThePixelsOfAFullDecode) {
  const JpegKind kinds[] = {{"4:2:0"},
                            {.name = "4:4:4", .across = 1, .down = 1},
                            {.name = "4:2:2", .across = 2, .down = 1},
                            {.name = "4:4:0", .across = 1, .down = 2},
                            {.name = "4:1:1", .across = 4, .down = 1},
                            {.name = "grey", .samples = 1},
                            {.name = "CMYK", .samples = 4},
                            {.name = "progressive", .progressive = true},
                            {.name = "restarts", .restart = 1}};
  for (const JpegKind& kind : kinds) {
    for (const auto& [width, height] : {std::pair(1, 1), {17, 33}, {131, 97}, {200, 64}}) {
      const fs::path path = write(jpeg_of(picture(width, height), kind));
      DecodeInfo whole_info;
      const Image whole = load_image(path, &whole_info);
      Random random({.seed = 3});
      for (int i = 0; i < 150; ++i) {
        ImagePart part;
        part.width = 1 + static_cast<int>(random.below(static_cast<uint32_t>(width)));
        part.height = 1 + static_cast<int>(random.below(static_cast<uint32_t>(height)));
        part.left = static_cast<int>(random.below(static_cast<uint32_t>(width - part.width + 1)));
        part.top = static_cast<int>(random.below(static_cast<uint32_t>(height - part.height + 1)));
        DecodeInfo info;
        const Image found = load_image_part(path, always(part), &info);
        ASSERT_EQ(found, cut(whole, part))
            << kind.name << " " << width << "x" << height << ": " << part.width << "x"
            << part.height << " at " << part.left << ", " << part.top;
        ASSERT_EQ(info.grey, whole_info.grey);
        ASSERT_EQ(info.notes, whole_info.notes);
      }
    }
  }
}

TEST_F(PartOfFile, IsChosenOnceFromTheUprightSize) {
  std::string bytes = jpeg_of(picture(64, 32), {"4:2:0"});
  // A quarter turn, by an EXIF block of one entry: the file is 64 x 32, the image 32 x 64.
  bytes.insert(2, std::string("\xFF\xE1\0\x22"
                              "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0"
                              "\0\0",
                              36));
  const fs::path path = write(bytes);
  int asked = 0;
  const Image found = load_image_part(path, [&](int width, int height) {
    ++asked;
    EXPECT_EQ(std::pair(width, height), std::pair(32, 64));
    return ImagePart{3, 40, 20, 24};
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(found, cut(load_image(path), {3, 40, 20, 24}));
}

TEST_F(PartOfFile, TakesOtherFormatsToo) {
  const Image image = picture(40, 30);
  const fs::path path = folder_.path() / "x.png";
  write_file_atomic(path, encode_png(image));
  EXPECT_EQ(load_image_part(path, always({5, 6, 7, 8})), cut(image, {5, 6, 7, 8}));
}

TEST_F(PartOfFile, NamesAFileThatIsBrokenThere) {
  const std::string bytes = jpeg_of(picture(160, 160), {"4:2:0"});
  const fs::path path = write(bytes.substr(0, bytes.size() / 2));
  const std::string said = message_of([&] { load_image_part(path, always({0, 120, 160, 40})); });
  EXPECT_THAT(said, HasSubstr("photo.jpg"));
  EXPECT_THAT(said, HasSubstr("broken or cut short"));
  // What comes after the part is not read.
  EXPECT_EQ(load_image_part(path, always({8, 8, 16, 16})),
            cut(decode_image(bytes, "whole"), {8, 8, 16, 16}));
  EXPECT_THROW(load_image_part(path, always({0, 0, 1, 1}), nullptr, {.side = 159}), Error);
  EXPECT_THROW(load_image_part(folder_.path() / "none.jpg", always({0, 0, 1, 1})), Error);
}

}  // namespace
}  // namespace popaug
