// The families of networks, one file each: a pattern of names and how to build from it.
#ifndef POPAUG_MODEL_INTERNAL_FAMILIES_TORCH_H_
#define POPAUG_MODEL_INTERNAL_FAMILIES_TORCH_H_

#include <memory>
#include <string>
#include <vector>

#include "popaug/model/internal/network_torch.h"

namespace popaug {

// A family of networks whose names differ in numbers.
struct Family {
  std::string pattern;  // "wrn-D-K", as known_networks() shows it
  std::string example;  // "wrn-28-2": what nearest-name search knows
  // Returns a sentence that says why the name does not belong to this family, or "" if it does.
  // `ours` says whether the name has the form of this family, so the sentence is worth showing.
  std::string (*fault)(const std::string& name, bool* ours);
  std::unique_ptr<Network> (*build)(const std::string& name, const NetworkShape& shape,
                                    at::Device device);
};

Family wide_resnet_family();
Family small_resnet_family();  // for 32x32
Family resnet_family();        // as torchvision's
Family shake_shake_family();
Family pyramidnet_family();
Family efficientnet_lite_family();  // as timm's tf_efficientnet_lite0 to 4
Family mobilenet_v3_family();       // as torchvision's
// The networks as the published PBA code builds them (docs/pba.md#networks).
Family published_wide_resnet_family();
Family published_shake_shake_family();
Family published_pyramidnet_family();
Family published_resnet_family();

const std::vector<Family>& families();

// Parses `name` as `prefix` followed by `count` whole numbers joined by '-', all at least 1 and
// below 10000; empty if it has another form.
std::vector<int> numbers_after(const std::string& name, const std::string& prefix, size_t count);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FAMILIES_TORCH_H_
