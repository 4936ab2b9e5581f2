// The extension module popaug._core: each file binds one part of the library.
//
// Values cross as JSON texts, in the shapes of docs/formats (schedule, space, policy, settings), so
// that the library's own readers check them; arrays cross without a copy.
#ifndef POPAUG_PYTHON_BINDINGS_BINDINGS_H_
#define POPAUG_PYTHON_BINDINGS_BINDINGS_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <shared_mutex>
#include <string>

#include "popaug/base/base.h"

namespace popaug::python {

void bind_errors(nanobind::module_& m);      // Error, UsageError, Interrupted
void bind_files(nanobind::module_& m);       // durable files, for workers and drivers
void bind_schedule(nanobind::module_& m);    // spaces, policies, schedules as JSON
void bind_engine(nanobind::module_& m);      // Engine: batches through a schedule
void bind_ops(nanobind::module_& m);         // the table of ops, and ops written in Python
void bind_geometry(nanobind::module_& m);    // Geometry: where masks and boxes move
void bind_data(nanobind::module_& m);        // image sets as arrays, and packed from arrays
void bind_loader(nanobind::module_& m);      // BatchLoader: batches made ahead by threads
void bind_search(nanobind::module_& m);      // SearchRun, Population, journal
void bind_comparison(nanobind::module_& m);  // OwnComparison: arms x seeds of own trainings
void bind_experiment(nanobind::module_& m);  // the recipes of the program's verbs

// Throws the library's UsageError, Interrupted or Error for a Python exception of that type;
// returns for any other. With the interpreter's lock held.
void rethrow_own(nanobind::python_error& error);

// A message of the library in the words of Python: "--resume" is "resume=True", "--out DIR" is
// "out=". Whole commands ("popaug search --resume") stay as they are.
std::string in_python(const std::string& text);

// An op may be registered while engines exist, and their prepared plans point into the table: plans
// are made and run under a shared lock, and made anew when the generation has changed.
std::shared_mutex& op_table_mutex();
uint64_t& op_table_generation();

}  // namespace popaug::python

#endif  // POPAUG_PYTHON_BINDINGS_BINDINGS_H_
