// popaug augment: ops, policies, schedules and baselines applied to image files.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include "cli/augment_flags.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"
#include "popaug/data/data.h"
#include "popaug/experiment/experiment.h"
#include "popaug/image/image.h"

namespace popaug::cli {
namespace {

// One file to read, and where its results go ("{}" is the copy's number).
struct Job {
  fs::path in, out;
};

fs::path png_name(fs::path path) { return path.replace_extension(".png"); }

std::vector<Job> folder_jobs(const fs::path& in, const fs::path& out) {
  std::vector<Job> jobs;
  std::vector<std::string> notes;
  const std::vector<fs::path> images = list_images(in, &notes);
  for (const std::string& note : notes) print_note("note", note);
  for (const fs::path& image : images) {
    jobs.push_back({image, out / png_name(image.lexically_relative(in))});
  }
  // The order numbers the images, and so their draws: by name, not as the disk lists them.
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.in < b.in; });
  return jobs;
}

// A text file with a path per line, relative to the list; results go to OUT/NAME.png.
std::vector<Job> list_jobs(const fs::path& list, const fs::path& out) {
  std::vector<Job> jobs;
  for (const std::string& line : split(read_file(list, uint64_t{64} << 20), '\n')) {
    const std::string_view name = trim(line);
    if (name.empty() || name.front() == '#') continue;
    fs::path path = fs::path(name);
    if (path.is_relative()) path = list.parent_path() / path;
    fs::path relative = fs::path(name).relative_path().lexically_normal();
    if (*relative.begin() == "..") relative = relative.filename();
    jobs.push_back({path, out / png_name(relative)});
  }
  if (jobs.empty()) throw Error(show_path(list) + ": the list names no image");
  return jobs;
}

// Two inputs must not write one output (a.jpg and a.png in one folder).
void check_distinct(const std::vector<Job>& jobs) {
  std::set<fs::path> outputs;
  for (const Job& job : jobs) {
    if (!outputs.insert(job.out).second) {
      throw Error(show_path(job.in) + ": another image of this run is written to " +
                  show_path(job.out) + " too; rename one of them");
    }
  }
}

std::vector<Job> jobs_of(const AugmentFlags& flags) {
  std::error_code ignored;
  const fs::path in = flags.in, out = flags.out;
  if (!fs::exists(in, ignored)) throw Error(show_path(in) + ": there is no such file or folder");
  if (fs::is_directory(in, ignored)) return folder_jobs(in, out);
  if (in.extension() == ".txt") return list_jobs(in, out);
  return {{in, fs::is_directory(out, ignored) ? out / png_name(in.filename()) : out}};
}

std::string encode(const Image& image, const fs::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".jpg" || ending == ".jpeg") return encode_jpeg(image, 95);
  if (ending == ".png") return encode_png(image, true);
  throw UsageError(show_path(path) +
                   ": write to a name that ends in .png (holes at alpha 0) or .jpg");
}

void write_image(const Image& image, const fs::path& path) {
  if (is_standard_output(path.native())) return write_binary_output("-", encode_png(image, true));
  const std::string bytes = encode(image, path);
  make_folder(path.parent_path());
  write_output_file(path, bytes);
}

// Returns how many were written: all copies, unless a stop was asked for.
int run_job(const Job& job, uint64_t number, const AugmentFlags& flags, const Transform& transform,
            const StopToken& stop) {
  DecodeInfo info;
  int written = 0;
  const Image image = read_image(flags, job.in, &info);
  for (int copy = 0; copy < flags.copies && !stop.requested(); ++copy) {
    const uint64_t sample =
        number * static_cast<uint64_t>(flags.copies) + static_cast<uint64_t>(copy);
    fs::path out = job.out;
    if (flags.copies > 1) {
      out.replace_filename(out.stem().string() + "-" + std::to_string(copy) +
                           out.extension().string());
    }
    write_image(transform(image, info.grey, sample), out);
    ++written;
  }
  return written;
}

