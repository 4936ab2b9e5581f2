// How one number of a genome moves, and the test that says whether a donor is better. Private to
// the room.
#ifndef POPAUG_SEARCH_INTERNAL_EXPLORE_H_
#define POPAUG_SEARCH_INTERNAL_EXPLORE_H_

#include <cstdint>
#include <vector>

#include "popaug/search/settings.h"

namespace popaug {

// docs/pba.md#search: redrawn uniformly from low..high with probability rates.reset, else moved and
// clipped.
int explore_number(int value, int low, int high, const ExploreRates& rates, Random& random);

double draw_gene(const Gene& gene, Random& random);
double explore_gene(double value, const Gene& gene, const ExploreRates& rates, Random& random);

// One-sided exact test of McNemar (1947) on paired bits: the probability that, were both equally
// good, the donor would be right at least as often where exactly one of the two is right. Under
// that hypothesis each such image falls to either with probability 1/2.
double paired_p_value(const std::vector<uint8_t>& donor, const std::vector<uint8_t>& target);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_EXPLORE_H_
