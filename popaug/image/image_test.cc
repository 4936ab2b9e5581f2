#include "popaug/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>
// jpeglib.h needs FILE before it.
#include <jpeglib.h>

#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/sheet.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

// A picture with edges and ramps, the same always.
Image picture(int width, int height, bool holes = false) {
  Image image(width, height);
  Random random({.seed = 5});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* p = image.pixel(x, y);
      p[0] = static_cast<uint8_t>(255 * x / width);
      p[1] = static_cast<uint8_t>(255 * y / height);
      p[2] = static_cast<uint8_t>(random.below(64) + (x / 5 + y / 3) % 2 * 128);
      p[3] = holes && (x + y) % 7 == 0 ? 0 : 255;
    }
  }
  return image;
}

TEST(Image, StartsOpaqueBlack) {
  const Image image(3, 2);
  EXPECT_EQ(image.size_bytes(), 24u);
  for (int i = 0; i < 24; ++i) EXPECT_EQ(image.data()[i], i % 4 == 3 ? 255 : 0);
}

TEST(Png, ComesBackEqual) {
  for (const auto& [width, height] : {std::pair(1, 1), {3, 7}, {32, 32}, {61, 40}}) {
    const Image image = picture(width, height);
    EXPECT_EQ(decode_image(encode_png(image), "x.png"), image);
    EXPECT_EQ(encode_png(image), encode_png(image));
  }
}

TEST(Png, HolesAreWrittenAsAlphaAndCompositedOnReading) {
  const Image image = picture(14, 9, true);
  DecodeInfo info;
  const Image back = decode_image(encode_png(image), "x.png", &info);
  EXPECT_THAT(info.notes, ::testing::ElementsAre("alpha composited on black"));
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 14; ++x) {
      const bool hole = image.pixel(x, y)[3] == 0;
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(back.pixel(x, y)[c], hole ? 0 : image.pixel(x, y)[c]);
      }
      EXPECT_EQ(back.pixel(x, y)[3], 255);
    }
  }
}

TEST(Jpeg, ComesBackNearly) {
  const Image image = picture(40, 24);
  const Image back = decode_image(encode_jpeg(image, 95), "x.jpg");
  ASSERT_EQ(back.width(), 40);
  ASSERT_EQ(back.height(), 24);
  double error = 0;
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    error += std::abs(image.data()[i] - back.data()[i]);
  }
  EXPECT_LT(error / static_cast<double>(image.size_bytes()), 12);
}

// Of a cut within the end mark alone, see doubtful_files_test.cc.
TEST(Decode, CutAtEveryByteIsAnError) {
  constexpr size_t kPngEnd = 12, kJpegEnd = 2;
  for (const auto& [whole, end] : {std::pair(encode_png(picture(19, 11)), kPngEnd),
                                   std::pair(encode_jpeg(picture(19, 11)), kJpegEnd),
                                   std::pair(encode_png(picture(19, 11, true)), kPngEnd)}) {
    EXPECT_NO_THROW(decode_image(whole, "x"));
    for (size_t size = 0; size + end < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      EXPECT_THAT(message_of([&] { decode_image(cut, "a/x"); }), ::testing::StartsWith("a/x"))
          << size << " of " << whole.size();
    }
  }
}

