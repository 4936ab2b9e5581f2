// How image files are read, as Python says it.
#ifndef POPAUG_PYTHON_BINDINGS_READING_H_
#define POPAUG_PYTHON_BINDINGS_READING_H_

#include <string>

#include "popaug/data/data.h"

namespace popaug::python {

// The options of reading, of a JSON object. Throws Error or UsageError.
ReadOptions reading_options(const std::string& text);

}  // namespace popaug::python

#endif  // POPAUG_PYTHON_BINDINGS_READING_H_
