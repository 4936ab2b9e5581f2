// One NumPy array file (numpy.lib.format, versions 1 to 3).
#ifndef POPAUG_DATA_INTERNAL_NPY_H_
#define POPAUG_DATA_INTERNAL_NPY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace popaug {

struct NpyArray {
  std::string type;  // "|u1", "<i8", "<U5", ...
  bool by_columns = false;
  std::vector<uint64_t> shape;
  std::string_view data;  // into the bytes that were parsed

  // Element `i` of an integer or floating-point array.
  double number(size_t i) const;
  // An array of texts ("<U5") or bytes ("|S5"); element `i` of it as UTF-8, without the zeros that
  // fill it up.
  bool is_text() const { return type[1] == 'U' || type[1] == 'S'; }
  std::string text_at(size_t i) const;
  // "|u1 of 100x28x28".
  std::string text() const;
};

// Throws Error starting with `where` for anything but an array of whole numbers, floats or texts
// whose data fits its shape exactly.
NpyArray parse_npy(std::string_view bytes, const std::string& where);

}  // namespace popaug

#endif  // POPAUG_DATA_INTERNAL_NPY_H_