TEST(Decode, WhatIsNoImageIsNamed) {
  EXPECT_THAT(message_of([] { decode_image("", "a.jpg"); }), HasSubstr("a.jpg: the file is empty"));
  EXPECT_THAT(message_of([] { decode_image("GIF89a...", "a.gif"); }),
              HasSubstr("a.gif: the GIF data is broken or cut short"));
  EXPECT_THAT(message_of([] { decode_image("some text", "a.jpg"); }),
              HasSubstr("a.jpg is not an image of a known format, by its first bytes; popaug reads "
                        "JPEG, PNG, WebP, BMP, GIF, TIFF and PNM"));
  EXPECT_THAT(message_of([] { decode_image("<!DOCTYPE html><html>", "a.jpg"); }),
              HasSubstr("a.jpg: is a web page, probably from a failed download; popaug reads"));
  EXPECT_THAT(message_of([] { decode_image("\n<HTML>", "a.jpg"); }), HasSubstr("is a web page"));
  EXPECT_THAT(message_of([] {
                decode_image("version https://git-lfs.github.com/spec/v1\noid sha256:0", "a.png");
              }),
              HasSubstr("a.png: is a pointer of Git LFS; fetch the file itself by 'git lfs pull'"));
  EXPECT_THAT(message_of([] { decode_image("%PDF-1.4", "a.png"); }), HasSubstr("a PDF document"));
  EXPECT_THAT(message_of([] { decode_image("8BPS\0\1", "a.png"); }),
              HasSubstr("a Photoshop image"));
  EXPECT_THAT(message_of([] { decode_image("<svg xmlns=''>", "a.png"); }), HasSubstr("an SVG"));
  EXPECT_THAT(message_of([] { load_image("/nonexistent/a.png"); }),
              HasSubstr("/nonexistent/a.png: cannot open"));
}

TEST(Decode, FormatsAreRecognisedByTheirFirstBytes) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> formats[] = {
      {"\xFF\xD8\xFF\xE0"sv, "JPEG"},
      {"\x89PNG\r\n\x1A\n"sv, "PNG"},
      {"RIFF\1\2\3\4WEBP"sv, "WebP"},
      {"BM\0\0\0\0\1\2\3\4\x36\0\0\0\x28\0\0\0"sv, "BMP"},
      {"BM\0\0\0\0\0\0\0\0\x1A\0\0\0\x0C\0\0\0"sv, "BMP"},
      {"GIF87a"sv, "GIF"},
      {"GIF89a"sv, "GIF"},
      {"II*\0"sv, "TIFF"},
      {"MM\0*"sv, "TIFF"},
      {"II+\0"sv, "TIFF"},
      {"P1 1"sv, "PNM"},
      {"P6\n# by hand\n"sv, "PNM"},
      {"P5# by hand\n"sv, "PNM"},
      {"\0\0\0\x18"
       "ftypheic"sv,
       "HEIC"},
      {"\0\0\0\x18"
       "ftypmif1\0\0\0\0mif1heic"sv,
       "HEIC"},
      {"\0\0\0\x1C"
       "ftypmif1\0\0\0\0mif1avif"sv,
       "AVIF"},
      {"\0\0\0\x1C"
       "ftypavif"sv,
       "AVIF"},
      {"\xFF\x0A"sv, "JPEG XL"},
      {"\0\0\0\x0CjP  \r\n\x87\n"sv, "JPEG 2000"},
      {""sv, ""},
      {"P"sv, ""},
      {"P7\nWIDTH 1"sv, ""},
      {"P1 is a name"sv, ""},
      {"BM of the day, and more text"sv, ""},
      {"RIFF\1\2\3\4WAVE"sv, ""},
      {"\0\0\0\x18"
       "ftypmp42"sv,
       ""},
  };
  for (const auto& [bytes, name] : formats) EXPECT_EQ(image_format(bytes), name);
  const std::string png = encode_png(picture(40, 10)), jpeg = encode_jpeg(picture(40, 10));
  EXPECT_EQ(image_format(png), "PNG");
  EXPECT_EQ(image_format(jpeg), "JPEG");
}

TEST(Decode, LimitsAreKept) {
  const std::string png = encode_png(picture(40, 10));
  EXPECT_THAT(message_of([&] { decode_image(png, "x", nullptr, {.side = 39}); }),
              HasSubstr("40x10 pixels; the limits are 39 a side"));
  EXPECT_THAT(message_of([&] { decode_image(png, "x", nullptr, {.pixels = 399}); }),
              HasSubstr("399 in all"));
  EXPECT_NO_THROW(decode_image(png, "x", nullptr, {.side = 40, .pixels = 400}));
}

