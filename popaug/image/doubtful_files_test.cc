// Files that depart from their format: read where every pixel is there, refused where one may have
// been guessed (docs/formats/data.md#doubtful-files).
#include <zlib.h>

#include <cstdio>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jpeglib.h>
// The list of messages needs the configuration that jpeglib.h includes.
#include <jerror.h>

#include "popaug/image/image.h"
#include "popaug/image/internal/jpeg_warnings.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using codec::JpegDoubt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Named {
  int code;
  std::string name;
};

// The header is made to be included again: here, as the list of all messages.
#undef JMAKE_ENUM_LIST
#define JMESSAGE(code, string) {code, #code},
const Named kMessages[] = {
#include <jerror.h>
};

Image picture() {
  Image image(40, 24);
  Random random({.seed = 5});
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 40; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.pixel(x, y)[c] = static_cast<uint8_t>(6 * x + 4 * c * y / 2 + random.below(30));
      }
    }
  }
  return image;
}

enum class Coding { kBaseline, kRestarts, kScans, kProgressive, kArithmetic };

// A JPEG of the kinds that encode_jpeg() does not write.
std::string jpeg(Coding coding) {
  const Image image = picture();
  jpeg_compress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  uint8_t* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &buffer, &size);
  state.image_width = static_cast<JDIMENSION>(image.width());
  state.image_height = static_cast<JDIMENSION>(image.height());
  state.input_components = 4;
  state.in_color_space = JCS_EXT_RGBX;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, 90, TRUE);
  if (coding == Coding::kRestarts) state.restart_interval = 1;
  if (coding == Coding::kProgressive) jpeg_simple_progression(&state);
  if (coding == Coding::kArithmetic) state.arith_code = TRUE;
  const jpeg_scan_info scans[] = {
      {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  if (coding == Coding::kScans) {
    state.scan_info = scans;
    state.num_scans = 3;
  }
  jpeg_start_compress(&state, TRUE);
  while (state.next_scanline < state.image_height) {
    auto* row = const_cast<uint8_t*>(image.pixel(0, static_cast<int>(state.next_scanline)));
    jpeg_write_scanlines(&state, &row, 1);
  }
  jpeg_finish_compress(&state);
  jpeg_destroy_compress(&state);
  const std::string out(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return out;
}

std::string bytes_of(std::string_view text) { return std::string(text); }

// Where the data of the scan with this number begins, after its header.
size_t scan_data(const std::string& file, int number = 0) {
  size_t at = 0;
  for (int i = 0; i <= number; ++i) at = file.find("\xFF\xDA", at + 1);
  return at + 2 + static_cast<uint8_t>(file[at + 3]);
}

// The whole file with bytes put in before `at`.
std::string with(const std::string& file, size_t at, const std::string& bytes) {
  return file.substr(0, at) + bytes + file.substr(at);
}

std::string without(const std::string& file, size_t begin, size_t end) {
  return file.substr(0, begin) + file.substr(end);
}

// Expects the pixels of `whole`, with these notes.
void expect_read(const std::string& file, const std::string& whole,
                 const ::testing::Matcher<const std::vector<std::string>&>& irregular) {
  DecodeInfo info;
  EXPECT_EQ(decode_image(file, "x", &info), decode_image(whole, "x"));
  EXPECT_THAT(info.irregular, irregular);
  for (const std::string& note : info.irregular) {
    EXPECT_THAT(info.notes, ::testing::Contains(note));
  }
}

void expect_refused(const std::string& file, const std::string& reason) {
  const std::string said = message_of([&] { decode_image(file, "a/x"); });
  EXPECT_THAT(said, HasSubstr("a/x: the "));
  EXPECT_THAT(said, HasSubstr("broken or cut short"));
  EXPECT_THAT(said, HasSubstr(reason));
}

TEST(JpegWarnings, TheTableNamesEveryOne) {
  size_t warnings = 0;
  for (const Named& message : kMessages) {
    if (!message.name.starts_with("JWRN_")) continue;
    ++warnings;
    EXPECT_EQ(codec::jpeg_warning(message.code).name, message.name);
  }
  EXPECT_EQ(warnings, codec::jpeg_warnings().size());
  EXPECT_EQ(codec::jpeg_warning(-1).doubt, JpegDoubt::kPixels);
}

TEST(JpegWarnings, RevisionScanParametersAndProfilesAreNotNoted) {
  const std::string whole = jpeg(Coding::kBaseline);
  for (const char* revision : {"\0\0", "\0\2", "\7\1"}) {
    std::string old = whole;
    old.replace(whole.find("JFIF") + 5, 2, revision, 2);
    expect_read(old, whole, IsEmpty());
  }
  std::string zeroes = whole;
  zeroes.replace(scan_data(whole) - 3, 3, 3, '\0');
  expect_read(zeroes, whole, IsEmpty());
  const std::string profile("\xFF\xE2\0\x12ICC_PROFILE\0\x09\x03xx", 20);
  expect_read(with(whole, 2, profile), whole, IsEmpty());
}

TEST(JpegWarnings, StrayBytesAreNoted) {
  const auto noted = ElementsAre(HasSubstr("stray bytes"));
  const std::string whole = jpeg(Coding::kBaseline);
  expect_read(with(whole, whole.find("\xFF\xDB"), "xyz"), whole, noted);
  expect_read(with(whole, whole.find("\xFF\xC4"), std::string(300, '\0')), whole, noted);
  expect_read(with(whole, whole.size() - 2, "padding"), whole, noted);
  const std::string restarts = jpeg(Coding::kRestarts);
  expect_read(with(restarts, restarts.find("\xFF\xD1"), "ab"), restarts, noted);
  const std::string progressive = jpeg(Coding::kProgressive);
  expect_read(with(progressive, progressive.find("\xFF\xDA"), "ab"), progressive, noted);
  // Bytes after the end belong to no image.
  expect_read(whole + "appended", whole, IsEmpty());
}

TEST(JpegWarnings, AnUnknownColourTransformIsTheUsualOne) {
  const std::string whole = jpeg(Coding::kBaseline);
  const size_t jfif = whole.find("\xFF\xE0");
  const std::string bare = without(whole, jfif, jfif + 18);
  const std::string adobe(
      "\xFF\xEE\0\x0E"
      "Adobe\0\x64\0\0\0\0\7",
      16);
  expect_read(with(bare, 2, adobe), whole, ElementsAre(HasSubstr("Adobe marker")));
}

TEST(JpegWarnings, AMissingEndIsNotedIfEveryPixelIsThere) {
  for (const Coding coding : {Coding::kBaseline, Coding::kRestarts, Coding::kProgressive}) {
    const std::string whole = jpeg(coding);
    for (size_t size = 2; size + 2 < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      EXPECT_THAT(message_of([&] { decode_image(cut, "a/x"); }), ::testing::StartsWith("a/x"))
          << static_cast<int>(coding) << ": " << size << " of " << whole.size();
    }
    for (const size_t missing : {1u, 2u}) {
      expect_read(whole.substr(0, whole.size() - missing), whole,
                  ElementsAre(HasSubstr("without the end marker")));
    }
  }
}

TEST(JpegWarnings, AMissingEndIsAFaultIfScansMayBeMissing) {
  const std::string reason = "missing at the end";
  const std::string scans = jpeg(Coding::kScans);
  EXPECT_NO_THROW(decode_image(scans, "x"));
  expect_refused(scans.substr(0, scans.size() - 2), reason);
  const std::string arithmetic = jpeg(Coding::kArithmetic);
  EXPECT_NO_THROW(decode_image(arithmetic, "x"));
  expect_refused(arithmetic.substr(0, arithmetic.size() - 2), reason);
  const std::string progressive = jpeg(Coding::kProgressive);
  expect_refused(progressive.substr(0, progressive.rfind("\xFF\xDA")), reason);
}

TEST(JpegWarnings, GuessedPixelsAreAFault) {
  const std::string whole = jpeg(Coding::kBaseline);
  const size_t data = scan_data(whole);
  expect_refused(without(whole, whole.size() - 40, whole.size() - 2), "premature end of data");
  std::string ones;
  while (data + ones.size() + 4 < whole.size()) ones += bytes_of({"\xFF\0", 2});
  expect_refused(whole.substr(0, data) + ones + "\xFF\xD9", "bad Huffman code");

  std::string restarts = jpeg(Coding::kRestarts);
  restarts[restarts.find("\xFF\xD1") + 1] = '\xD5';
  expect_refused(restarts, "instead of RST1");

  const std::string progressive = jpeg(Coding::kProgressive);
  const size_t first = progressive.find("\xFF\xDA");
  const size_t second = progressive.find("\xFF\xC4", first);
  expect_refused(without(progressive, first, second), "Inconsistent progression");
}

TEST(JpegWarnings, BadArithmeticCodesAreAFault) {
  const std::string whole = jpeg(Coding::kArithmetic);
  const size_t data = scan_data(whole);
  size_t met = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random({.seed = seed});
    std::string noise = whole.substr(0, data + random.below(60));
    const uint32_t most = 1 + random.below(255);
    while (noise.size() + 2 < whole.size()) noise += static_cast<char>(random.below(most));
    noise += "\xFF\xD9";
    const std::string said = message_of([&] {
      decode_image(noise, "x");
      throw Error("");  // noise may be an image as well
    });
    met += said.find("bad arithmetic code") != said.npos;
  }
  EXPECT_GT(met, 0u);
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data, bool sound = true) {
  const std::string summed = type + data;
  const auto* begin = reinterpret_cast<const Bytef*>(summed.data());
  const auto sum = static_cast<uint32_t>(crc32(0, begin, static_cast<uInt>(summed.size())));
  return big_endian(static_cast<uint32_t>(data.size())) + summed + big_endian(sum ^ !sound);
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  compress2(reinterpret_cast<Bytef*>(out.data()), &size,
            reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), 9);
  out.resize(size);
  return out;
}

