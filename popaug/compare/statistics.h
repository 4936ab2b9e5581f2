// Statistics of a comparison: means, paired differences, Holm's correction, and the number of seeds
// that a test needs.
#ifndef POPAUG_COMPARE_STATISTICS_H_
#define POPAUG_COMPARE_STATISTICS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace popaug {

struct Interval {
  double low = 0, high = 0;
};

// Mean and spread of one arm over seeds.
struct MeanSummary {
  int count = 0;
  double mean = 0;
  double deviation = 0;  // sample standard deviation (n - 1); 0 for one value
  Interval interval;     // 95 % by Student's t; NaN below two values
};
// Throws Error for an empty list or a value that is not finite.
MeanSummary summarise(std::span<const double> values);

// The paired difference a - b over seeds (same split, initial weights and data order per seed).
struct PairedDifference {
  int count = 0;
  double mean = 0;
  double deviation = 0;  // of the differences
  Interval interval;     // 95 % by Student's t
  double p = 1;          // two-sided, paired t test; 0 or 1 if all differences are equal
};
// Throws Error unless both have the same length of at least two.
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b);

// Holm's step-down adjusted p values, in the order of `p` (Holm 1979).
std::vector<double> holm(std::span<const double> p);

// Smallest number of seeds at which a two-sided paired t test at `alpha` finds a true difference of
// `effect` with probability `power`, given the deviation of the differences; by the noncentral t
// distribution. At least 2; capped at 100,000.
int seeds_needed(double deviation, double effect, double alpha = 0.05, double power = 0.8);

// Variance of a share (0..1) of so many images, as the images are a sample. One image more on
// either side (Laplace) keeps it above 0.
double share_variance(double share, int64_t images);

// 95 % interval of a share by Wilson's score (Wilson 1927). `total` at least 1.
Interval wilson(int64_t hits, int64_t total);

}  // namespace popaug

#endif  // POPAUG_COMPARE_STATISTICS_H_
