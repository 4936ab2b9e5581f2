// Which images train and which validate: stratified by label, drawn by seed.
#include "popaug/data/stratify.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "popaug/base/setting.h"

namespace popaug {
namespace {

// Streams of Purpose::kSplit: which kind of split a draw belongs to.
enum Stream : uint64_t { kStratified = 0, kGroups = 1, kFolds = 2 };

using Indices = std::vector<uint32_t>;

std::vector<Indices> by_class(const ImageSet& split) {
  std::vector<Indices> classes;
  for (size_t i = 0; i < split.count(); ++i) {
    if (split.labels[i] >= classes.size()) classes.resize(split.labels[i] + 1);
    classes[split.labels[i]].push_back(static_cast<uint32_t>(i));
  }
  return classes;
}

template <typename T>
void shuffle(std::vector<T>& items, const RandomKey& key) {
  Random random(key);
  for (size_t n = items.size(); n > 1; --n) {
    std::swap(items[n - 1], items[random.below(static_cast<uint32_t>(n))]);
  }
}

// `total` shared out in proportion to `sizes`: the whole part each, the rest by largest fraction
// (ties to the lower index). A class gets `least` (or all that it has) even where its share is
// smaller, taken from the largest, as far as `total` allows.
std::vector<size_t> quotas(const std::vector<size_t>& sizes, size_t total, size_t least) {
  const uint64_t all = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  std::vector<size_t> quota(sizes.size());
  std::vector<std::pair<uint64_t, size_t>> fractions;  // (inverted remainder, class)
  size_t given = 0;
  for (size_t c = 0; c < sizes.size(); ++c) {
    const uint64_t product = uint64_t{sizes[c]} * total;
    quota[c] = product / all;
    given += quota[c];
    fractions.emplace_back(all - product % all, c);
  }
  std::sort(fractions.begin(), fractions.end());
  for (size_t i = 0; given < total; ++i, ++given) ++quota[fractions[i].second];
  for (size_t c = 0; c < sizes.size(); ++c) {
    while (quota[c] < std::min(least, sizes[c])) {
      const auto largest = std::max_element(quota.begin(), quota.end());
      if (*largest <= least) return quota;
      --*largest;
      ++quota[c];
    }
  }
  return quota;
}

[[noreturn]] void fail(const ImageSet& split, const std::string& sentence) {
  throw UsageError("split " + quote(split.name) + ": " + sentence);
}

std::string images_text(size_t count) {
  return std::to_string(count) + (count == 1 ? " image" : " images");
}

// Each class that has images must stand on both sides.
void check_sides(const ImageSet& split, const std::vector<size_t>& sizes,
                 const std::vector<size_t>& train, const std::vector<size_t>& validation) {
  const auto classes = static_cast<size_t>(
      std::count_if(sizes.begin(), sizes.end(), [](size_t n) { return n > 0; }));
  const auto total = [](const std::vector<size_t>& part) {
    return std::accumulate(part.begin(), part.end(), size_t{0});
  };
  std::vector<std::string> short_ones;  // settings that ask for fewer images than classes
  if (total(train) < classes) {
    short_ones.push_back(name_setting("train_size") + " " + std::to_string(classes));
  }
  if (total(validation) < classes) {
    short_ones.push_back(name_setting("val_size") + " " + std::to_string(classes));
  }
  for (size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] == 0 || (train[c] > 0 && validation[c] > 0)) continue;
    const std::string label = "label " + std::to_string(c) + " has " + images_text(sizes[c]);
    if (sizes[c] == 1) {
      fail(split, label + "; at least 2 are needed, one to train on and one to validate on");
    }
    fail(split, label + ", of which none would be in " +
                    (train[c] == 0 ? "training" : "validation") + "; give " +
                    join(short_ones, " and ") + " or more, one for each class");
  }
}

