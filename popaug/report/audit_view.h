// An audit of ops as a picture.
#ifndef POPAUG_REPORT_AUDIT_VIEW_H_
#define POPAUG_REPORT_AUDIT_VIEW_H_

#include <string>

#include "popaug/compare/compare.h"

namespace popaug {

// Draws a whole SVG document: heat maps (op x level) of affinity, diversity and gain side by side,
// with the figures in the cells. Harmful cells are outlined.
std::string audit_svg(const Audit& audit);

}  // namespace popaug

#endif  // POPAUG_REPORT_AUDIT_VIEW_H_
