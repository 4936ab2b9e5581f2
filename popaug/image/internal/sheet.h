// The letters of contact sheets.
#ifndef POPAUG_IMAGE_INTERNAL_SHEET_H_
#define POPAUG_IMAGE_INTERNAL_SHEET_H_

#include "popaug/image/image.h"

namespace popaug::sheet {

constexpr int kGlyphWidth = 5, kGlyphHeight = 8;

// Whether the glyph of `letter` is dark at (x, y); '?' for what is not printable ASCII.
bool glyph_dot(char letter, int x, int y);

}  // namespace popaug::sheet

#endif  // POPAUG_IMAGE_INTERNAL_SHEET_H_