int stream(const std::vector<Job>& jobs, const AugmentFlags& flags, const Transform& transform) {
  SignalStop stop;
  VerbProgress progress("augment");
  std::atomic<size_t> written = 0, skipped = 0;  // images, of which a job has --copies
  std::mutex mutex;
  const auto copies = static_cast<size_t>(flags.copies);
  const size_t total = jobs.size() * copies;
  const int workers = flags.workers > 0 ? flags.workers : available_cores();
  parallel_for(jobs.size(), workers, [&](size_t i) {
    if (stop.token().requested()) return;
    try {
      written += static_cast<size_t>(run_job(jobs[i], i, flags, transform, stop.token()));
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      if (!flags.keep_going || jobs.size() == 1) throw;
      ++skipped;
      progress.line(std::string("skipped: ") + error.what());
    }
    const std::lock_guard lock(mutex);
    const size_t done = written + skipped * copies;
    progress.update(static_cast<double>(done), static_cast<double>(total),
                    std::to_string(done) + " of " + std::to_string(total) + " images");
  });
  progress.finish();
  if (stop.token().requested() && written + skipped * copies < total) {
    throw Interrupted("stopped after " + std::to_string(written) + " of " + std::to_string(total) +
                      " images; the same command writes them all");
  }
  if (jobs.size() == 1) return 0;
  print_note("augment", fmt::format("{} images written to {}, {} skipped", written.load(),
                                    show_path(flags.out), skipped.load()));
  return 0;
}

void check_flags(const AugmentFlags& flags) {
  const int named =
      !flags.op.empty() + !flags.policy.empty() + !flags.schedule.empty() + !flags.augment.empty();
  if (flags.sheet == "levels") {
    if (named > !flags.op.empty()) {
      throw UsageError("--sheet levels shows a space; it goes with --space and --op only");
    }
  } else if (named != 1) {
    throw UsageError("say what to do by one of --op, --policy, --schedule and --augment");
  }
  if ((flags.sheet == "epochs" || flags.sheet == "pairs") && !flags.op.empty()) {
    throw UsageError("--sheet " + flags.sheet +
                     " shows a schedule; name one by --schedule or --augment");
  }
  if (flags.sheet == "pairs" && flags.no_base) {
    throw UsageError("--sheet pairs shows mixing, which is a base transform: leave out --no-base");
  }
  check_scaled_decoding(flags.scaled_decoding, flags.size);
  check_fit(flags.fit, flags.size);
  if (!(flags.resized_crop >= 0 && flags.resized_crop <= 1)) {  // also NaN
    throw UsageError("--resized-crop: " + number_text(flags.resized_crop) + " is not in 0 .. 1");
  }
  if (flags.resized_crop > 0 && flags.fit != "stretch") {
    throw UsageError("--resized-crop cuts images itself: leave out --fit");
  }
  if (flags.resized_crop > 0 && !flags.sheet.empty()) {
    throw UsageError("--resized-crop crops images, not sheets: leave out --sheet");
  }
  if (flags.sign != "+" && flags.sign != "-") throw UsageError("--sign is + or -");
}

// A picture shows one image, and mixing needs the others of an epoch.
void say_what_is_left_out(const AugmentFlags& flags) {
  if (!flags.op.empty() || flags.sheet == "levels" || flags.sheet == "pairs" || flags.no_base) {
    return;
  }
  if (!named_schedule(flags).mixes()) return;
  print_note("augment",
             "CutMix and mixup are left out: they take another image of the training set "
             "(--sheet pairs shows some)");
}

int run(const AugmentFlags& flags) {
  check_flags(flags);
  say_what_is_left_out(flags);
  if (flags.sheet == "pairs") {
    write_image(pairs_sheet(flags), flags.out);
    return 0;
  }
  if (!flags.sheet.empty()) {
    DecodeInfo info;
    const Image image = read_image(flags, flags.in, &info);
    const Image sheet = flags.sheet == "levels" ? levels_sheet(flags, image, info.grey)
                                                : epochs_sheet(flags, image, info.grey);
    write_image(sheet, flags.out);
    return 0;
  }
  const Transform transform = make_transform(flags);
  const std::vector<Job> jobs = jobs_of(flags);
  if (jobs.size() > 1 || flags.copies > 1) refuse_standard_output("OUT", flags.out);
  check_distinct(jobs);
  return stream(jobs, flags, transform);
}

