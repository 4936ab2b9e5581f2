// The search: the state machine in its run directory, driven from Python.
#include "popaug/search/search.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {

void bind_search(nb::module_& m) { m.attr("worker_protocol") = kWorkerProtocol; }

}  // namespace popaug::python
