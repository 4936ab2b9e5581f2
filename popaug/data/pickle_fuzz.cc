// Batches of CIFAR's Python versions: CIFAR-10 (first byte even) and CIFAR-100 (odd), in pickles.
#include "popaug/data/internal/fuzz.h"
#include "popaug/data/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  if (size == 0) return 0;
  const std::string file(fuzz_text(data, size).substr(1));
  const bool ten = data[0] % 2 == 0;
  try {
    Memory memory = fuzz_memory();
    check(parse_cifar_python({file}, {"a"}, ten ? "labels" : "fine_labels", ten ? 10 : 100, "train",
                             memory)
              .split,
          ten ? 10 : 100);
  } catch (const Error&) {
  }
  try {
    const Pickle pickle(file, "a");
    if (const PickleValue* names = pickle.find(pickle.root(), "label_names")) {
      pickle.texts(*names, "label_names");
    }
  } catch (const Error&) {
  }
  return 0;
}
