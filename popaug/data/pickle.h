// Private to room data: the subset of Python's pickles that the Python version of CIFAR is made of.
#ifndef POPAUG_DATA_PICKLE_H_
#define POPAUG_DATA_PICKLE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace popaug::source {

struct PickleValue {
  enum Kind { kNone, kNumber, kText, kList, kTuple, kDict, kArray, kDtype, kGlobal };
  Kind kind = kNone;
  int64_t number = 0;
  std::string_view text;        // of a text or bytes; the name of a dtype ("u1") or global
  std::vector<uint32_t> items;  // of a list or tuple; of a dict, keys and values in turn;
                                // of an array: shape, dtype, order, data
};

// The values of a pickle, which refer to each other by number.
struct PickleHeap {
  std::string origin;              // names the file in errors
  std::deque<PickleValue> values;  // stays in place while it grows
  std::deque<std::string> owned;   // texts that were converted
};

// A pickle, read as data: nothing of it is executed (pickle_machine.h).
class Pickle {
 public:
  // `bytes` must outlive it. Throws Error starting with `origin` for anything else.
  Pickle(std::string_view bytes, const std::string& origin);

  const PickleValue& root() const { return heap_.values[root_]; }
  const PickleValue& at(uint32_t index) const { return heap_.values[index]; }
  // The value of a key of the dictionary `dict`, or nullptr.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;
  // An array of bytes, by rows.
  struct Bytes {
    std::vector<uint64_t> shape;
    std::string_view data;
  };
  // Throws Error naming `what` if the value is not an array of unsigned bytes that fits its shape.
  Bytes array(const PickleValue& value, const std::string& what) const;
  // A list (or array of bytes) of whole numbers; Error naming `what` for anything else.
  std::vector<int64_t> numbers(const PickleValue& value, const std::string& what) const;
  std::vector<std::string> texts(const PickleValue& value, const std::string& what) const;

 private:
  PickleHeap heap_;
  uint32_t root_ = 0;
};

}  // namespace popaug::source

#endif  // POPAUG_DATA_PICKLE_H_