// Inks written by libjpeg itself as CMYK and as YCCK, which Pillow does not write.
std::string inks(J_COLOR_SPACE kind, int width, int height) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  uint8_t* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &buffer, &size);
  state.image_width = static_cast<JDIMENSION>(width);
  state.image_height = static_cast<JDIMENSION>(height);
  state.input_components = 4;
  state.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&state);
  jpeg_set_colorspace(&state, kind);
  jpeg_set_quality(&state, 100, TRUE);
  jpeg_start_compress(&state, TRUE);
  for (int y = 0; y < height; ++y) {
    std::vector<uint8_t> row;
    for (int x = 0; x < width; ++x) {
      for (const int value : {200, 100, 50, 40 + 4 * y}) row.push_back(static_cast<uint8_t>(value));
    }
    uint8_t* rows = row.data();
    jpeg_write_scanlines(&state, &rows, 1);
  }
  jpeg_finish_compress(&state);
  jpeg_destroy_compress(&state);
  const std::string out(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return out;
}

TEST(Jpeg, InksBecomeLight) {
  for (const J_COLOR_SPACE kind : {JCS_CMYK, JCS_YCCK}) {
    DecodeInfo info;
    const Image image = decode_image(inks(kind, 16, 24), "x.jpg", &info);
    EXPECT_FALSE(info.grey);
    EXPECT_THAT(info.notes, ::testing::ElementsAre("converted from CMYK to RGB"));
    for (int y = 0; y < 24; ++y) {
      // As stored, 255 is no ink: what is left of the paper's light, less its share of ink.
      const int paper = 40 + 4 * y;
      for (int c = 0; c < 3; ++c) {
        const int expected = paper - (255 - std::array{200, 100, 50}[c]) * paper / 255;
        EXPECT_NEAR(image.pixel(5, y)[c], expected, 4) << kind << " " << y << " " << c;
      }
    }
  }
}

TEST(Jpeg, ScansWithoutEndAreRefused) {
  Image large(64, 64);
  const std::string whole = encode_jpeg(large);
  // A progressive header whose first scan is repeated: each repeats the whole image's work.
  const size_t scan = whole.find("\xFF\xDA");
  ASSERT_NE(scan, whole.npos);
  std::string many = whole.substr(0, scan);
  const size_t frame = many.find("\xFF\xC0");
  ASSERT_NE(frame, many.npos);
  many[frame + 1] = '\xC2';
  std::string one("\xFF\xDA\0\x0C\3\1\0\2\x11\3\x11\0\0\0", 14);  // DC of all components
  one += std::string(96, '\0');
  for (int i = 0; i < 2000; ++i) many += one;
  many += "\xFF\xD9";
  EXPECT_THAT(message_of([&] { decode_image(many, "x.jpg"); }), HasSubstr("x.jpg: the JPEG data"));
}

TEST(Exif, OrientationIsFoundInBothByteOrders) {
  const std::string little("II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
  const std::string big("MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 22);
  EXPECT_EQ(codec::exif_orientation(little), 6);
  EXPECT_EQ(codec::exif_orientation(big), 8);
  for (size_t size = 0; size < little.size() - 2; ++size) {
    EXPECT_EQ(codec::exif_orientation(little.substr(0, size)), 1) << size;
  }
}

TEST(Exif, EveryOrientationTurnsTheCorners) {
  Image image(2, 3);
  for (int i = 0; i < 6; ++i) image.pixel(i % 2, i / 2)[0] = static_cast<uint8_t>(i);
  // 0 1 / 2 3 / 4 5, read row by row after turning.
  const std::vector<std::vector<int>> expected = {
      {0, 1, 2, 3, 4, 5}, {1, 0, 3, 2, 5, 4}, {5, 4, 3, 2, 1, 0}, {4, 5, 2, 3, 0, 1},
      {0, 2, 4, 1, 3, 5}, {4, 2, 0, 5, 3, 1}, {5, 3, 1, 4, 2, 0}, {1, 3, 5, 0, 2, 4}};
  for (int o = 1; o <= 8; ++o) {
    const Image out = codec::oriented(image, o);
    ASSERT_EQ(out.width(), o >= 5 ? 3 : 2);
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(out.pixel(i % out.width(), i / out.width())[0], expected[o - 1][i]) << o;
    }
  }
}

// A JPEG file by libjpeg-turbo itself: 1, 3 or 4 samples a pixel (the picture's first channels).
std::string jpeg_of(const Image& image, int samples, bool progressive = false) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &buffer, &size);
  state.image_width = static_cast<JDIMENSION>(image.width());
  state.image_height = static_cast<JDIMENSION>(image.height());
  state.input_components = samples;
  state.in_color_space = samples == 1 ? JCS_GRAYSCALE : samples == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&state);
  if (progressive) jpeg_simple_progression(&state);
  jpeg_start_compress(&state, TRUE);
  for (int y = 0; y < image.height(); ++y) {
    std::vector<uint8_t> row;
    for (int x = 0; x < image.width(); ++x) {
      for (int c = 0; c < samples; ++c) row.push_back(image.pixel(x, y)[c]);
    }
    uint8_t* at = row.data();
    jpeg_write_scanlines(&state, &at, 1);
  }
  jpeg_finish_compress(&state);
  std::string bytes(reinterpret_cast<const char*>(buffer), size);
  jpeg_destroy_compress(&state);
  std::free(buffer);
  return bytes;
}

