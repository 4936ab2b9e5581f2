// popaug data: info, verify, split, convert.
#include "cli/data.h"

#include "cli/settings.h"
#include "cli/verbs.h"

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
  return options;
}

void add_read_flags(CLI::App& verb, ReadFlags& flags) {
  verb.add_option("--data", flags.data, "the set: a folder or a file")->required();
  verb.add_option("--size", flags.size, "read at this size: 32, or 64x48 (width x height)");
  verb.add_flag("--scaled-decoding", flags.scaled_decoding, kScaledDecodingHelp);
  verb.add_option("--workers", flags.workers, "threads that decode (0: one per core)")
      ->check(CLI::Range(0, 1024));
  verb.add_option("--memory", flags.memory_gib,
                  "GiB of pixels held at most; larger sets are packed")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  verb.add_flag("--allow-outside", flags.allow_outside,
                "a manifest may name files outside its folder");
}

void add_data(CLI::App& program, Action& action) {
  CLI::App* data = program.add_subcommand("data", "read, check, split and pack image sets");
  data->require_subcommand(1);
  examples(*data, {{"popaug data info --data photos", "counts, sizes, statistics"},
                   {"popaug data verify --data photos", "broken files, duplicates, leaks"}});
  add_data_info(*data, action);
  add_data_verify(*data, action);
  add_data_split(*data, action);
  add_data_convert(*data, action);
}

}  // namespace popaug::cli
