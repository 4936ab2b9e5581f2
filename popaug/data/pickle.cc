#include "popaug/data/pickle.h"

#include "popaug/base/base.h"
#include "popaug/data/pickle_machine.h"

namespace popaug::source {

Pickle::Pickle(std::string_view bytes, const std::string& origin) {
  heap_.origin = origin;
  root_ = run_pickle(bytes, heap_);
}

const PickleValue* Pickle::find(const PickleValue& dict, std::string_view key) const {
  if (dict.kind != PickleValue::kDict) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& name = heap_.values[dict.items[i]];
    if (name.kind == PickleValue::kText && name.text == key)
      return &heap_.values[dict.items[i + 1]];
  }
  return nullptr;
}

Pickle::Bytes Pickle::array(const PickleValue& value, const std::string& what) const {
  const std::string where = heap_.origin + ": " + quote(what);
  if (value.kind != PickleValue::kArray || value.items.size() != 4) {
    throw Error(where + " is not an array");
  }
  const PickleValue &shape = heap_.values[value.items[0]], &dtype = heap_.values[value.items[1]],
                    &fortran = heap_.values[value.items[2]], &data = heap_.values[value.items[3]];
  if (dtype.kind != PickleValue::kDtype || (dtype.text != "u1" && dtype.text != "|u1") ||
      fortran.number != 0 || shape.kind != PickleValue::kTuple || data.kind != PickleValue::kText) {
    throw Error(where + " is not an array of unsigned bytes, row by row");
  }
  Bytes out;
  uint64_t count = 1;
  for (const uint32_t item : shape.items) {
    const int64_t side = heap_.values[item].number;
    if (side < 0 || (side > 0 && count > (uint64_t{1} << 40) / static_cast<uint64_t>(side))) {
      throw Error(where + " has an impossible shape");
    }
    out.shape.push_back(static_cast<uint64_t>(side));
    count *= static_cast<uint64_t>(side);
  }
  if (count != data.text.size()) {
    throw Error(where + " has " + std::to_string(data.text.size()) + " bytes, but declares " +
                std::to_string(count));
  }
  out.data = data.text;
  return out;
}

std::vector<int64_t> Pickle::numbers(const PickleValue& value, const std::string& what) const {
  std::vector<int64_t> out;
  if (value.kind == PickleValue::kArray) {
    for (const char byte : array(value, what).data) out.push_back(static_cast<uint8_t>(byte));
    return out;
  }
  const bool list = value.kind == PickleValue::kList || value.kind == PickleValue::kTuple;
  for (const uint32_t item : value.items) {
    if (!list || heap_.values[item].kind != PickleValue::kNumber) break;
    out.push_back(heap_.values[item].number);
  }
  if (!list || out.size() != value.items.size()) {
    throw Error(heap_.origin + ": " + quote(what) + " is not a list of whole numbers");
  }
  return out;
}

std::vector<std::string> Pickle::texts(const PickleValue& value, const std::string& what) const {
  std::vector<std::string> out;
  const bool list = value.kind == PickleValue::kList || value.kind == PickleValue::kTuple;
  for (const uint32_t item : value.items) {
    if (!list || heap_.values[item].kind != PickleValue::kText) break;
    out.emplace_back(heap_.values[item].text);
  }
  if (!list || out.size() != value.items.size()) {
    throw Error(heap_.origin + ": " + quote(what) + " is not a list of texts");
  }
  return out;
}

}  // namespace popaug::source
