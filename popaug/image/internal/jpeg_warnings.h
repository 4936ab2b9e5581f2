// What each warning of libjpeg-turbo means for the pixels.
#ifndef POPAUG_IMAGE_INTERNAL_JPEG_WARNINGS_H_
#define POPAUG_IMAGE_INTERNAL_JPEG_WARNINGS_H_

#include <span>

namespace popaug::codec {

enum class JpegDoubt {
  kNone,      // says nothing about pixels: not even noted
  kNoted,     // every pixel is as its author wrote it: a note names the file
  kAtTheEnd,  // pixels are missing if parts of the image had not been read yet
  kPixels,    // pixels were guessed: the file is refused
};

// A warning, by the code and the name that the library gives it. Notes continue "3 images ...".
struct JpegWarning {
  int code;
  const char* name;
  JpegDoubt doubt;
  const char* note;  // of kNoted and kAtTheEnd
};

// All warnings of the library that this was built with, in the order of the page
// docs/formats/data.md.
std::span<const JpegWarning> jpeg_warnings();

// The row of a code. A code that is not listed, of a newer library, doubts the pixels.
const JpegWarning& jpeg_warning(int code);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_JPEG_WARNINGS_H_
