// The table of docs/formats/data.md#doubtful-files. Each row was decided by reading where the
// library emits the warning, and what it does next.
#include "popaug/image/internal/jpeg_warnings.h"

#include <cstdio>

#include <jpeglib.h>
// The list of messages needs the configuration that jpeglib.h includes.
#include <jerror.h>

#include <algorithm>

namespace popaug::codec {
namespace {

constexpr JpegWarning kWarnings[] = {
    // The revision of JFIF changes density and thumbnail only.
    {JWRN_JFIF_MAJOR, "JWRN_JFIF_MAJOR", JpegDoubt::kNone, ""},
    // Some writers leave Ss, Se, Ah and Al of a sequential scan at 0. They have one legal value,
    // which the decoder uses.
    {JWRN_NOT_SEQUENTIAL, "JWRN_NOT_SEQUENTIAL", JpegDoubt::kNone, ""},
    // Profiles are not read.
    {JWRN_BOGUS_ICC, "JWRN_BOGUS_ICC", JpegDoubt::kNone, ""},
    // All blocks before the marker were decoded from their own bits; the bytes belong to none.
    {JWRN_EXTRANEOUS_DATA, "JWRN_EXTRANEOUS_DATA", JpegDoubt::kNoted,
     "with stray bytes before a marker, which were skipped"},
    // The usual transform is assumed, as other programs do.
    {JWRN_ADOBE_XFORM, "JWRN_ADOBE_XFORM", JpegDoubt::kNoted,
     "with an unknown colour transform in the Adobe marker: read as YCbCr or YCCK"},
    // The data ends without the end marker. If blocks are missing, JWRN_HIT_MARKER follows; if
    // scans are missing, no other warning does.
    {JWRN_JPEG_EOF, "JWRN_JPEG_EOF", JpegDoubt::kAtTheEnd,
     "without the end marker, although every pixel is there"},
    // Blocks were filled with zeros, or with what a wrong code gives.
    {JWRN_HIT_MARKER, "JWRN_HIT_MARKER", JpegDoubt::kPixels, ""},
    {JWRN_HUFF_BAD_CODE, "JWRN_HUFF_BAD_CODE", JpegDoubt::kPixels, ""},
    {JWRN_ARITH_BAD_CODE, "JWRN_ARITH_BAD_CODE", JpegDoubt::kPixels, ""},
    // Restart markers are lost or doubled: blocks may be at another place.
    {JWRN_MUST_RESYNC, "JWRN_MUST_RESYNC", JpegDoubt::kPixels, ""},
    // A scan refines bits that no scan before it gave.
    {JWRN_BOGUS_PROGRESSION, "JWRN_BOGUS_PROGRESSION", JpegDoubt::kPixels, ""},
    // A fault of the calling program, not of a file.
    {JWRN_TOO_MUCH_DATA, "JWRN_TOO_MUCH_DATA", JpegDoubt::kPixels, ""},
};

constexpr JpegWarning kUnknown = {0, "", JpegDoubt::kPixels, ""};

}  // namespace

std::span<const JpegWarning> jpeg_warnings() { return kWarnings; }

const JpegWarning& jpeg_warning(int code) {
  const auto* const at = std::find_if(std::begin(kWarnings), std::end(kWarnings),
                                      [&](const JpegWarning& row) { return row.code == code; });
  return at == std::end(kWarnings) ? kUnknown : *at;
}

}  // namespace popaug::codec
