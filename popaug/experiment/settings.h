// The settings of an experiment: each is one row, from which flags, config files, config.toml,
// checks and records all come. Precedence, lowest to highest: defaults, preset, config file,
// values.
#ifndef POPAUG_EXPERIMENT_SETTINGS_H_
#define POPAUG_EXPERIMENT_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/base/setting.h"
#include "popaug/search/search.h"
#include "popaug/train/train.h"

namespace popaug {

// Which images a run reads, and which of them train and validate.
struct ImageSettings {
  std::string data;  // path
  std::string size;  // "", "32", "64x48"
  std::string fit = "stretch";
  bool scaled_decoding = false;
  std::string image_column, label_column;
  std::string range = "full", background = "black";
  bool allow_outside = false;
  bool keep_going = false;
  std::string split;
  int64_t train_size = 0, val_size = 0;
  bool all_labels = false;
};

// What a search varies, as text: it becomes values only once the space is known and the images
// are read (search_grammar.h).
struct SearchTexts {
  std::string space = "pba";
  std::string ops, limits, genes;
  std::string amounts = "0,1,2,3";
  std::string start = "zero";
  Strengths strengths;  // of the space; a gene of the same name takes its place
};

// All settings of one experiment. What the rooms train and search are told lies in their own
// structs; the rest is of the experiment itself.
struct ExperimentSettings {
  ImageSettings images;
  TrainSettings train;
  SearchSettings search;  // the values of its rows; search_settings() completes it
  SearchTexts searched;
  int64_t epochs = 0;  // in total; 0: not given
  int64_t rounds = 0;  // another word for the length: rounds of search.epochs_per_round epochs
  std::string augment;
  std::string schedule;
  std::string plugin;
  std::string method = "pba";       // of a search: "pba" or "screen"
  std::string trainer = "network";  // "network", "toy", "none"
  std::string worker_cmd;
  int64_t audit_levels = 3, audit_seeds = 3;
  double audit_probability = 0.5;
  std::string audited_recipes;  // separated by commas; "": the ops of the space
  int64_t budget_images = 0;
  int64_t trainings = 0, folds = 4;  // of a screening; 0: what the budget allows
  std::string screened_arms;         // separated by commas; "": the grid
  uint64_t seed = 0;
  int64_t workers = 0;  // 0: one per core, or per GPU

  // The keys, as "val_size", that a file or a value set. What only a preset or a default says may
  // be reduced to fit a small set (images.h).
  std::set<std::string> given;
  // From a preset of the paper, whose batch is reduced only where the set has fewer images.
  bool published = false;
};

// A row of the table of all settings: those of the rooms train and search with their place in
// ExperimentSettings, and the experiment's own.
struct ExperimentRow {
  Setting setting;
  SettingKind kind;
  std::function<Json(const ExperimentSettings&)> get;
  // Takes a value that check_setting() accepts.
  std::function<void(ExperimentSettings&, const Json&)> put;
  Searched searched = Searched::kNo;

  std::string name() const;  // "training.lr": table and key, as a config file's reader is told
};

// All rows, in the order of config.toml.
const std::vector<ExperimentRow>& experiment_rows();

// Where the settings of one experiment come from.
struct SettingSources {
  std::string preset;            // a name, or ""
  std::string config;            // a TOML file, or ""
  Json values = Json::object();  // key -> value: {"lr": 0.1, "network": "wrn-28-2"}
};

// Resolves the settings that the verb knows, and makes all checks that need no file. Throws
// UsageError naming the setting, or the file and key, with the nearest known one.
ExperimentSettings resolve_settings(Verbs verb, const SettingSources& sources);

// TOML text of every key that the verb knows: config.toml of a run directory; resolve_settings() of
// a file with this text gives the same settings.
std::string settings_toml(const ExperimentSettings& settings, Verbs verb);
// Settings from such a text; `origin` names it in errors.
ExperimentSettings settings_from_toml(const std::string& text, const std::string& origin,
                                      Verbs verb);

// The settings of a training that every record of a run holds, beside data and schedule.
Json trainer_json(const ExperimentSettings& settings);

// Scaled decoding is a flag of verbs without these settings too. Throws UsageError where there is
// no size to decode towards.
inline constexpr const char* kScaledDecodingHelp =
    "Decode JPEGs at 1/2, 1/4 or 1/8 where that is still at least setting \"size\": faster, other "
    "pixels";
void check_scaled_decoding(bool scaled, const std::string& size);
// The same for setting "fit", whose help this is.
inline constexpr const char* kFitHelp =
    "What setting \"size\" does to images of another shape: stretch, crop (to the centre) or pad";
void check_fit(const std::string& fit, const std::string& size);

// The presets that come with the program, data/presets/NAME.toml, and their text. The text starts
// with a comment that says what the preset is for, which preset_purpose() returns.
std::vector<std::string> preset_names();
std::string preset_toml(const std::string& name);
std::string preset_purpose(const std::string& name);
// Whether a preset repeats a search or a training of the paper.
bool is_paper_preset(const std::string& name);
// The settings that a verb takes from a preset, defaults included, as a file for SettingSources.
std::string resolved_preset(const std::string& name, Verbs verb);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_SETTINGS_H_
