// Contact sheets: images in a grid with words under them.
#include "popaug/image/internal/sheet.h"

#include <algorithm>
#include <string_view>

namespace popaug {
namespace {

using sheet::kGlyphHeight;
using sheet::kGlyphWidth;

constexpr int kMargin = 8;  // around the sheet and between cells
constexpr int kLetter = kGlyphWidth + 1;
constexpr int kCaption = kGlyphHeight + 5;
constexpr int kTitleScale = 2;
constexpr int kTitle = kTitleScale * kGlyphHeight + 8;
constexpr uint8_t kPaper[] = {250, 250, 248, 255};
constexpr uint8_t kInk[] = {40, 40, 44, 255};
constexpr int kChequer = 4;  // side of the squares under holes
constexpr uint8_t kLight[] = {235, 200, 235, 255}, kDark[] = {200, 120, 200, 255};

void write(Image& sheet, int x, int y, std::string_view text, int scale) {
  for (const char letter : text) {
    for (int v = 0; v < kGlyphHeight * scale; ++v) {
      for (int u = 0; u < kGlyphWidth * scale; ++u) {
        const bool inside = x + u < sheet.width() && y + v < sheet.height();
        if (inside && sheet::glyph_dot(letter, u / scale, v / scale)) {
          std::copy_n(kInk, 4, sheet.pixel(x + u, y + v));
        }
      }
    }
    x += kLetter * scale;
  }
}

// At most `room` pixels of text; ".." where something was cut off.
std::string fit(const std::string& text, int room, int scale) {
  const size_t letters = static_cast<size_t>(std::max(0, room / (kLetter * scale)));
  if (text.size() <= letters) return text;
  return letters > 2 ? text.substr(0, letters - 2) + ".." : text.substr(0, letters);
}

void place(Image& sheet, const Image& image, int left, int top, int zoom) {
  for (int y = 0; y < image.height() * zoom; ++y) {
    for (int x = 0; x < image.width() * zoom; ++x) {
      const uint8_t* p = image.pixel(x / zoom, y / zoom);
      if (p[3] == 0) p = (x / kChequer + y / kChequer) % 2 == 0 ? kLight : kDark;
      std::copy_n(p, 3, sheet.pixel(left + x, top + y));
    }
  }
}

}  // namespace

Image contact_sheet(const std::vector<SheetCell>& cells, int columns, int zoom,
                    const std::string& title) {
  POPAUG_ASSERT(columns > 0 && zoom > 0);
  int width = 1, height = 1;
  for (const SheetCell& cell : cells) {
    width = std::max(width, cell.image.width() * zoom);
    height = std::max(height, cell.image.height() * zoom);
  }
  const int count = static_cast<int>(cells.size());
  const int across = std::max(1, std::min(columns, count));
  const int rows = (count + across - 1) / across;
  const bool captions = std::any_of(cells.begin(), cells.end(),
                                    [](const SheetCell& cell) { return !cell.caption.empty(); });
  const int cell_width = width + kMargin;
  const int cell_height = height + kMargin + (captions ? kCaption : 0);
  const int top = kMargin + (title.empty() ? 0 : kTitle);
  Image sheet(kMargin + across * cell_width, std::max(1, top + rows * cell_height));
  for (size_t i = 0; i < sheet.size_bytes(); i += 4) std::copy_n(kPaper, 4, sheet.data() + i);
  const int room = sheet.width() - 2 * kMargin;
  const bool wide = static_cast<int>(title.size()) * kLetter * kTitleScale > room;
  const int scale = wide ? 1 : kTitleScale;
  write(sheet, kMargin, kMargin, fit(title, room, scale), scale);
  for (int i = 0; i < count; ++i) {
    const SheetCell& cell = cells[i];
    const int x = kMargin + i % across * cell_width;
    const int y = top + i / across * cell_height;
    place(sheet, cell.image, x, y, zoom);
    write(sheet, x, y + height + 3, fit(cell.caption, width + kMargin - 2, 1), 1);
  }
  return sheet;
}

}  // namespace popaug
