// Private to room data: the stack machine that a pickle is a program for.
#ifndef POPAUG_DATA_PICKLE_MACHINE_H_
#define POPAUG_DATA_PICKLE_MACHINE_H_

#include "popaug/data/pickle.h"

namespace popaug::source {

// Runs a pickle as data: only the instructions that build values are known here, and of calls only
// those by which NumPy writes an array and Python 3 writes bytes. Nothing is ever called, imported
// or executed; any other call is refused by name. Puts the values into `heap` and returns the
// number of the one that the program leaves. `bytes` must outlive the heap. Throws Error starting
// with heap.origin.
uint32_t run_pickle(std::string_view bytes, PickleHeap& heap);

}  // namespace popaug::source

#endif  // POPAUG_DATA_PICKLE_MACHINE_H_
