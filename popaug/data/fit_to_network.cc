// Labelled images for a network that was trained on another set.
#include <algorithm>

#include "popaug/data/classes.h"
#include "popaug/data/dataset.h"

namespace popaug {
namespace {

constexpr uint32_t kUnknown = UINT32_MAX;

std::string few(std::vector<std::string> names) {
  constexpr size_t kMost = 8;
  const size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  return join(names, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

// The network's number of each class of a set, or kUnknown.
std::vector<uint32_t> matched(const std::vector<std::string>& classes,
                              const NetworkInput& network) {
  std::vector<uint32_t> out;
  for (const std::string& name : classes) {
    const auto same = [&](const std::string& other) {
      return source::class_name(other) == source::class_name(name);
    };
    const auto at = std::find_if(network.classes.begin(), network.classes.end(), same);
    out.push_back(at == network.classes.end()
                      ? kUnknown
                      : static_cast<uint32_t>(at - network.classes.begin()));
  }
  return out;
}

void check_known(const ImageSet& split, const std::vector<std::string>& classes,
                 const std::vector<uint32_t>& match, const NetworkInput& network) {
  std::vector<size_t> counts(classes.size());
  for (const uint32_t label : split.labels) ++counts[label];
  std::vector<std::string> unknown;
  size_t images = 0;
  for (size_t c = 0; c < classes.size(); ++c) {
    if (counts[c] == 0 || match[c] != kUnknown) continue;
    unknown.push_back(classes[c]);
    images += counts[c];
  }
  if (unknown.empty()) return;
  const std::string near = nearest(unknown[0], network.classes);
  throw Error("split " + split.name + " has " + std::to_string(images) + " images of " +
              (unknown.size() == 1 ? "the class " : "the classes ") + few(unknown) + ", which " +
              network.name + " was not trained on; it knows " + few(network.classes) +
              (near.empty() ? "" : " (nearest to " + quote(unknown[0]) + ": " + quote(near) + ")") +
              ". Rename the classes, or leave these images out");
}

void convert_channels(ImageSet& split, int channels) {
  const auto pixels = std::make_shared<std::vector<uint8_t>>(
      split.count() * static_cast<size_t>(split.width) * static_cast<size_t>(split.height) *
      static_cast<size_t>(channels));
  uint8_t* to = pixels->data();
  for (const uint8_t* from = split.pixels.data(); from != split.pixels.data() + split.pixels.size();
       from += split.channels) {
    if (channels == 3) {
      to = std::fill_n(to, 3, *from);
    } else {
      *to++ = grey_value(from);
    }
  }
  split.channels = channels;
  split.pixels = *pixels;
  split.storage = pixels;
  split.digests = {};
  split.detail = {};
  split.detail_storage.reset();
}

}  // namespace

uint8_t grey_value(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

ImageSet fit_to_network(const ImageSet& split, const std::vector<std::string>& classes,
                        const NetworkInput& network, std::vector<std::string>* notes) {
  if (split.count() == 0) throw Error("split " + split.name + " has no images");
  const std::vector<uint32_t> match = matched(classes, network);
  check_known(split, classes, match, network);
  ImageSet out = split;
  for (uint32_t& label : out.labels) label = match[label];
  std::vector<std::string> absent;
  for (uint32_t c = 0; c < network.classes.size(); ++c) {
    if (std::find(out.labels.begin(), out.labels.end(), c) == out.labels.end()) {
      absent.push_back(network.classes[c]);
    }
  }
  if (!absent.empty()) {
    notes->push_back("of the network's " + std::to_string(network.classes.size()) + " classes " +
                     std::to_string(network.classes.size() - absent.size()) +
                     " have images here; without images: " + few(absent));
  }
  if (out.channels != network.channels) {
    convert_channels(out, network.channels);
    notes->push_back(network.channels == 3
                         ? "the images are grey: read as colour, as the network was trained"
                         : "the images are in colour: read as grey, as the network was trained");
  }
  return out;
}

}  // namespace popaug
