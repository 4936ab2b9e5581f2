// Policy, rule and base transforms as JSON: any bytes give a value that survives the way back, or
// an Error. A sound policy is also drawn from.
#include <cstdint>
#include <string_view>

#include "popaug/augment/augment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Json json = parse_json(text, "fuzz");
    const Space space = space_by_name("pba");
    JsonReader reader(json, "fuzz");
    const Rule rule = rule_from_json(reader.object("rule"), "fuzz: rule");
    const BaseTransforms base = base_from_json(reader.object("base"), "fuzz: base");
    const Policy policy = policy_from_json(reader.array("policy"), space, "fuzz: policy");
    reader.finish();
    check_policy(policy, rule, space, "fuzz");
    POPAUG_ASSERT(policy_from_json(policy_to_json(policy, space), space, "back") == policy);
    POPAUG_ASSERT(rule_from_json(rule_to_json(rule), "back") == rule);
    POPAUG_ASSERT(base_from_json(base_to_json(base), "back") == base);
    for (uint64_t sample = 0; sample < 4; ++sample) {
      for (const Draw& draw : draw_ops(space, rule, policy, {.sample = sample})) {
        POPAUG_ASSERT(draw.op >= 0 && draw.op < static_cast<int>(space.ops.size()));
        POPAUG_ASSERT(draw.level >= 0 && draw.level < space.levels);
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
