#include "popaug/image/internal/format.h"

#include <algorithm>

#include "popaug/image/image.h"
#include "popaug/image/internal/codec.h"
#include "popaug/image/internal/little_endian.h"

namespace popaug {
namespace codec {
namespace {

bool is_gif(std::string_view bytes) {
  return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a");
}

bool is_webp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

// Version 42 is TIFF, 43 BigTIFF.
bool is_tiff(std::string_view bytes) {
  const std::string_view begin = bytes.substr(0, 4);
  return begin == std::string_view("II*\0", 4) || begin == std::string_view("MM\0*", 4) ||
         begin == std::string_view("II+\0", 4) || begin == std::string_view("MM\0+", 4);
}

// A file of the ISO base media format (ISO/IEC 14496-12) begins with a box "ftyp": its main brand,
// a version, and all brands that it conforms to.
bool has_brand(std::string_view bytes, std::initializer_list<std::string_view> brands) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return false;
  constexpr size_t kFirst = 8, kVersion = 12;
  for (size_t at = kFirst; at + 4 <= std::min<size_t>(bytes.size(), 64); at += 4) {
    if (at == kVersion) continue;
    if (std::find(brands.begin(), brands.end(), bytes.substr(at, 4)) != brands.end()) return true;
  }
  return false;
}
bool is_avif(std::string_view bytes) { return has_brand(bytes, {"avif", "avis"}); }
bool is_heic(std::string_view bytes) {
  return has_brand(bytes, {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"});
}

bool is_jpeg_xl(std::string_view bytes) {
  return bytes.starts_with("\xFF\x0A") ||
         bytes.starts_with(std::string_view("\0\0\0\x0CJXL \r\n\x87\n", 12));
}
bool is_jpeg_2000(std::string_view bytes) {
  return bytes.starts_with("\xFF\x4F\xFF\x51") ||
         bytes.starts_with(std::string_view("\0\0\0\x0CjP  \r\n\x87\n", 12));
}

struct Format {
  std::string_view name;
  bool (*is)(std::string_view);
};
constexpr std::array<Format, 11> kFormats = {{{"JPEG", is_jpeg},
                                              {"PNG", is_png},
                                              {"WebP", is_webp},
                                              {"BMP", is_bmp},
                                              {"GIF", is_gif},
                                              {"TIFF", is_tiff},
                                              {"PNM", is_pnm},
                                              {"AVIF", is_avif},
                                              {"HEIC", is_heic},
                                              {"JPEG XL", is_jpeg_xl},
                                              {"JPEG 2000", is_jpeg_2000}}};

// What people find in the place of an image.
std::string_view other_content(std::string_view bytes) {
  const std::string begin = lower_case(trim(bytes.substr(0, 256)));
  if (begin.starts_with("version https://git-lfs")) {
    return "a pointer of Git LFS; fetch the file itself by 'git lfs pull'";
  }
  if (begin.starts_with("<!doctype html") || begin.starts_with("<html")) {
    return "a web page, probably from a failed download";
  }
  if (begin.starts_with("<svg") || begin.starts_with("<?xml")) {
    return "an XML text, such as an SVG drawing; convert it to PNG";
  }
  if (begin.starts_with("%pdf")) return "a PDF document; convert its pages to PNG";
  if (begin.starts_with("8bps")) return "a Photoshop image; save it as PNG";
  return {};
}

// Converts one file, or all files of its folder if their names say what they are. The originals
// stay, under a name that is skipped.
std::string heif_command(const fs::path& path) {
  const std::string ending = lower_case(path.extension().native());
  if (ending == ".heic" || ending == ".heif" || ending == ".hif" || ending == ".avif") {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    return "find " + shell_path(folder) + " -iname '*" + ending +
           "' -exec heif-convert {} {}.png \\; -exec mv {} {}.bak \\;";
  }
  const std::string file = shell_path(path), png = shell_path(path.native() + ".png");
  return "heif-convert " + file + " " + png + " && mv " + file + " " +
         shell_path(path.native() + ".bak");
}

constexpr const char* kRead = "JPEG, PNG, WebP, BMP, GIF, TIFF and PNM";

}  // namespace

bool is_bmp(std::string_view bytes) {
  if (bytes.size() < 18 || !bytes.starts_with("BM")) return false;
  constexpr std::array<uint32_t, 7> kHeaders = {12, 40, 52, 56, 64, 108, 124};
  return std::find(kHeaders.begin(), kHeaders.end(), little_endian(bytes, 14, 4)) != kHeaders.end();
}

// Two letters are not much: a number or a comment must follow.
bool is_pnm(std::string_view bytes) {
  if (bytes.size() < 4 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '6') return false;
  if (bytes[2] == '#') return true;
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  if (kSpaces.find(bytes[2]) == kSpaces.npos) return false;
  const size_t next = bytes.find_first_not_of(kSpaces, 2);
  return next != bytes.npos && (bytes[next] == '#' || (bytes[next] >= '0' && bytes[next] <= '9'));
}

std::string unread_format(std::string_view bytes, const std::string& origin, const fs::path& path) {
  const std::string_view format = image_format(bytes);
  if (format.empty()) {
    const std::string_view other = other_content(bytes);
    return origin +
           (other.empty() ? " is not an image of a known format, by its first bytes; "
                          : ": is " + std::string(other) + "; ") +
           "popaug reads " + kRead;
  }
  const std::string sentence = origin + (format.starts_with('A') ? ": is an " : ": is a ") +
                               std::string(format) + " image, which popaug does not read. ";
  if ((format != "HEIC" && format != "AVIF") || path.empty()) {
    return sentence + "Convert it to PNG or JPEG first";
  }
  return sentence +
         "Convert it first, by heif-convert (Debian: libheif-examples): " + heif_command(path);
}

}  // namespace codec

std::string_view image_format(std::string_view begin) {
  for (const codec::Format& format : codec::kFormats) {
    if (format.is(begin)) return format.name;
  }
  return {};
}

}  // namespace popaug
