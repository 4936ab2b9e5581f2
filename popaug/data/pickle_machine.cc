// The instructions are those of Python's pickletools, protocols 1 to 5.
#include "popaug/data/pickle_machine.h"

#include <map>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::source {
namespace {

enum Op : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kNoneOp = 'N',
  kTrue = 0x88,
  kFalse = 0x89,
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kList = 'l',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kDict = 'd',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kProto = 0x80,
  kFrame = 0x95
};

// What a call may name, and what it stands for.
enum class Call { kEncode, kReconstruct, kFromBuffer, kArrayType, kDtype, kNone };

Call call_of(std::string_view name) {
  if (name == "_codecs encode") return Call::kEncode;
  if (name == "numpy ndarray") return Call::kArrayType;
  if (name == "numpy dtype") return Call::kDtype;
  if (name == "numpy.core.multiarray _reconstruct" || name == "numpy._core.multiarray _reconstruct")
    return Call::kReconstruct;
  if (name == "numpy.core.numeric _frombuffer" || name == "numpy._core.numeric _frombuffer")
    return Call::kFromBuffer;
  return Call::kNone;
}

class Machine {
 public:
  Machine(std::string_view bytes, PickleHeap& heap)
      : heap_(heap), values_(heap.values), bytes_(bytes) {}

  uint32_t run() {
    while (step()) {
    }
    if (stack_.size() != 1 || !marks_.empty()) broken("its stack is not empty at the end");
    return stack_.back();
  }

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void broken(const std::string& why) const {
    throw Error(heap_.origin + ": the pickle is broken: " + why);
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) broken("it is cut short");
    const std::string_view out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }
  uint64_t unsigned_number(size_t size) {
    const std::string_view bytes = take(size);
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes[i])} << 8 * i;
    }
    return value;
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) broken("it is cut short");
    const std::string_view out = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }

  uint32_t make(PickleValue value) {
    values_.push_back(std::move(value));
    return static_cast<uint32_t>(values_.size() - 1);
  }
  void push(PickleValue value) { stack_.push_back(make(std::move(value))); }
  void push_text(uint64_t length) { push({Kind::kText, 0, take(length), {}}); }
  uint32_t pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) broken("a value is missing");
    const uint32_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  uint32_t top() {
    const uint32_t value = pop();
    stack_.push_back(value);
    return value;
  }
  std::vector<uint32_t> pop_to_mark() {
    if (marks_.empty()) broken("a mark is missing");
    const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    std::vector<uint32_t> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  void push_tuple(size_t count) {
    std::vector<uint32_t> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push({Kind::kTuple, 0, {}, std::move(items)});
  }
  // Adds to the list or dict on the stack.
  void extend(Kind kind, const std::vector<uint32_t>& items) {
    PickleValue& value = values_[top()];
    if (value.kind != kind || (kind == Kind::kDict && items.size() % 2 != 0)) {
      broken("items are added to what cannot take them");
    }
    value.items.insert(value.items.end(), items.begin(), items.end());
  }
  void put(uint64_t place) { memo_[place] = top(); }
  void get(uint64_t place) {
    const auto at = memo_.find(place);
    if (at == memo_.end()) broken("it refers to a value that it has not kept");
    stack_.push_back(at->second);
  }

  void push_global(const std::string& name) {
    if (call_of(name) == Call::kNone) {
      throw Error(heap_.origin + ": the pickle calls " + quote(name) +
                  ", which is not part of a data set; it is refused, and none of it was run");
    }
    heap_.owned.push_back(name);
    push({Kind::kGlobal, 0, heap_.owned.back(), {}});
  }

  const PickleValue& argument(const PickleValue& tuple, size_t i) const {
    if (i >= tuple.items.size()) broken("a call has too few arguments");
    return values_[tuple.items[i]];
  }

  // Python 3 writes bytes for Python 2 as a text that encode(..., "latin1") turns into bytes.
  PickleValue encoded(const PickleValue& text) {
    if (text.kind != Kind::kText) broken("what is encoded is not a text");
    std::string out;
    std::string_view rest = text.text;
    while (!rest.empty()) {
      const size_t length = utf8_length(rest);
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(rest[i]); };
      const uint32_t code = length == 1 ? byte(0) : (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
      if (length < 1 || length > 2 || code > 0xFF) broken("a text is not of bytes");
      out += static_cast<char>(code);
      rest.remove_prefix(length);
    }
    // Each text is encoded once; more would let a small file ask for any amount of memory.
    encoded_ += out.size();
    if (encoded_ > bytes_.size()) broken("it encodes its texts again and again");
    heap_.owned.push_back(std::move(out));
    return {Kind::kText, 0, heap_.owned.back(), {}};
  }

  PickleValue called(const PickleValue& function, const PickleValue& tuple) {
    if (function.kind != Kind::kGlobal || tuple.kind != Kind::kTuple) {
      broken("it calls what cannot be called");
    }
    switch (call_of(function.text)) {
      case Call::kEncode:
        return encoded(argument(tuple, 0));
      case Call::kReconstruct:
        return {Kind::kArray, 0, {}, {}};
      case Call::kFromBuffer:
        return {Kind::kArray, 0, {}, {tuple.items.size() == 4 ? tuple.items : bad_array()}};
      case Call::kDtype:
        return {Kind::kDtype, 0, argument(tuple, 0).text, {}};
      default:
        broken("it calls a type");
    }
  }
  std::vector<uint32_t> bad_array() const { broken("an array has too few parts"); }

  void reduce() {
    const PickleValue& tuple = values_[pop()];
    const PickleValue& function = values_[pop()];
    PickleValue result = called(function, tuple);
    if (function.kind == Kind::kGlobal && call_of(function.text) == Call::kFromBuffer) {
      // (data, dtype, shape, order) in the order of __setstate__.
      const std::vector<uint32_t> given = result.items;
      const PickleValue& order = values_[given[3]];
      const uint32_t fortran = make({Kind::kNumber, order.text != "C", {}, {}});
      result.items = {given[2], given[1], fortran, given[0]};
    }
    push(std::move(result));
  }

  // The state of an array: version, shape, dtype, whether by columns, data. A dtype's state says
  // nothing that matters for bytes.
  void build() {
    const uint32_t state = pop();
    PickleValue& value = values_[top()];
    if (value.kind == Kind::kDtype) return;
    const PickleValue& parts = values_[state];
    constexpr size_t kParts = 5;
    if (value.kind != Kind::kArray || parts.kind != Kind::kTuple || parts.items.size() != kParts) {
      broken("it sets the state of what is not an array");
    }
    value.items.assign(parts.items.begin() + 1, parts.items.end());
  }

  void push_long() {
    const uint64_t size = unsigned_number(1);
    if (size > 8) broken("a number is larger than 64 bits");
    const std::string_view bytes = take(size);
    uint64_t value = size > 0 && (bytes.back() & 0x80) ? ~uint64_t{0} : 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    push({Kind::kNumber, static_cast<int64_t>(value), {}, {}});
  }

  // One instruction; false at the end.
  bool step();
  bool step_container(uint8_t op);

  PickleHeap& heap_;
  std::deque<PickleValue>& values_;
  std::string_view bytes_;
  size_t at_ = 0;
  uint64_t encoded_ = 0;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, uint32_t> memo_;
};

