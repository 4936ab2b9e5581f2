// Finds the data files that come with the program: schedules, policies, presets.
#ifndef POPAUG_BASE_SHIPPED_H_
#define POPAUG_BASE_SHIPPED_H_

#include <filesystem>
#include <string>

namespace popaug {

// The folder of shipped data: $POPAUG_DATA if set, else found from where this library was loaded:
// LIB/share/popaug (a build folder, a Python wheel), LIB/../share/popaug (an installation), or one
// level further up (lib/x86_64-linux-gnu). Throws Error naming the places if there is none.
std::filesystem::path shipped_folder();

// A file or folder in it, by its path relative to it ("policies/autoaugment_cifar10.json").
// Throws Error if it is not there.
std::filesystem::path shipped_file(const std::string& relative);

}  // namespace popaug

#endif  // POPAUG_BASE_SHIPPED_H_