// What libjpeg-turbo decodes at 1/denominator: `samples` a pixel.
std::vector<uint8_t> reduced_by_libjpeg(const std::string& bytes, unsigned denominator, int samples,
                                        int* width) {
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&state, TRUE);
  state.out_color_space = samples == 1 ? JCS_GRAYSCALE : samples == 3 ? JCS_RGB : JCS_CMYK;
  state.scale_num = 1;
  state.scale_denom = denominator;
  jpeg_start_decompress(&state);
  *width = static_cast<int>(state.output_width);
  std::vector<uint8_t> pixels(size_t{1} * state.output_width * state.output_height * samples);
  while (state.output_scanline < state.output_height) {
    uint8_t* at = pixels.data() + size_t{1} * state.output_scanline * state.output_width * samples;
    jpeg_read_scanlines(&state, &at, 1);
  }
  jpeg_finish_decompress(&state);
  jpeg_destroy_decompress(&state);
  return pixels;
}

class ScaledDecoding : public ::testing::Test {
 protected:
  Image load(const std::string& bytes, int width, int height, DecodeInfo* info = nullptr) {
    write_file_atomic(folder_.path() / "x.jpg", bytes);
    return load_image_scaled(folder_.path() / "x.jpg", width, height, info);
  }
  TemporaryFolder folder_;
};

TEST_F(ScaledDecoding, TakesTheSmallestThatIsLargeEnough) {
  const std::string bytes = jpeg_of(picture(203, 101), 3);
  struct Row {
    int width, height, then_width, then_height;
  };
  for (const Row& row : {Row{25, 12, 26, 13},
                         {1, 1, 26, 13},
                         {26, 12, 51, 26},
                         {25, 13, 51, 26},
                         {50, 25, 51, 26},
                         {51, 25, 102, 51},
                         {101, 50, 102, 51},
                         {102, 50, 203, 101},
                         {101, 51, 203, 101},
                         {203, 101, 203, 101},
                         {500, 1, 203, 101},
                         {1 << 20, 1 << 20, 203, 101}}) {
    const Image image = load(bytes, row.width, row.height);
    EXPECT_EQ(image.width(), row.then_width) << row.width << "x" << row.height;
    EXPECT_EQ(image.height(), row.then_height) << row.width << "x" << row.height;
  }
}

TEST_F(ScaledDecoding, GivesThePixelsOfLibjpegTurbo) {
  for (const bool progressive : {false, true}) {
    for (const int samples : {1, 3, 4}) {
      const std::string bytes = jpeg_of(picture(97, 64), samples, progressive);
      for (const unsigned denominator : {1u, 2u, 4u, 8u}) {
        int width = 0;
        const std::vector<uint8_t> want = reduced_by_libjpeg(bytes, denominator, samples, &width);
        DecodeInfo info;
        const Image image = load(bytes, 97 / int(denominator), 64 / int(denominator), &info);
        ASSERT_EQ(image.width(), width);
        ASSERT_EQ(image.size_bytes() / 4 * samples, want.size());
        EXPECT_EQ(info.grey, samples == 1);
        EXPECT_EQ(info.notes.size(), samples == 4 ? 1u : 0u);
        for (size_t i = 0; i < want.size() / samples; ++i) {
          const uint8_t* in = &want[i * samples];
          for (int c = 0; c < 3; ++c) {
            // CMYK as the full decode converts it: paper less ink, inks inverted in the file.
            const int exact = samples < 4 ? in[samples == 1 ? 0 : c]
                                          : std::max(0, in[3] - (255 - in[c]) * in[3] / 255);
            ASSERT_NEAR(image.data()[4 * i + c], exact, samples == 4 ? 1 : 0);
          }
          ASSERT_EQ(image.data()[4 * i + 3], 255);
        }
      }
    }
  }
}

