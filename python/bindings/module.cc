#include <nanobind/stl/string.h>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {

// Later translators are asked first, so the special errors follow the general one.
void bind_errors(nb::module_& m) {
  auto error = nb::exception<Error>(m, "Error", PyExc_RuntimeError);
  nb::exception<UsageError>(m, "UsageError", error.ptr());
  nb::exception<Interrupted>(m, "Interrupted", error.ptr());
}

void bind_files(nb::module_& m) {
  m.def(
      "write_file_atomic",
      [](const std::string& path, nb::bytes bytes) {
        const std::string_view view(static_cast<const char*>(bytes.data()), bytes.size());
        nb::gil_scoped_release free;
        write_file_atomic(path, view);
      },
      nb::arg("path"), nb::arg("bytes"));
  m.def("hash_hex", [](nb::bytes bytes) {
    const std::string_view view(static_cast<const char*>(bytes.data()), bytes.size());
    return hash_hex(view);
  });
  m.def("parse_toml", [](const std::string& text, const std::string& origin) {
    return json_line(parse_toml(text, origin));
  });
  m.def("to_toml", [](const std::string& json) { return to_toml(parse_json(json, "settings")); });
  m.def("available_cores", &available_cores);
}

}  // namespace popaug::python

NB_MODULE(_core, m) {
  m.attr("version") = POPAUG_VERSION;
  popaug::python::bind_errors(m);
  popaug::python::bind_files(m);
  popaug::python::bind_schedule(m);
  popaug::python::bind_ops(m);
  popaug::python::bind_engine(m);
  popaug::python::bind_search(m);
}
