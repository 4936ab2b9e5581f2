// popaug data: info, verify, split, convert.
#include "cli/data.h"

#include "cli/settings_flags.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"

namespace popaug::cli {

ReadOptions ReadFlags::options() const {
  ReadOptions options;
  if (!size.empty()) {
    const Size asked = parse_size(size);
    options.width = asked.width;
    options.height = asked.height;
  }
  check_scaled_decoding(scaled_decoding, size);
  options.scaled_decoding = scaled_decoding;
  options.threads = workers;
  options.memory_limit = static_cast<uint64_t>(memory_gib * (uint64_t{1} << 30));
  options.allow_outside = allow_outside;
  options.keep_going = keep_going;
  check_fit(fit, size);
  options.fit = parse_fit(fit);
  parse_range(range, options);
  options.rules.background = parse_background(background);
  options.image_column = image_column;
  options.label_column = label_column;
  return options;
}

void add_rule_flags(CLI::App& verb, std::string& range, std::string& background) {
  verb.add_option("--range", range,
                  "Which 16-bit samples become 0 and 255: full (0..65535), auto, or LO..HI")
      ->type_name("RANGE")
      ->capture_default_str();
  verb.add_option("--background", background,
                  "What transparent pixels are laid over: black, white, grey or #rrggbb")
      ->type_name("COLOUR")
      ->capture_default_str();
}

void add_fit_flag(CLI::App& verb, std::string& fit) {
  verb.add_option("--fit", fit, name_flags(kFitHelp))
      ->check(CLI::IsMember({"stretch", "crop", "pad"}));
}

void ReadingFlags::add(CLI::App& verb) {
  const std::string recorded = " (default: as the checkpoint says)";
  verb.add_option("--fit", fit, name_flags(kFitHelp) + recorded)
      ->check(CLI::IsMember({"stretch", "crop", "pad"}));
  verb.add_option("--range", range,
                  "Which 16-bit samples become 0 and 255: full (0..65535) or LO..HI" + recorded)
      ->type_name("RANGE");
  verb.add_option("--background", background,
                  "What transparent pixels are laid over: black, white, grey or #rrggbb" + recorded)
      ->type_name("COLOUR");
}

void ReadingFlags::apply(const CheckpointInfo& info, ReadOptions& options) const {
  read_as_network(info, fit, range, background, options);
}

void add_column_flags(CLI::App& verb, std::string& image_column, std::string& label_column) {
  verb.add_option("--image-column", image_column,
                  "Column of a manifest that names the image files, by name or number")
      ->type_name("NAME|N");
  verb.add_option("--label-column", label_column, "Column of a manifest that contains the labels")
      ->type_name("NAME|N");
}

void add_read_flags(CLI::App& verb, ReadFlags& flags) {
  verb.add_option("--data", flags.data, "The set: a folder or a file")->required();
  verb.add_option("--size", flags.size, "Read at this size: 32, or 64x48 (width x height)");
  add_fit_flag(verb, flags.fit);
  verb.add_flag("--scaled-decoding", flags.scaled_decoding, name_flags(kScaledDecodingHelp));
  verb.add_option("--workers", flags.workers, "Threads that decode (0: one per core)")
      ->check(CLI::Range(0, 1024));
  verb.add_option("--memory", flags.memory_gib,
                  "GiB of pixels held at most; larger sets are packed")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  verb.add_flag("--allow-outside", flags.allow_outside,
                "A manifest may name files outside its folder");
  verb.add_flag("--keep-going", flags.keep_going,
                "Leave out images that cannot be read, and name them");
  add_rule_flags(verb, flags.range, flags.background);
  add_column_flags(verb, flags.image_column, flags.label_column);
}

void add_data(CLI::App& program, Action& action) {
  CLI::App* data = program.add_subcommand("data", "Read, check, split and pack image sets");
  data->require_subcommand(1);
  examples(*data, {{"popaug data info --data photos", "counts, sizes, statistics"},
                   {"popaug data verify --data photos", "broken files, duplicates, leaks"}});
  add_data_info(*data, action);
  add_data_verify(*data, action);
  add_data_split(*data, action);
  add_data_convert(*data, action);
}

}  // namespace popaug::cli