bool Machine::step() {
  const auto op = static_cast<uint8_t>(unsigned_number(1));
  switch (op) {
    case kStop:
      return false;
    case kProto:
      take(1);
      return true;
    case kFrame:
      take(8);
      return true;
    case kNoneOp:
      push({});
      return true;
    case kTrue:
    case kFalse:
      push({Kind::kNumber, op == kTrue, {}, {}});
      return true;
    case kBinInt:
      push({Kind::kNumber, static_cast<int32_t>(unsigned_number(4)), {}, {}});
      return true;
    case kBinInt1:
      push({Kind::kNumber, static_cast<int64_t>(unsigned_number(1)), {}, {}});
      return true;
    case kBinInt2:
      push({Kind::kNumber, static_cast<int64_t>(unsigned_number(2)), {}, {}});
      return true;
    case kLong1:
      push_long();
      return true;
    case kShortBinString:
    case kShortBinBytes:
    case kShortBinUnicode:
      push_text(unsigned_number(1));
      return true;
    case kBinString:
    case kBinBytes:
    case kBinUnicode:
      push_text(unsigned_number(4));
      return true;
    case kBinBytes8:
    case kBinUnicode8:
    case kByteArray8:
      push_text(unsigned_number(8));
      return true;
    default:
      return step_container(op);
  }
}

bool Machine::step_container(uint8_t op) {
  switch (op) {
    case kMark:
      marks_.push_back(stack_.size());
      return true;
    case kEmptyList:
    case kEmptyTuple:
    case kEmptyDict:
      push({op == kEmptyList    ? Kind::kList
            : op == kEmptyTuple ? Kind::kTuple
                                : Kind::kDict,
            0,
            {},
            {}});
      return true;
    case kList:
    case kTuple:
      push({op == kList ? Kind::kList : Kind::kTuple, 0, {}, pop_to_mark()});
      return true;
    case kDict:
    case kSetItems: {
      const std::vector<uint32_t> items = pop_to_mark();
      if (op == kDict) push({Kind::kDict, 0, {}, {}});
      extend(Kind::kDict, items);
      return true;
    }
    case kTuple1:
    case kTuple2:
    case kTuple3:
      push_tuple(op - kTuple1 + 1u);
      return true;
    case kAppend: {
      const uint32_t item = pop();
      extend(Kind::kList, {item});
      return true;
    }
    case kAppends:
      extend(Kind::kList, pop_to_mark());
      return true;
    case kSetItem: {
      const uint32_t value = pop(), key = pop();
      extend(Kind::kDict, {key, value});
      return true;
    }
    case kBinPut:
      put(unsigned_number(1));
      return true;
    case kLongBinPut:
      put(unsigned_number(4));
      return true;
    case kMemoize:
      put(memo_.size());
      return true;
    case kBinGet:
      get(unsigned_number(1));
      return true;
    case kLongBinGet:
      get(unsigned_number(4));
      return true;
    case kGlobal: {
      const std::string module(line());
      push_global(module + " " + std::string(line()));
      return true;
    }
    case kStackGlobal: {
      const uint32_t name = pop(), module = pop();
      push_global(std::string(values_[module].text) + " " + std::string(values_[name].text));
      return true;
    }
    case kReduce:
      reduce();
      return true;
    case kBuild:
      build();
      return true;
    default:
      broken("it has the instruction " + std::to_string(op) + ", which no set of CIFAR needs");
  }
}

}  // namespace

uint32_t run_pickle(std::string_view bytes, PickleHeap& heap) {
  constexpr size_t kMost = size_t{1} << 31;  // values are numbered in 32 bits
  if (bytes.size() > kMost) throw Error(heap.origin + ": is too large for a batch of CIFAR");
  return Machine(bytes, heap).run();
}

}  // namespace popaug::source