TEST_F(ScaledDecoding, AsksForTheUprightSize) {
  // A quarter turn, by an EXIF block of one entry: the file is 64 x 32, the image 32 x 64.
  std::string bytes = jpeg_of(picture(64, 32), 3);
  const std::string marker(
      "\xFF\xE1\0\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      36);
  bytes.insert(2, marker);
  Image image = load(bytes, 16, 32);
  EXPECT_EQ(std::pair(image.width(), image.height()), std::pair(16, 32));
  image = load(bytes, 32, 16);
  EXPECT_EQ(std::pair(image.width(), image.height()), std::pair(32, 64));
  EXPECT_EQ(image, decode_image(bytes, "x.jpg"));
}

TEST_F(ScaledDecoding, LeavesPngAndBrokenFilesAsTheyAre) {
  const Image image = picture(64, 64);
  EXPECT_EQ(load(encode_png(image), 8, 8), image);
  const std::string bytes = jpeg_of(image, 3);
  EXPECT_THROW(load(bytes.substr(0, bytes.size() / 2), 8, 8), Error);
  // The limits are those of the whole image.
  load(bytes, 8, 8);
  EXPECT_THROW(load_image_scaled(folder_.path() / "x.jpg", 8, 8, nullptr, {.side = 63}), Error);
}

TEST(Resize, KeepsFlatColoursAndTheSameSize) {
  const Image image = picture(17, 13);
  EXPECT_EQ(resize(image, 17, 13), image);
  Image flat(9, 5);
  for (size_t i = 0; i < flat.size_bytes(); ++i) flat.data()[i] = i % 4 == 3 ? 255 : 77;
  const Image out = resize(flat, 31, 3);
  for (size_t i = 0; i < out.size_bytes(); ++i) EXPECT_EQ(out.data()[i], i % 4 == 3 ? 255 : 77);
}

TEST(ContactSheet, HoldsEveryImageAndItsWords) {
  Image red(4, 3), holes(2, 2);
  for (size_t i = 0; i < red.size_bytes(); i += 4) red.data()[i] = 255;
  for (size_t i = 3; i < holes.size_bytes(); i += 4) holes.data()[i] = 0;
  const Image sheet = contact_sheet({{red, "red"}, {holes, ""}, {red, "again"}}, 2, 5, "Title");
  size_t reds = 0, chequered = 0, ink = 0;
  for (int y = 0; y < sheet.height(); ++y) {
    for (int x = 0; x < sheet.width(); ++x) {
      const uint8_t* p = sheet.pixel(x, y);
      EXPECT_EQ(p[3], 255);
      reds += p[0] == 255 && p[1] == 0;
      chequered += p[0] == 235 && p[1] == 200;
      ink += p[0] == 40;
    }
  }
  EXPECT_EQ(reds, 2u * 4 * 3 * 25);
  EXPECT_EQ(chequered, 16u + 8 + 16 + 8 + 4);  // light 4x4 squares of a 10x10 field
  EXPECT_GT(ink, 50u);
}

TEST(ContactSheet, LettersDiffer) {
  std::set<std::string> seen;
  for (char letter = 32; letter < 127; ++letter) {
    std::string dots;
    for (int i = 0; i < 40; ++i) dots += sheet::glyph_dot(letter, i % 5, i / 5) ? '#' : '.';
    EXPECT_TRUE(seen.insert(dots).second) << letter;
  }
  EXPECT_EQ(sheet::glyph_dot('\n', 1, 0), sheet::glyph_dot('?', 1, 0));
}

}  // namespace
}  // namespace popaug