TrainValSplit plain_split(const ImageSet& split, size_t train_size, size_t val_size,
                          uint64_t seed) {
  std::vector<Indices> classes = by_class(split);
  std::vector<size_t> sizes;
  for (const Indices& one : classes) sizes.push_back(one.size());
  // Shared out together first, so that no class is asked for more than it has.
  const std::vector<size_t> both = quotas(sizes, train_size + val_size, 2);
  std::vector<size_t> train = quotas(both, train_size, 1), validation(both.size());
  for (size_t c = 0; c < both.size(); ++c) {
    if (train[c] == both[c] && both[c] > 1 && val_size > 0) {
      // Rounding gave a rare class to training whole: one goes to validation, and training takes
      // one of the class that has most left.
      size_t most = c;
      size_t left = 1;
      for (size_t d = 0; d < both.size(); ++d) {
        if (d != c && both[d] - train[d] > left) {
          most = d;
          left = both[d] - train[d];
        }
      }
      if (most != c) {
        --train[c];
        ++train[most];
      }
    }
  }
  for (size_t c = 0; c < both.size(); ++c) validation[c] = both[c] - train[c];
  if (train_size > 0 && val_size > 0) check_sides(split, sizes, train, validation);
  TrainValSplit plan;
  for (size_t c = 0; c < classes.size(); ++c) {
    shuffle(classes[c],
            {.seed = seed, .purpose = Purpose::kSplit, .stream = kStratified, .sample = c});
    const auto begin = classes[c].begin();
    plan.train.insert(plan.train.end(), begin, begin + train[c]);
    plan.validation.insert(plan.validation.end(), begin + train[c], begin + both[c]);
  }
  return plan;
}

using Counts = std::vector<size_t>;

struct Group {
  Indices images;
  Counts labels;  // images per class
};

std::vector<Group> groups_of(const ImageSet& split, size_t classes) {
  std::map<std::string, Group> named;
  for (size_t i = 0; i < split.count(); ++i) {
    Group& group = named[split.groups[i]];
    group.labels.resize(classes);
    group.images.push_back(static_cast<uint32_t>(i));
    ++group.labels[split.labels[i]];
  }
  std::vector<Group> groups;
  for (auto& [name, group] : named) groups.push_back(std::move(group));
  return groups;
}

double distance(const Counts& have, const Counts& want) {
  double sum = 0;
  for (size_t c = 0; c < want.size(); ++c) {
    const double gap = static_cast<double>(have[c]) - static_cast<double>(want[c]);
    sum += gap * gap / (1 + static_cast<double>(want[c]));
  }
  return sum;
}

// Keeps `size` of the images, each class in its share.
void thin(const ImageSet& split, Indices& images, size_t size, uint64_t seed) {
  if (images.size() <= size) return;
  std::map<uint32_t, Indices> classes;
  for (const uint32_t i : images) classes[split.labels[i]].push_back(i);
  std::vector<size_t> sizes;
  for (const auto& [label, one] : classes) sizes.push_back(one.size());
  const std::vector<size_t> quota = quotas(sizes, size, 1);
  images.clear();
  size_t c = 0;
  for (auto& [label, one] : classes) {
    shuffle(
        one,
        {.seed = seed, .purpose = Purpose::kSplit, .stream = kGroups, .epoch = 1, .sample = label});
    images.insert(images.end(), one.begin(), one.begin() + quota[c++]);
  }
}

// Whole groups go to validation while that brings its classes nearer to their shares; the best of
// several random orders is taken.
TrainValSplit group_split(const ImageSet& split, size_t train_size, size_t val_size,
                          uint64_t seed) {
  Counts sizes;
  for (const Indices& one : by_class(split)) sizes.push_back(one.size());
  const std::vector<Group> groups = groups_of(split, sizes.size());
  const Counts want = quotas(sizes, val_size, 1);
  constexpr size_t kOrders = 64;
  double best = std::numeric_limits<double>::infinity();
  std::vector<bool> chosen;
  for (size_t order = 0; order < kOrders; ++order) {
    std::vector<size_t> visit(groups.size());
    std::iota(visit.begin(), visit.end(), size_t{0});
    shuffle(visit, {.seed = seed, .purpose = Purpose::kSplit, .stream = kGroups, .sample = order});
    std::vector<bool> taken(groups.size());
    Counts have(sizes.size());
    size_t images = 0;
    for (const size_t g : visit) {
      Counts with = have;
      for (size_t c = 0; c < with.size(); ++c) with[c] += groups[g].labels[c];
      const size_t grown = images + groups[g].images.size();
      if (grown > val_size || distance(with, want) >= distance(have, want)) continue;
      taken[g] = true;
      have = with;
      images = grown;
    }
    double cost = distance(have, want);
    for (size_t c = 0; c < sizes.size(); ++c) {
      constexpr double kMissing = 1e9;  // a class on one side only
      if (sizes[c] > 0 && (have[c] == 0 || have[c] == sizes[c])) cost += kMissing;
    }
    if (cost < best) {
      best = cost;
      chosen = taken;
    }
  }
  TrainValSplit plan;
  Counts train(sizes.size()), validation(sizes.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    Indices& side = chosen[g] ? plan.validation : plan.train;
    side.insert(side.end(), groups[g].images.begin(), groups[g].images.end());
  }
  thin(split, plan.train, train_size, seed);
  for (const uint32_t i : plan.train) ++train[split.labels[i]];
  for (const uint32_t i : plan.validation) ++validation[split.labels[i]];
  for (size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] == 0 || (train[c] > 0 && validation[c] > 0)) continue;
    fail(split, "label " + std::to_string(c) +
                    " cannot be in both training and validation without dividing a group; it "
                    "needs images of at least 2 groups, small enough for the requested sizes");
  }
  return plan;
}

}  // namespace