// The parts of a small PNG of each colour type; a file is made of them in any order.
struct Png {
  std::string signature{"\x89PNG\r\n\x1A\n", 8}, header, palette, pixels;
  std::string end = chunk("IEND", "");

  explicit Png(int colour_type) {
    constexpr int kSamples[] = {1, 0, 3, 1, 2, 0, 4};
    const int width = 5, height = 4;
    header = chunk("IHDR", big_endian(width) + big_endian(height) + '\x08' +
                               static_cast<char>(colour_type) + std::string(3, '\0'));
    std::string rows;
    for (int y = 0; y < height; ++y) {
      rows += '\0';
      for (int i = 0; i < width * kSamples[colour_type]; ++i) {
        rows += static_cast<char>(colour_type == 3 ? i % 3 : 40 * y + 9 * i);
      }
    }
    pixels = deflated(rows);
    if (colour_type == 3) palette = chunk("PLTE", "abcdefghi");
  }
  std::string before() const { return signature + header + palette; }
  std::string whole() const { return before() + chunk("IDAT", pixels) + end; }
  std::string with(const std::string& early, const std::string& late = "") const {
    return before() + early + chunk("IDAT", pixels) + late + end;
  }
};

class PngOfEachKind : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(, PngOfEachKind, ::testing::Values(0, 2, 3, 4, 6));

