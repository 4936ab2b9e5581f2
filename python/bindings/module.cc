#include <nanobind/stl/string.h>

#include <exception>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {

namespace {

// The exception types of Python, made once.
PyObject *error_type, *usage_error_type, *interrupted_type;

PyObject* new_type(nb::module_& m, const char* name, PyObject* base) {
  const std::string full = std::string("popaug._core.") + name;
  PyObject* type = PyErr_NewException(full.c_str(), base, nullptr);
  m.attr(name) = nb::borrow(type);
  return type;
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const UsageError& error) {
    PyErr_SetString(usage_error_type, in_python(error.what()).c_str());
  } catch (const Interrupted& error) {
    PyErr_SetString(interrupted_type, in_python(error.what()).c_str());
  } catch (const Error& error) {
    PyErr_SetString(error_type, in_python(error.what()).c_str());
  }
}

}  // namespace

void rethrow_own(nb::python_error& error) {
  if (!error.matches(error_type)) return;
  const std::string sentence = nb::cast<std::string>(nb::str(error.value()));
  if (error.matches(usage_error_type)) throw UsageError(sentence);
  if (error.matches(interrupted_type)) throw Interrupted(sentence);
  throw Error(sentence);
}

void bind_errors(nb::module_& m) {
  error_type = new_type(m, "Error", PyExc_RuntimeError);
  usage_error_type = new_type(m, "UsageError", error_type);
  interrupted_type = new_type(m, "Interrupted", error_type);
  nb::register_exception_translator(translate);
  m.def("in_python", &in_python);
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
  // Worker processes end without tearing the interpreter down, so objects are still alive then.
  nb::set_leak_warnings(false);
  m.attr("version") = POPAUG_VERSION;
  popaug::python::bind_errors(m);
  popaug::python::bind_files(m);
  popaug::python::bind_schedule(m);
  popaug::python::bind_ops(m);
  popaug::python::bind_engine(m);
  popaug::python::bind_geometry(m);
  popaug::python::bind_data(m);
  popaug::python::bind_loader(m);
  popaug::python::bind_search(m);
  popaug::python::bind_comparison(m);
  popaug::python::bind_experiment(m);
}
