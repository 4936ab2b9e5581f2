// popaug data verify: is the set fit to learn from?
#include <memory>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  bool json = false;
  std::string sheet;
};

constexpr size_t kPictured = 48;  // pairs on a sheet

// A row for every two pairs: each image of one split beside the one of another.
void write_sheet(const Verification& verification, const std::string& path) {
  constexpr int kSmall = 64, kLarge = 128, kColumns = 4;
  std::vector<SheetCell> cells;
  int side = 1;
  const auto add = [&](const Image& image, const std::string& name) {
    const int most = std::max(image.width(), image.height());
    Image shown = image;
    if (most > kLarge) {
      shown = resize(image, std::max(1, image.width() * kLarge / most),
                     std::max(1, image.height() * kLarge / most));
    }
    side = std::max(side, std::min(most, kLarge));
    cells.push_back({std::move(shown), name});
  };
  for (size_t i = 0; i < std::min(kPictured, verification.near.size()); ++i) {
    const NearPair& pair = verification.near[i];
    add(pair.first_image, pair.first);
    add(pair.second_image, pair.second);
  }
  const int zoom = side >= kSmall ? 1 : (kSmall + side - 1) / side;
  const std::string title = fs::path(verification.path).filename().string() + ": " +
                            std::to_string(verification.near.size()) + " nearly equal pairs";
  write_binary_output(path, encode_png(contact_sheet(cells, kColumns, zoom, title)));
}

void print_text(const Verification& verification) {
  constexpr size_t kShown = 20;
  for (const Finding& finding : verification.findings) {
    print("{}: {}\n", finding.fault ? "fault" : "note", name_flags(finding.sentence));
    // Of files to mend, every one is named.
    const bool files = finding.check == "unreadable" || finding.check == "irregular";
    const size_t shown = files ? finding.images.size() : std::min(kShown, finding.images.size());
    for (size_t i = 0; i < shown; ++i) print("    {}\n", finding.images[i]);
    if (finding.images.size() > shown) {
      print("    and {} more (--json lists all)\n", finding.images.size() - shown);
    }
  }
  print("{}: {} images, {}\n", verification.path, verification.images,
        verification.sound() ? "no faults" : "with faults that would spoil a result");
}

int run(const Flags& flags) {
  if (is_standard_output(flags.sheet) && !flags.sheet.empty()) {
    throw UsageError("--sheet: standard output takes the text of this verb; name a file");
  }
  VerbProgress progress("checking");
  const Verification verification =
      verify_dataset(flags.data, flags.options(), progress, flags.sheet.empty() ? 0 : kPictured);
  progress.finish();
  if (!flags.sheet.empty()) write_sheet(verification, flags.sheet);
  if (flags.json) {
    print_json(verification_json(verification));
  } else {
    print_text(verification);
    if (!flags.sheet.empty()) print("contact sheet: {}\n", show_path(flags.sheet));
  }
  return static_cast<int>(verification.sound() ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_data_verify(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = data.add_subcommand(
      "verify", "Broken files, sizes, duplicates and near-duplicates, leaks between splits");
  add_read_flags(*verb, *flags);
  verb->add_flag("--json", flags->json, "Print JSON, with every image concerned");
  verb->add_option("--sheet", flags->sheet,
                   "Write a contact sheet of nearly equal images of different splits to this PNG");
  examples(*verb, {{"popaug data verify --data photos", "exit code 1 if a result would be spoilt"},
                   {"popaug data verify --data photos --sheet near.png",
                    "shows images of train and test that are nearly equal"},
                   {"popaug data verify --data set.popaug", "also checks every checksum"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
