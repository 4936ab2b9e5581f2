#include "popaug/augment/load_plugin.h"

#include <dlfcn.h>

#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "popaug/augment/op.h"
#include "popaug/augment/plugin.h"

namespace popaug {
namespace {

uint32_t below(void* state, uint32_t n) {
  return static_cast<Random*>(state)->below(n == 0 ? 1 : n);
}
double uniform(void* state) { return static_cast<Random*>(state)->uniform(); }

constexpr size_t kGuard = 4096;
constexpr uint8_t kGuardByte = 0xA5;

// Pixels between two guards, so that a write outside is noticed instead of being met later as a
// strange crash. A copy of 4 KiB and more per call, small against what a plugin op costs.
class GuardedPixels {
 public:
  explicit GuardedPixels(const Image& image) : bytes_(image.size_bytes() + 2 * kGuard, kGuardByte) {
    std::memcpy(pixels(), image.data(), image.size_bytes());
  }
  uint8_t* pixels() { return bytes_.data() + kGuard; }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i) {
      if (bytes_[i] != kGuardByte || bytes_[bytes_.size() - 1 - i] != kGuardByte) return false;
    }
    return true;
  }

 private:
  std::vector<uint8_t> bytes_;
};

// Calls into the plugin. Whatever it throws becomes an Error that names it: an exception must not
// reach a thread that knows nothing of plugins.
template <typename Call>
auto call_plugin(const std::string& who, Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    throw Error(who + " threw an exception: " + printable_line(error.what()));
  } catch (...) {
    throw Error(who + " threw something that is not an exception");
  }
}

OpFunction wrap(const popaug_op* op, const std::string& who) {
  return [op, who](Image& image, double value, OpContext& context) {
    GuardedPixels guarded(image);
    const popaug_random random{below, uniform, context.random};
    const bool draws = (op->flags & POPAUG_OP_DRAWS) != 0;
    POPAUG_ASSERT(!draws || context.random != nullptr);
    const popaug_call call{.pixels = guarded.pixels(),
                           .width = image.width(),
                           .height = image.height(),
                           .value = value,
                           .black_fill = context.hole_fill ? 0 : 1,
                           .grey = context.grey ? 1 : 0,
                           .random = draws ? &random : nullptr};
    const int32_t status = call_plugin(who, [&] { return op->apply(&call); });
    if (status != 0) {
      throw Error(who + " failed with number " + std::to_string(status) + " on an image of " +
                  std::to_string(image.width()) + "x" + std::to_string(image.height()) +
                  ", value " + number_text(value));
    }
    if (!guarded.intact()) {
      throw Error(who + " wrote outside the pixels of an image of " +
                  std::to_string(image.width()) + "x" + std::to_string(image.height()));
    }
    std::memcpy(image.data(), guarded.pixels(), image.size_bytes());
  };
}

constexpr size_t kLongestText = 1000;

// At most kLongestText bytes of what may be no string at all.
std::string text_of(const char* text) {
  return text == nullptr ? "" : std::string(text, ::strnlen(text, kLongestText));
}

OpRow row_of(const popaug_op& op, const std::string& origin) {
  const std::string name = text_of(op.name);
  const std::string who = origin + ": op " + quote(name);
  constexpr uint32_t kKnown = POPAUG_OP_USES_VALUE | POPAUG_OP_MIRRORS | POPAUG_OP_DRAWS |
                              POPAUG_OP_KEEPS_GREY | POPAUG_OP_HAS_IDENTITY;
  if ((op.flags & ~kKnown) != 0) throw Error(who + " has flags that this popaug does not know");
  if (op.apply == nullptr) throw Error(who + " has no function");
  OpRow row;
  row.name = name;
  row.summary = text_of(op.summary);
  row.unit = text_of(op.unit);
  row.uses_value = (op.flags & POPAUG_OP_USES_VALUE) != 0;
  row.mirrors = (op.flags & POPAUG_OP_MIRRORS) != 0;
  row.draws = (op.flags & POPAUG_OP_DRAWS) != 0;
  row.changes_grey = (op.flags & POPAUG_OP_KEEPS_GREY) == 0;
  row.has_identity = row.uses_value && (op.flags & POPAUG_OP_HAS_IDENTITY) != 0;
  row.identity = op.identity;
  row.low = op.low;
  row.high = op.high;
  row.origin = origin;
  row.plain = wrap(&op, who);
  return row;
}

// Opens the file and finds its table, or says in a sentence why not.
const popaug_plugin& open_plugin(const fs::path& path, const std::string& shown) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) throw Error(shown + ": there is no such plugin file");
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    throw Error(shown + ": cannot be loaded as a plugin: " + text_of(reason));
  }
  const auto entry =
      reinterpret_cast<const popaug_plugin* (*)()>(dlsym(handle, "popaug_plugin_entry"));
  const auto fail = [&](const std::string& sentence) {
    dlclose(handle);
    throw Error(shown + ": " + sentence);
  };
  if (entry == nullptr) {
    fail("is a shared object, but exports no popaug_plugin_entry (see popaug/augment/plugin.h)");
  }
  const popaug_plugin* plugin =
      call_plugin(shown + ": popaug_plugin_entry", [&] { return entry(); });
  if (plugin == nullptr) fail("popaug_plugin_entry gave no table");
  if (plugin->abi != POPAUG_PLUGIN_ABI || plugin->op_size != sizeof(popaug_op)) {
    fail("speaks version " + std::to_string(plugin->abi) + " of the plugin interface (ops of " +
         std::to_string(plugin->op_size) + " bytes); this popaug speaks version " +
         std::to_string(POPAUG_PLUGIN_ABI) + " (" + std::to_string(sizeof(popaug_op)) +
         " bytes): build it against this popaug's popaug/augment/plugin.h");
  }
  if (plugin->ops == nullptr || plugin->op_count < 1 || plugin->op_count > 256) {
    fail("has " + std::to_string(plugin->op_count) + " ops; expected 1..256");
  }
  return *plugin;
}

}  // namespace

PluginInfo load_plugin(const fs::path& path) {
  static std::mutex mutex;
  static std::map<std::string, PluginInfo> loaded;
  const std::lock_guard lock(mutex);
  std::error_code ignored;
  const fs::path real = fs::weakly_canonical(path, ignored);
  const auto known = loaded.find(real.string());
  if (known != loaded.end()) return known->second;

  const std::string shown = show_path(path);
  const popaug_plugin& plugin = open_plugin(real, shown);
  PluginInfo info{.path = path.string(),
                  .name = text_of(plugin.name),
                  .version = text_of(plugin.version),
                  .ops = {}};
  std::vector<OpRow> rows;
  for (size_t i = 0; i < plugin.op_count; ++i) {
    rows.push_back(row_of(plugin.ops[i], shown));
    info.ops.push_back(rows.back().name);
  }
  register_ops(std::move(rows));
  loaded.emplace(real.string(), info);
  return info;
}

}  // namespace popaug
