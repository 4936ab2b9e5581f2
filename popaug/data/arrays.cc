#include "popaug/data/arrays.h"

#include <algorithm>
#include <map>
#include <set>

#include "popaug/data/classes.h"
#include "popaug/data/internal/source.h"
#include "popaug/data/split_names.h"

namespace popaug {
namespace {

void check_shapes(const std::vector<ImageSet>& splits) {
  if (splits.empty()) throw Error("the data set has no split");
  const ImageSet& first = splits[0];
  std::set<std::string> names;
  for (const ImageSet& split : splits) {
    if (split.count() == 0) throw Error("split " + quote(split.name) + " has no images");
    if (!names.insert(split.name).second) {
      throw Error("split " + quote(split.name) + " is listed twice");
    }
    if (split.width != first.width || split.height != first.height ||
        split.channels != first.channels) {
      throw Error("split " + quote(split.name) + " has images of another size than " +
                  quote(first.name) + "; give a size to bring all to one");
    }
    POPAUG_ASSERT(split.pixels.size() == split.count() * split.image_bytes());
  }
}

}  // namespace

Dataset dataset_of_arrays(std::vector<ImageSet> splits, const std::vector<std::string>& names,
                          bool keep_order) {
  check_shapes(splits);
  std::vector<std::string> clean;
  for (const std::string& name : names) clean.push_back(source::class_name(name));
  std::set<std::string> present;
  for (const ImageSet& split : splits) {
    for (const uint32_t label : split.labels) {
      if (label >= clean.size()) {
        throw Error("split " + quote(split.name) + " has the label " + std::to_string(label) +
                    ", but there are " + std::to_string(clean.size()) + " names of classes");
      }
      present.insert(clean[label]);
    }
  }
  Dataset data;
  data.path = "the data set";
  data.kind = "arrays";
  if (keep_order) {
    for (const std::string& name : clean) {
      if (std::find(data.classes.begin(), data.classes.end(), name) == data.classes.end()) {
        data.classes.push_back(name);
      }
    }
  } else {
    data.classes = source::class_order(present);
  }
  std::map<std::string, uint32_t> number;
  for (const std::string& name : data.classes) number.emplace(name, number.size());
  for (ImageSet& split : splits) {
    for (uint32_t& label : split.labels) label = number.at(clean[label]);
  }
  data.splits = std::move(splits);
  return data;
}

PackReport pack_arrays(const Dataset& data, const fs::path& out, const ReadOptions& options,
                       Progress& progress, const StopToken& stop) {
  source::Source source;
  source.path = data.path;
  source.kind = data.kind;
  source.classes = data.classes;
  source.notes = data.notes;
  source.left_out = data.left_out;
  for (const ImageSet& split : data.splits) {
    source.splits.emplace_back();
    source.splits.back().split = split;
  }
  source::sort_splits(source.splits);
  return source::pack_source(std::move(source), out, options, progress, stop);
}

std::string usual_split(std::string_view name) { return source::split_name(name).split; }

}  // namespace popaug
