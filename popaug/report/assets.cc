// The style sheet and scripts of the pages, compiled in (cmake/PopaugPages.cmake).
#include "popaug/report/html.h"

namespace popaug {
namespace {

constexpr char kStyle[] =
#include "popaug/report/report.css.inc"
    ;
constexpr char kReport[] =
#include "popaug/report/report.js.inc"
    ;
constexpr char kLive[] =
#include "popaug/report/live.js.inc"
    ;
constexpr char kD3[] =
#include "popaug/report/d3.min.js.inc"
    ;

}  // namespace

std::string_view page_style() { return kStyle; }
std::string_view report_script() { return kReport; }
std::string_view live_script() { return kLive; }
std::string_view d3_script() { return kD3; }

}  // namespace popaug
