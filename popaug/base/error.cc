#include "popaug/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace popaug {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\nThis is a bug in popaug.\n", file, line,
               condition);
  std::abort();
}

}  // namespace popaug
