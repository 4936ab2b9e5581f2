// What the room's tests share. Not part of the library.
#ifndef POPAUG_SEARCH_TESTING_H_
#define POPAUG_SEARCH_TESTING_H_

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "popaug/search/search.h"

namespace popaug::testing_search {

// Searches of toys are all fsync: in memory they take seconds instead of minutes.
inline const bool temporary_in_memory = [] {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  return true;
}();

inline SearchSettings toy_settings(int population = 8, int epochs = 30, int per_round = 3) {
  SearchSettings s;
  s.population = population;
  s.epochs = epochs;
  s.epochs_per_round = per_round;
  s.seed = 7;
  s.space = space_by_name("pba");
  return s;
}

// All files of a finished run that seed, data and settings determine: name -> bytes.
inline std::map<std::string, std::string> determined_files(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(run)) {
    const std::string name = entry.path().filename();
    const bool clock = name == "run.log" || name == "result.json" || name == "lock" ||
                       name.starts_with("worker-") || entry.is_directory();
    if (!clock) files[name] = read_file(entry.path());
  }
  return files;
}

// Pearson's statistic of counts against equal expectations is beyond `limit` by chance with a
// probability that the caller states.
inline double chi_square(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < seen.size(); ++i) {
    sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  }
  return sum;
}

// Upper quantile 1e-4 of chi-square with k degrees of freedom, after Wilson and Hilferty (1931).
inline double chi_square_limit(int k) {
  const double z = 3.719, a = 2.0 / (9.0 * k);
  return k * std::pow(1 - a + z * std::sqrt(a), 3);
}

}  // namespace popaug::testing_search

#endif  // POPAUG_SEARCH_TESTING_H_
