// Opening a run directory: new, or as a kill left it.
#include <unistd.h>

#include "popaug/search/run_state.h"

namespace popaug {
namespace {

// The path of the first field in which two values differ, for a message.
std::string first_difference(const Json& a, const Json& b, const std::string& path) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      if (!b.contains(key)) return inner + " (was " + json_line(value) + ", is now absent)";
      std::string found = first_difference(value, b.at(key), inner);
      if (!found.empty()) return found;
    }
    for (const auto& [key, value] : b.items()) {
      if (!a.contains(key)) {
        return (path.empty() ? key : path + "." + key) + " (was absent, is now " +
               json_line(value) + ")";
      }
    }
    return "";
  }
  if (a == b) return "";
  std::string before = json_line(a), after = json_line(b);
  if (before.size() > 60) before = before.substr(0, 60) + "...";
  if (after.size() > 60) after = after.substr(0, 60) + "...";
  return path + " (was " + before + ", is now " + after + ")";
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(show_path(path) + ": cannot make the folder: " + error.message());
}

}  // namespace

SearchRun::State::State(const SearchSettings& s, const RunOptions& o)
    : settings(s), options(o), files(o.directory) {
  check_settings(settings);
  if (options.attempts < 1) throw UsageError("search: --attempts must be at least 1");
  begin();
}

void SearchRun::State::begin() {
  const fs::path& directory = options.directory;
  if (directory.empty()) throw UsageError("search: no run directory is given; use --out DIR");
  make_folder(directory);
  lock = std::make_unique<DirectoryLock>(directory);
  const bool stands = fs::exists(files.journal());
  if (stands && !options.resume) {
    throw Error(show_path(directory) +
                " holds a run already, which is never overwritten. Continue it with --resume, or "
                "choose another --out");
  }
  make_folder(files.members());
  if (stands) fold_journal();
  if (!fold.started()) {
    if (!options.config_toml.empty()) {
      write_file_atomic(directory / "config.toml", options.config_toml);
    }
    write_header();
  }
  progress_csv = std::make_unique<std::ofstream>(directory / "progress.csv", std::ios::app);
  table->redirect([this](const std::string& row) { *progress_csv << row << std::flush; });
  needs.resize(static_cast<size_t>(settings.population));
  for (int m = 0; m < settings.population; ++m) need(m, population().source(m));
  take_up_early_results();
  verify_checkpoints();
  measure();
  run_log = std::make_unique<RunLog>(directory / "run.log");
  run_log->write(stands ? "resume" : "start", {{"pid", ::getpid()}, {"done", done}});
  record({});  // results that arrived early may be all that the round still lacked
}

void SearchRun::State::fold_journal() {
  const MappedFile file(files.journal());
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  std::string rows;
  table = std::make_unique<ProgressTable>([&](const std::string& row) { rows += row; });
  std::vector<std::string> sources(static_cast<size_t>(settings.population));  // their checksums
  const auto follow = [&](const Decision& decision) {
    for (const Copy& copy : decision.copies) sources[copy.target] = sources[copy.donor];
    table->decision(decision);
  };
  JournalVisitor also;
  also.header = [&](const SearchSettings& old) { require_same(old); };
  also.result = [&](const JournalResult& r, const std::string&) {
    sources[r.member] = r.checkpoint;
    count(r);
    table->result(r);
  };
  also.decision = [&](const Decision& decision, const std::string&) { follow(decision); };
  JournalFold folded;
  const JournalSummary summary =
      read_journal(text, show_path(files.journal()), folded.visitor(also));
  if (summary.lines < 2) {  // killed while the header was written
    journal = std::make_unique<AppendFile>(files.journal(), 0);
    return;
  }
  fold = std::move(folded);
  journal = std::make_unique<AppendFile>(files.journal(), summary.good_bytes);
  writer = std::make_unique<JournalWriter>(settings, summary.last_check);
  if (fold.unwritten()) {
    const Decision decision = *fold.unwritten();
    journal->append(writer->decision(decision));
    fold.take(decision, "");
    follow(decision);
  }
  for (int m = 0; m < settings.population; ++m) {
    if (const auto source = population().source(m)) hashes[*source] = sources[m];
  }
  write_file_atomic(options.directory / "progress.csv", rows);
}

void SearchRun::State::require_same(const SearchSettings& old) const {
  const std::string difference =
      first_difference(settings_to_json(old), settings_to_json(settings), "");
  if (difference.empty()) return;
  throw Error(show_path(options.directory) + ": a run resumes only under its own settings, but " +
              difference + ". Leave that as it was, or choose another --out");
}

void SearchRun::State::write_header() {
  if (!journal) journal = std::make_unique<AppendFile>(files.journal(), 0);
  writer = std::make_unique<JournalWriter>(settings);
  const std::string text = writer->header(Population(settings));
  journal->append(text);
  fold = JournalFold();
  read_journal(text, show_path(files.journal()), fold.visitor());
  write_file_atomic(options.directory / "progress.csv", "");
  table = std::make_unique<ProgressTable>(nullptr);
}

void SearchRun::State::take_up_early_results() {
  if (population().finished()) return;
  for (const int member : population().due()) {
    const CheckpointId id{member, population().rounds_done(member)};
    const fs::path path = files.early(id);
    if (!fs::exists(path)) continue;
    try {
      const JournalResult result = open_result(settings, read_file(path, 1 << 26), show_path(path));
      if (result.member != id.member || result.round != id.round) continue;
      if (result.score == kDiverged) {
        early[id] = result;
        need(member, std::nullopt);
        continue;
      }
      hashes[id] = result.checkpoint;
      if (options.checkpoints && !damaged(id).empty()) {
        hashes.erase(id);
        continue;  // the round is trained again
      }
      early[id] = result;
      need(member, id);
    } catch (const Error&) {
      continue;  // a damaged early result costs its round
    }
  }
}

// Why a checkpoint cannot be used, or nothing.
std::string SearchRun::State::damaged(const CheckpointId& id) const {
  const fs::path path = files.checkpoint(id);
  if (!fs::exists(path)) return show_path(path) + " is missing";
  const auto known = hashes.find(id);
  if (known == hashes.end() || known->second != file_hash(path)) {
    return show_path(path) + " is damaged: its checksum is not the one in the journal";
  }
  return "";
}

// Everything that stands in members/ is either needed and whole, or goes.
void SearchRun::State::verify_checkpoints() {
  std::set<fs::path> keep;
  for (const auto& [id, result] : early) keep.insert(files.early(id));
  const bool done_with = population().finished() && best_stands();
  for (const auto& [id, members] : users) {
    const bool others = population().finished() && id.member != population().winner();
    if (!options.checkpoints || done_with || others) continue;
    const std::string why = damaged(id);
    if (!why.empty()) {
      throw Error(why + ". Restore it from a copy, or start again with another --out");
    }
    keep.insert(files.checkpoint(id));
  }
  files.clean(keep);
}

// Whether best.safetensors is the winner's checkpoint already.
bool SearchRun::State::best_stands() const {
  const fs::path best = options.directory / "best.safetensors";
  if (!fs::exists(best)) return false;
  return file_hash(best) == hashes.at(*population().source(population().winner()));
}

std::string SearchRun::State::file_hash(const fs::path& path) const {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return hash_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace popaug