void add_flags(CLI::App& verb, AugmentFlags& flags) {
  verb.add_option("IN", flags.in, "An image, a folder of images, or a .txt list of paths")
      ->required();
  verb.add_option("OUT", flags.out, "A .png or .jpg file; a folder where IN is a folder or a list")
      ->required();
  verb.add_option("--op", flags.op, "Apply this op")->type_name("NAME");
  verb.add_option("--level", flags.level, "... at this level of its space, pixels unscaled")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--sign", flags.sign, "... with this sign (+ or -)")->type_name("+|-");
  verb.add_option_function<double>(
      "--value",
      [&flags](double value) {
        flags.value = value;
        flags.has_value = true;
      },
      "... or at this value, sign included");
  verb.add_flag("--scale-pixels", flags.scale_pixels,
                "Values in pixels grow with the image (side 32 is 1), as in a training");
  verb.add_option("--policy", flags.policy, "Draw from a policy: a JSON list of entries")
      ->type_name("FILE");
  verb.add_option("--schedule", flags.schedule, "Draw from a schedule")->type_name("FILE|NAME");
  verb.add_option(
          "--augment", flags.augment,
          "Draw from a baseline: " + join(baseline_names(), ", ") + ", randaugment-N-M, trivial-S")
      ->type_name("NAME");
  verb.add_option("--epoch", flags.epoch, "The schedule's epoch, from 0")
      ->check(CLI::Range(0, 1 << 24));
  verb.add_option("--epochs", flags.epochs, "Stretch the schedule to this length (--sheet epochs)")
      ->check(CLI::Range(1, 1 << 24));
  verb.add_flag("--no-base", flags.no_base, "Only ops: no crop, flip or cutout");
  verb.add_option("--space", flags.space, "The space of --op, --policy or the sheet (default pba)")
      ->type_name("NAME|FILE");
  verb.add_option("--size", flags.size, "Bring every image to N or WxH pixels first")
      ->type_name("N|WxH");
  add_fit_flag(verb, flags.fit);
  verb.add_option(
      "--resized-crop", flags.resized_crop,
      "... by a random resized crop: its least share of the area, such as 0.08 (0: none)");
  verb.add_flag("--scaled-decoding", flags.scaled_decoding, name_flags(kScaledDecodingHelp));
  verb.add_option("--sheet", flags.sheet,
                  "A contact sheet: op x level, epochs, or mixed pairs of a data set")
      ->check(CLI::IsMember({"levels", "epochs", "pairs"}));
  verb.add_option("--rows", flags.rows, "Draws per epoch, or pairs, on the sheet")
      ->check(CLI::Range(1, 100));
  verb.add_option("--columns", flags.columns, "Levels or epochs on the sheet")
      ->check(CLI::Range(1, 100));
  verb.add_option("--zoom", flags.zoom, "Magnify the sheet's images")->check(CLI::Range(1, 32));
  verb.add_option("--copies", flags.copies, "Draws per image: NAME-0.png, NAME-1.png, ...")
      ->check(CLI::Range(1, 10000));
  verb.add_option("--seed", flags.seed, "The same seed gives the same images")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--workers", flags.workers, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  verb.add_flag("--keep-going", flags.keep_going, "Report and skip images that cannot be read");
}

}  // namespace

void add_augment(CLI::App& program, Action& action) {
  CLI::App& verb =
      *program.add_subcommand("augment", "Apply an op, a policy or a schedule to images");
  auto flags = std::make_shared<AugmentFlags>();
  add_flags(verb, *flags);
  examples(verb, {{"popaug augment --op Rotate --level 7 --sign - in.png out.png",
                   "one op; RGBA PNG, holes at alpha 0"},
                  {"popaug augment --schedule rcifar10-paper --epoch 150 photos/ out/",
                   "a folder, as epoch 150 of a training sees it"},
                  {"popaug augment --size 224 --resized-crop 0.08 --augment trivial photos/ out/",
                   "photographs, as image classification crops them"},
                  {"popaug augment --sheet levels --space pba in.jpg sheet.png",
                   "every op at every level"},
                  {"popaug augment --sheet epochs --schedule best.schedule.json in.jpg sheet.png",
                   "one image over the epochs of a schedule"},
                  {"popaug augment --sheet pairs --augment flipcrop+cutmix photos/ sheet.png",
                   "images of a data set that CutMix mixes, with their labels"}});
  verb.callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