TrainValSplit stratified_split(const ImageSet& split, size_t train_size, size_t val_size,
                               uint64_t seed) {
  const size_t count = split.count();
  if (train_size + val_size > count || train_size + val_size < train_size) {
    fail(split, "has " + images_text(count) + "; " + std::to_string(train_size) +
                    " for training and " + std::to_string(val_size) +
                    " for validation are more than that");
  }
  if (train_size + val_size == 0) return {};
  const bool grouped = !split.groups.empty() && train_size > 0 && val_size > 0;
  TrainValSplit plan = grouped ? group_split(split, train_size, val_size, seed)
                               : plain_split(split, train_size, val_size, seed);
  std::sort(plan.train.begin(), plan.train.end());
  std::sort(plan.validation.begin(), plan.validation.end());
  return plan;
}

std::vector<std::vector<uint32_t>> stratified_folds(const ImageSet& split, size_t folds,
                                                    uint64_t seed) {
  if (folds < 2) fail(split, "cross-validation needs at least 2 folds");
  // Units that stay together: images, or groups. Largest first, each to the fold that has least of
  // its labels, then fewest images, then the lowest number.
  std::vector<Indices> classes = by_class(split);
  std::vector<Group> units;
  if (!split.groups.empty()) {
    units = groups_of(split, classes.size());
    shuffle(units, {.seed = seed, .purpose = Purpose::kSplit, .stream = kFolds});
    std::stable_sort(units.begin(), units.end(), [](const Group& a, const Group& b) {
      return a.images.size() > b.images.size();
    });
  }
  if (folds > (units.empty() ? split.count() : units.size())) {
    fail(split, "has " +
                    (units.empty() ? images_text(split.count())
                                   : std::to_string(units.size()) + " groups") +
                    ", too few for " + std::to_string(folds) + " folds");
  }
  std::vector<Indices> out(folds);
  if (units.empty()) {
    size_t next = 0;  // continues from class to class, so that the folds' sizes stay even too
    for (size_t c = 0; c < classes.size(); ++c) {
      shuffle(classes[c],
              {.seed = seed, .purpose = Purpose::kSplit, .stream = kFolds, .sample = c + 1});
      for (const uint32_t i : classes[c]) out[next++ % folds].push_back(i);
    }
  } else {
    std::vector<Counts> have(folds, Counts(classes.size()));
    for (const Group& unit : units) {
      const auto load = [&](size_t f) {
        size_t shared = 0;
        for (size_t c = 0; c < classes.size(); ++c) {
          shared += have[f][c] * unit.labels[c] / std::max<size_t>(1, classes[c].size());
        }
        return std::pair(shared + out[f].size(), f);
      };
      size_t best = 0;
      for (size_t f = 1; f < folds; ++f) {
        if (load(f) < load(best)) best = f;
      }
      out[best].insert(out[best].end(), unit.images.begin(), unit.images.end());
      for (size_t c = 0; c < classes.size(); ++c) have[best][c] += unit.labels[c];
    }
  }
  for (Indices& fold : out) std::sort(fold.begin(), fold.end());
  return out;
}

}  // namespace popaug
