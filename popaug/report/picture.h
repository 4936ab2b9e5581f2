// A schedule as a picture: in the terminal and as SVG.
#ifndef POPAUG_REPORT_PICTURE_H_
#define POPAUG_REPORT_PICTURE_H_

#include <string>
#include <vector>

#include "popaug/report/band_view.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// A compact heat map, one row per op, the strongest (largest expected share of images) first:
// time runs to the right, shade is probability, and with `colour` (256 colours, ANSI escapes) a
// digit stands where a segment starts: the level there, 0..9 over the space's range. Without
// colour, plain ASCII. Lines are at most `width` columns (at least 50) and end in a newline.
std::string terminal_picture(const Schedule& schedule, bool colour, int width);

// A population in one line, for progress: a mark for every member by score, lowest to highest, in
// the order of members, as "▁▂▅█▃" or, plain, "1259 4"; unknown scores are blank.
std::string population_line(const std::vector<double>& scores, bool plain);

// Readable table: for every op and up to `columns` moments, probability x level; the strongest
// first.
std::string schedule_table(const Schedule& schedule, int columns = 6);

// A whole SVG document: heat maps op x epoch of probability and level, and the stacked expected
// number of ops per image. With a band, cells outside it are outlined.
std::string schedule_svg(const Schedule& schedule, const BandView* band = nullptr);

// For every op its curves over the band that mutation alone produces, exits marked.
std::string band_svg(const Schedule& schedule, const BandView& band);

// PNG bytes of an SVG document by the program rsvg-convert; Error with what to install without it.
// `zoom` scales the size in pixels.
std::string svg_to_png(const std::string& svg, double zoom = 1);

}  // namespace popaug

#endif  // POPAUG_REPORT_PICTURE_H_
