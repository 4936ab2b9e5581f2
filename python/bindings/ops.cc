// The table of ops, and ops that are Python functions.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "popaug/augment/augment.h"
#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

// Calls function(image, value, uniform): image is a writable uint8 view [height, width, 4] of the
// pixels, uniform() gives the image's next uniform number in [0, 1).
void call(PyObject* function, Image& image, double value, OpContext& context) {
  nb::gil_scoped_acquire hold;
  const size_t shape[3] = {size_t(image.height()), size_t(image.width()), 4};
  // The view gets its own memory: a function that keeps it must not reach into freed pixels.
  auto pixels = std::make_unique<uint8_t[]>(image.size_bytes());
  std::copy_n(image.data(), image.size_bytes(), pixels.get());
  uint8_t* data = pixels.get();
  nb::capsule owner(pixels.release(), [](void* p) noexcept { delete[] static_cast<uint8_t*>(p); });
  nb::ndarray<nb::numpy, uint8_t> view(data, 3, shape, owner);
  const Random start = *context.random;
  auto random = std::make_shared<Random>(start);
  nb::object uniform = nb::cpp_function([random] { return random->uniform(); });
  nb::object result;
  try {
    result = nb::handle(function)(view, value, uniform);
  } catch (nb::python_error& error) {
    rethrow_own(error);  // a sentence of ours, for whoever called the library
    throw;
  }
  if (!result.is_none()) {
    throw Error(
        "an op in Python returned a value; it is expected to change the image in place and return "
        "None");
  }
  *context.random = *random;
  std::copy_n(data, image.size_bytes(), image.data());
}

}  // namespace

void bind_ops(nb::module_& m) {
  nb::class_<OpRow>(m, "OpRow")
      .def_ro("name", &OpRow::name)
      .def_ro("summary", &OpRow::summary)
      .def_ro("unit", &OpRow::unit)
      .def_prop_ro("group", [](const OpRow& row) { return group_name(row.group); })
      .def_ro("uses_value", &OpRow::uses_value)
      .def_ro("mirrors", &OpRow::mirrors)
      .def_ro("changes_grey", &OpRow::changes_grey)
      .def_ro("low", &OpRow::low)
      .def_ro("high", &OpRow::high)
      .def_ro("origin", &OpRow::origin);
  // The names of the ops that it has.
  m.def("load_plugin", [](const std::string& path) {
    nb::gil_scoped_release free;
    std::unique_lock lock(op_table_mutex());
    const PluginInfo info = load_plugin(path);
    ++op_table_generation();
    return info.ops;
  });
  m.def("op_rows", &op_rows, nb::rv_policy::copy);
  m.def(
      "register_op",
      [](const std::string& name, nb::callable function, const std::string& summary,
         const std::string& unit, bool uses_value, bool mirrors, double low, double high) {
        OpRow row;
        row.name = name;
        row.summary = summary;
        row.unit = unit;
        row.uses_value = uses_value;
        row.mirrors = mirrors;
        row.low = low;
        row.high = high;
        row.draws = true;
        row.origin = "Python";
        // Borrowed: the Python side keeps registered functions for as long as the interpreter
        // lives.
        PyObject* target = function.ptr();
        row.plain = [target](Image& image, double value, OpContext& context) {
          call(target, image, value, context);
        };
        nb::gil_scoped_release free;
        std::unique_lock lock(op_table_mutex());
        register_op(std::move(row));
        ++op_table_generation();
      },
      nb::arg("name"), nb::arg("function"), nb::arg("summary"), nb::arg("unit"),
      nb::arg("uses_value"), nb::arg("mirrors"), nb::arg("low"), nb::arg("high"));
}

std::shared_mutex& op_table_mutex() {
  static std::shared_mutex mutex;
  return mutex;
}

uint64_t& op_table_generation() {
  static uint64_t generation = 0;
  return generation;
}

}  // namespace popaug::python
