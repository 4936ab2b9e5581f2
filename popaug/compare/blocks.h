// Randomised blocks: arms that ran under the same seeds, compared with one pooled variance.
#ifndef POPAUG_COMPARE_BLOCKS_H_
#define POPAUG_COMPARE_BLOCKS_H_

#include <span>
#include <vector>

namespace popaug {

// The model: value = arm + seed + noise of one variance (Fisher's randomised blocks). A seed that
// is hard for all arms does not change their differences.
struct Blocks {
  int seeds = 0;
  std::vector<double> means;  // per arm
  double variance = 0;        // of the noise: what arms and seeds do not explain
  int degrees = 0;            // (arms - 1) (seeds - 1)
};

// `values`: arms x seeds, at least two of each, all rows equally long and finite; Error otherwise.
Blocks randomised_blocks(std::span<const std::vector<double>> values);

// Standard error of the difference of two arms' means.
double difference_error(const Blocks& blocks);

// Probability that Student's t with `degrees` is above `t`.
double upper_tail(double t, int degrees);

// One-sided p of "the true difference is not above 0", given the difference and its error. If the
// error is 0, p is 0, 1, or 1/2 for no difference.
double upper_p(double difference, double error, int degrees);

// The t that is exceeded with probability `tail`, 0 < tail < 1.
double upper_quantile(double tail, int degrees);

}  // namespace popaug

#endif  // POPAUG_COMPARE_BLOCKS_H_