TEST_P(PngOfEachKind, WhatIsBesideThePixelsIsSkipped) {
  const Png png(GetParam());
  const std::string gamma = chunk("gAMA", big_endian(45455));
  const std::string odd_date = chunk("tIME", std::string(7, '\xFF'));
  const std::string large = chunk("abCd", std::string(1 << 20, 'x'));
  for (const std::string& early :
       {gamma, gamma + gamma, odd_date, chunk("gAMA", ""), chunk("zTXt", "no deflate"),
        chunk("iTXt", ""), chunk("sPLT", "x"), chunk("abCd", "unknown"), chunk("acTL", ""),
        large}) {
    expect_read(png.with(early), png.whole(), IsEmpty());
    expect_read(png.with("", early), png.whole(), IsEmpty());
  }
  const auto damaged = ElementsAre(HasSubstr("damaged part beside the pixels"));
  expect_read(png.with(chunk("tEXt", "Comment\0no", false)), png.whole(), damaged);
  expect_read(png.with("", chunk("zzZz", "", false)), png.whole(), damaged);
  const std::string exif = chunk("eXIf", "II*\0", false);
  expect_read(png.with(exif), png.whole(), ElementsAre(HasSubstr("damaged EXIF")));
  expect_read(png.whole() + "appended", png.whole(), IsEmpty());
}

