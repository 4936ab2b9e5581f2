// A schedule as a picture: in the terminal and as SVG.
#ifndef POPAUG_REPORT_PICTURE_H_
#define POPAUG_REPORT_PICTURE_H_

#include <string>
#include <vector>

#include "popaug/report/band_exit.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// A compact heat map, one row per op, the strongest (largest expected share of images) first:
// time runs to the right, shade is probability, and with `colour` (256 colours, ANSI escapes) a
// digit stands where a segment starts: the level there, 0..9 over the space's range. Without
// colour, plain ASCII. Lines are at most `width` columns (at least 50) and end in a newline.
std::string terminal_picture(const Schedule& schedule, bool colour, int width);

// A population in one line, for progress: one mark for each member, in the order of members; its
// height is the score, as "▁▂▅█▃" or, plain, "1259 4". Unknown scores are blank.
std::string population_line(const std::vector<double>& scores, bool plain);

// A readable table: probability x level for every op at up to `columns` moments, the strongest op
// first.
std::string schedule_table(const Schedule& schedule, int columns = 6);

// A whole SVG document: heat maps op x epoch of probability and level, and the stacked expected
// number of ops per image. With a band, cells outside it are outlined.
std::string schedule_svg(const Schedule& schedule, const DriftBand* band = nullptr);

// Draws the curves of every op over the band that mutation alone produces, with exits marked.
std::string band_svg(const Schedule& schedule, const DriftBand& band);

// Converts an SVG document to PNG with the program rsvg-convert. If it is missing, the Error says
// what to install. `zoom` scales the size in pixels.
std::string svg_to_png(const std::string& svg, double zoom = 1);

}  // namespace popaug

#endif  // POPAUG_REPORT_PICTURE_H_
