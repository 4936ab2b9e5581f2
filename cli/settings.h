// The settings of a run: one table of keys from which flags, --config files, config.toml and the
// checks all come. Order of force: defaults, preset, config file, flags.
#ifndef POPAUG_CLI_SETTINGS_H_
#define POPAUG_CLI_SETTINGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::cli {

// Every setting, resolved. Names and units as in the table of settings_table.cc.
struct Settings {
  // [data]
  std::string data;
  std::string size;
  bool scaled_decoding = false;
  std::string split;
  int64_t train_size = 0;
  int64_t val_size = 0;
  bool all_labels = false;
  // [training]
  std::string network = "wrn-28-2";
  std::string init;
  std::string model;
  int64_t epochs = 0;
  int64_t batch = 128;
  double lr = 0.1;
  std::string lr_rule = "cosine";
  double weight_decay = 5e-4;
  double momentum = 0.9;
  double clip = 5;
  double label_smoothing = 0;
  int64_t warmup_steps = 0;
  std::string conv = "exact";  // of searches and audits "fast"
  int64_t shards = 1;
  bool mixed_precision = false;
  // [augment]
  std::string augment;
  std::string schedule;
  std::string space = "pba";
  double flip = 0.5;
  int64_t pad = 4;
  int64_t cutout = 16;
  double resized_crop = 0;
  bool paper_pixels = false;
  std::string plugin;
  // [search]
  int64_t population = 16;
  int64_t rounds = 0;  // 0: from epochs
  int64_t epochs_per_round = 3;
  std::string selection = "truncation";
  double fraction = 0.25;
  double significance = 0.05;
  double reset_probability = 0.2;
  std::string amounts = "0,1,2,3";
  std::string genes;
  std::string ops;
  std::string limits;
  int64_t copies = 2;
  std::string metric = "accuracy";
  std::string start = "zero";
  bool async = false;
  std::string trainer = "network";
  std::string worker_cmd;
  // [audit]
  int64_t audit_levels = 3;
  int64_t audit_seeds = 3;
  double audit_probability = 0.5;
  // [choose]
  int64_t budget_images = 0;
  double share = 0.5;
  // [run]
  int64_t seed = 0;
  int64_t workers = 0;  // 0: one per core, or per GPU
  std::string device = "auto";
};

// Which verbs know a key.
enum VerbSet : unsigned {
  kSearchVerb = 1,
  kTrainVerb = 2,
  kCompareVerb = 4,
  kAuditVerb = 8,
  kChooseVerb = 16
};

// Reads flags of one verb and resolves them. Declare with add_flags() while the verb is built, then
// call resolve() inside the action.
class SettingsFlags {
 public:
  explicit SettingsFlags(VerbSet verb) : verb_(verb) {}

  // Adds --preset, --config and one flag per key that the verb knows.
  void add_flags(CLI::App& app);

  // Takes `config` (the config.toml of a run) where the user gave no --config and no --preset.
  void start_from(const fs::path& config);

  // Defaults, preset, config file, flags; then all checks that need no file. Throws UsageError
  // naming the flag, or the file and key, with the nearest known one. `origin_of` (may be null)
  // gets for each key that is not a default where it came from.
  Settings resolve(std::map<std::string, std::string>* origin_of = nullptr) const;

 private:
  VerbSet verb_;
  std::string preset_;
  std::string config_;
  std::map<std::string, std::string> given_;  // key -> text of the flag
};

// TOML text of every key that the verb knows: config.toml of a run directory; resolve() of a file
// with this text gives the same settings.
std::string settings_toml(const Settings& settings, VerbSet verb);
// Settings from such a text; `origin` names it in errors.
Settings settings_from_toml(const std::string& text, const std::string& origin, VerbSet verb);

// Scaled decoding is a flag of verbs without these settings too. UsageError where there is no size
// to decode towards.
inline constexpr const char* kScaledDecodingHelp =
    "Decode JPEGs at 1/2, 1/4 or 1/8 where that is still at least --size: faster, other pixels";
void check_scaled_decoding(bool scaled, const std::string& size);

// Preset names and their TOML (presets.cc).
std::vector<std::string> preset_names();
std::string preset_toml(const std::string& name);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SETTINGS_H_