TEST_P(PngOfEachKind, DataAfterTheLastRowIsSkipped) {
  const Png png(GetParam());
  const auto around = [&](const std::string& data) { return png.before() + data + png.end; };
  expect_read(around(chunk("IDAT", png.pixels + "trailing")), png.whole(), IsEmpty());
  expect_read(around(chunk("IDAT", png.pixels) + chunk("IDAT", "more")), png.whole(), IsEmpty());
  for (size_t at = 0; at < png.pixels.size(); ++at) {
    const std::string halves =
        chunk("IDAT", png.pixels.substr(0, at)) + chunk("IDAT", png.pixels.substr(at));
    expect_read(around(halves), png.whole(), IsEmpty());
  }
}

TEST_P(PngOfEachKind, AMissingEndIsNotedIfEveryPixelIsThere) {
  const Png png(GetParam());
  const std::string whole = png.whole();
  const size_t pixels_end = whole.size() - png.end.size();
  for (size_t size = 1; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    if (size >= pixels_end) {
      expect_read(cut, whole, ElementsAre(HasSubstr("without a sound end chunk")));
    } else {
      EXPECT_THAT(message_of([&] { decode_image(cut, "a/x"); }), ::testing::StartsWith("a/x"))
          << size;
    }
  }
  expect_read(whole.substr(0, pixels_end) + chunk("IEND", "", false), whole,
              ElementsAre(HasSubstr("without a sound end chunk")));
}

TEST_P(PngOfEachKind, GuessedPixelsAreAFault) {
  const Png png(GetParam());
  expect_refused(png.before() + chunk("IDAT", png.pixels, false) + png.end, "checksum");
  expect_refused(png.with(chunk("ABCD", "critical")), "");
  expect_refused(png.with(chunk("IHDR", "")), "");
  expect_refused(png.before() + png.end, "");
  const std::string half = png.pixels.substr(0, png.pixels.size() / 2);
  expect_refused(png.before() + chunk("IDAT", half) + png.end, "");
  std::string adler = png.pixels;
  adler.back() = static_cast<char>(adler.back() ^ 1);
  expect_refused(png.before() + chunk("IDAT", adler) + png.end, "");
  std::string flipped = png.pixels;
  flipped[2] = static_cast<char>(~flipped[2]);
  expect_refused(png.before() + chunk("IDAT", flipped) + png.end, "");
}

TEST(PngOfColours, ALargeProfileIsBesideThePixels) {
  const Png png(2);
  expect_read(png.with(chunk("iCCP", std::string(17 << 20, 'x'))), png.whole(), IsEmpty());
}

TEST(PngOfColours, ASuggestedPaletteIsBesideThePixels) {
  const Png png(2);
  expect_read(png.with(chunk("PLTE", "abcd")), png.whole(), IsEmpty());
  expect_read(png.with(chunk("PLTE", "abc", false)), png.whole(),
              ElementsAre(HasSubstr("damaged part")));
  const Png indexed(3);
  expect_refused(indexed.signature + indexed.header + chunk("PLTE", "abcdefghi", false) +
                     chunk("IDAT", indexed.pixels) + indexed.end,
                 "");
}

TEST(PngOfColours, DamagedTransparencyIsAFault) {
  for (const int kind : {0, 2, 3}) {
    const Png png(kind);
    const std::string clear(kind == 0 ? 2 : kind == 2 ? 6 : 3, '\0');
    EXPECT_NO_THROW(decode_image(png.with(chunk("tRNS", clear)), "x"));
    expect_refused(png.with(chunk("tRNS", clear, false)), "transparency");
  }
  const Png alpha(6);  // has its own transparency
  expect_read(alpha.with(chunk("tRNS", "ab")), alpha.whole(), IsEmpty());
}

}  // namespace
}  // namespace popaug
