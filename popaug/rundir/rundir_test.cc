#include "popaug/rundir/rundir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <map>

#include "popaug/rundir/internal/members_folder.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(RunLock, NamesTheHolder) {
  TemporaryFolder folder;
  auto lock = std::make_unique<RunLock>(folder.path());
  EXPECT_THAT(message_of([&] { RunLock second(folder.path()); }),
              HasSubstr("pid " + std::to_string(::getpid())));
  lock.reset();
  RunLock again(folder.path());
}

TEST(RunLog, ReadsBackWhatItWrote) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "run.log";
  for (int session = 0; session < 2; ++session) {
    RunLog log(path);
    log.write(session == 0 ? "start" : "resume", {{"pid", 1}});
    log.result(session, 3, "thread \"0\"", 1.5);
    log.write("failed", {{"reason", "it fell over"}});
    log.write("epoch", {{"epoch", 2}, {"seconds", 4}});
    log.write(session == 0 ? "stop" : "end", Json::object());
  }
  const RunTimes times = load_run_log(path);
  EXPECT_EQ(times.sessions, 2);
  EXPECT_EQ(times.failed, 2);
  EXPECT_EQ(times.trained_seconds, 3);
  EXPECT_GE(times.wall_seconds, 0);
  EXPECT_LT(times.wall_seconds, 60);
  EXPECT_THAT(times.by_worker, ElementsAre(Pair("thread \"0\"", 3)));
  EXPECT_THAT(times.by_round, ElementsAre(1.5, 1.5));
  EXPECT_THAT(times.by_epoch, ElementsAre(0, 8));
  EXPECT_EQ(times.last_event, "end");
  EXPECT_EQ(load_run_log(folder.path() / "none").sessions, 0);
}

TEST(RunLog, CountsSessionsByTheirClockAndOldOnesByTheirTimes) {
  const RunTimes clocks = read_run_log(
      R"({"time":"2026-01-01T00:00:00Z","event":"start","clock":0.001}
{"time":"2031-01-01T00:00:00Z","event":"result","clock":7.5,"round":0,"worker":"a","seconds":1}
{"time":"2026-01-02T00:00:00Z","event":"resume","clock":0.5}
)");
  EXPECT_EQ(clocks.wall_seconds, 8);
  const RunTimes times = read_run_log(
      R"({"time":1767225600,"event":"resume"}
{"time":1767225610,"event":"epoch","epoch":1,"seconds":9}
{"time":"2026-01-01T00:00:00Z","event":"resume"}
{"time":"2026-01-01T00:00:02.5Z","event":"epoch","epoch":2,"seconds":2}
)");
  EXPECT_EQ(times.wall_seconds, 12.5);
  EXPECT_THAT(times.by_epoch, ElementsAre(9, 2));
}

TEST(RunLog, SkipsWhatIsNotAnEvent) {
  const RunTimes times = read_run_log(
      "no "
      "json\n[1]\n5\nnull\n{}\n{\"event\":5}\n{\"event\":{\"a\":[]},\"time\":[],\"clock\":\"x\"}\n"
      "{\"event\":\"result\",\"seconds\":-5,\"round\":1e300,\"worker\":7}\n"
      "{\"event\":\"result\",\"seconds\":\"x\",\"round\":null}\n"
      "{\"event\":\"epoch\",\"epoch\":99999999999,\"seconds\":3}\n"
      "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":3}\n"
      "{\"event\":\"start\",\"clock\":1e999}\n{\"event\":\"start\",\"clo");
  EXPECT_EQ(times.sessions, 0);  // a number that does not fit makes a line invalid
  EXPECT_EQ(times.trained_seconds, 0);
  EXPECT_EQ(times.wall_seconds, 0);
  EXPECT_TRUE(times.by_epoch.empty());
  EXPECT_TRUE(times.by_round.empty());
}

TEST(RunLog, ATornLineCostsOnlyItself) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "run.log";
  write_file_atomic(path, "{\"event\":\"start\"}\n{\"event\":\"resu");
  RunLog(path).write("resume", Json::object());
  EXPECT_EQ(load_run_log(path).sessions, 2);
}

TEST(ProgressCsv, SearchRowsNameTheDonorOfTheDecisionAfterThem) {
  std::string text;
  SearchProgressTable table([&](const std::string& rows) { text += rows; });
  table.add({0, 0, 3, 0.5, 10, 5, {{"loss", 1.5}}});
  table.add({0, 1, 3, {}, 10, 0, {}});
  EXPECT_EQ(text, "");
  const std::vector<std::pair<int, int>> copies = {{1, 0}};
  table.end_round(copies);
  table.add({1, 0, 6, 0.25, 10, 5, {{"loss", 1.25}, {"other", 1}}});
  table.end_round({});
  EXPECT_EQ(text,
            "round,member,epochs,score,best_score,copied_from,images_trained,images_evaluated,"
            "loss\n0,0,3,0.5,0.5,,10,5,1.5\n0,1,3,,0.5,0,10,0,\n1,0,6,0.25,0.5,,10,5,1.25\n");
}

TEST(ProgressCsv, NamesFromOutsideStayOneHarmlessCell) {
  std::string text;
  SearchProgressTable table([&](const std::string& rows) { text += rows; });
  table.add({0,
             0,
             3,
             0.5,
             10,
             5,
             {{"a,b\n=cmd|calc", 1}, {"=1+1", 2}, {"\"q", 3}, {"\x1b[31m", 4}, {"@x", 5}}});
  table.end_round({});
  const std::string head = text.substr(0, text.find('\n'));
  EXPECT_THAT(head, HasSubstr(",\"\"\"q\""));
  EXPECT_THAT(head, HasSubstr(",'=1+1"));
  EXPECT_THAT(head, HasSubstr(",'@x"));
  EXPECT_THAT(head, HasSubstr(",\"a,b\\x0a=cmd|calc\""));
  EXPECT_THAT(head, HasSubstr(",\\x1b[31m"));
}

TEST(ProgressCsv, TrainingRowsReadBack) {
  const std::vector<TrainingEpoch> epochs = {{4, 0.1, 1.5, false, 0, 0},
                                             {8, 0.05, 0.75, true, 0.5, 0.8125}};
  const std::string text = training_progress_text(epochs);
  EXPECT_EQ(text,
            "epoch,steps,lr,train_loss,validation_loss,validation_accuracy\n1,4,0.1,1.5,,\n"
            "2,8,0.05,0.75,0.5,0.8125\n");
  const auto back = read_training_progress(text + "3,12,0.0");
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[1].steps, 8);
  EXPECT_EQ(back[1].validation_accuracy, 0.8125);
  EXPECT_FALSE(back[0].validated);
  EXPECT_TRUE(std::isnan(back[0].validation_loss));
  EXPECT_THROW(read_training_progress("round,member\n"), Error);
  EXPECT_THROW(read_training_progress(""), Error);
}

TEST(ResultJson, ReadsOnlyItsOwnKindAndSoundFields) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "result.json";
  SearchResult search;
  search.machine = Json::object();
  search.metric = "accuracy";
  const Json good = search_result_json(search);
  write_file_atomic(path, json_pretty(good));
  EXPECT_EQ(read_result(path, "search"), good);
  EXPECT_THAT(message_of([&] { read_result(path, "train"); }), HasSubstr("kind"));
  for (const auto& [key, value] : std::map<std::string, Json>{
           {"version", 2}, {"score", "high"}, {"images_trained", -1}, {"seconds", nullptr}}) {
    Json bad = good;
    bad[key] = value;
    write_file_atomic(path, json_pretty(bad));
    EXPECT_THAT(message_of([&] { read_result(path, "search"); }), HasSubstr(key)) << key;
  }
  TrainingResult training;
  training.train_loss = 0.5;
  write_file_atomic(path, json_pretty(training_result_json(training)));
  EXPECT_EQ(read_result(path, "train")["train_loss"], 0.5);
}

TEST(DriftBand, ReadsBackAsItWasSaved) {
  TemporaryFolder folder;
  DriftBand band;
  band.lineages = 3;
  band.epochs = 2;
  band.mean_explores = 1.5;
  band.ops = {"Rotate"};
  band.probability = {{{0.25, 0.5}, {0, 0.25}, {0.5, 1}}};
  band.level = {{{1, 2}, {0, 1}, {2, 3}}};
  band.search = {{"population", 4}};
  save_band(band, folder.path() / "band");
  const DriftBand back = load_band(folder.path() / "band");
  EXPECT_EQ(band_to_json(back), band_to_json(band));
  EXPECT_EQ(back.find("Rotate"), 0u);
  EXPECT_EQ(back.find("Invert"), std::nullopt);
  EXPECT_EQ(back.epoch_of(9, 10), 1u);
}

TEST(MembersFolder, KnowsItsOwnNamesAndNoOthers) {
  const CheckpointId id{5, 12};
  EXPECT_EQ(members_stem(id), "r0012-m0005");
  const auto kind = [](std::string_view name) { return parse_members_name(name)->kind; };
  EXPECT_EQ(kind("r0012-m0005.safetensors"), MembersFile::kCheckpoint);
  EXPECT_EQ(kind("r0012-m0005.result.json"), MembersFile::kEarlyResult);
  EXPECT_EQ(kind("r0012-m0005.try-1f-2e-0"), MembersFile::kAttempt);
  EXPECT_EQ(kind("r0012-m0005.try-1f-2e-0.correct"), MembersFile::kAttempt);
  EXPECT_EQ(kind(".r0012-m0005.try-1f-2e-0.31.7.tmp"), MembersFile::kTemporary);
  EXPECT_EQ(kind(".r0012-m0005.result.json.31.7.tmp"), MembersFile::kTemporary);
  EXPECT_EQ(parse_members_name("r123456-m10000.safetensors")->id, (CheckpointId{10000, 123456}));
  for (const char* other :
       {"thesis.doc", ".draft.tmp", ".notes.1.2.tmp", "r12-m5.safetensors", "r0012-m0005",
        "r0012-m0005.safetensors.bak", "r0012-m0005.try-../../x", "xr0012-m0005.safetensors",
        "r0012-m0005.try-", ".r0012-m0005.safetensors.tmp", ".snapshot", "r+012-m0005.safetensors",
        "r99999999999-m0005.safetensors", "..r0012-m0005.safetensors.1.2.tmp.1.2.tmp", ""}) {
    EXPECT_FALSE(parse_members_name(other).has_value()) << other;
  }
}

TEST(CheckpointStore, DeletesAFileWithItsLastUser) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), true);
  store.open();
  const CheckpointId first{0, 0}, second{0, 1};
  const auto make = [&](const CheckpointId& id, const char* bytes) {
    const fs::path attempt = store.new_attempt(id);
    write_file_atomic(attempt, bytes);
    EXPECT_EQ(store.accept(attempt, id), hash_hex(bytes));
  };
  make(first, "one");
  store.set_source(0, first);
  store.set_source(1, first);
  make(second, "two");
  store.set_source(0, second);
  store.delete_unused();
  EXPECT_EQ(store.damage(first), "");
  EXPECT_THAT(store.needed(), ElementsAre(first, second));
  store.set_source(1, second);
  EXPECT_TRUE(fs::exists(store.path(first)));
  store.delete_unused();
  EXPECT_FALSE(fs::exists(store.path(first)));
  write_file_atomic(store.path(second), "twO");
  EXPECT_THAT(store.damage(second), HasSubstr("is damaged"));
  fs::remove(store.path(second));
  EXPECT_THAT(store.damage(second), HasSubstr("is missing"));
}

TEST(CheckpointStore, CleansOnlyWhatItMade) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), true);
  store.open();
  const fs::path members = store.folder();
  for (const char* name : {"thesis.doc", ".draft.tmp", "r0000-m0001.result.json"}) {
    write_file_atomic(members / name, "precious");
  }
  fs::create_directories(members / ".snapshot/x");
  fs::create_directories(members / "r0000-m0002.try-1-1-0/x");
  write_file_atomic(folder.path() / "elsewhere", "precious");
  fs::create_symlink(folder.path() / "elsewhere", members / "r0000-m0003.safetensors");
  for (const char* name : {"r0000-m0000.safetensors", "r0001-m0000.safetensors",
                           "r0001-m0000.try-1-1-0", ".r0001-m0000.safetensors.5.0.tmp"}) {
    write_file_atomic(members / name, "ours");
  }
  store.clean({{0, 1}});
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(members)) left.push_back(entry.path().filename());
  EXPECT_THAT(
      left, ::testing::UnorderedElementsAre("thesis.doc", ".draft.tmp", "r0000-m0001.result.json",
                                            ".snapshot", "r0000-m0002.try-1-1-0",
                                            "r0000-m0003.safetensors", "r0001-m0000.safetensors"));
  EXPECT_EQ(read_file(folder.path() / "elsewhere"), "precious");
}

TEST(Temporaries, GoOnlyUnderTheNamesThatAreOurs) {
  TemporaryFolder folder;
  for (const char* name : {".config.toml.12.0.tmp", ".thesis.doc.12.0.tmp", ".config.toml.tmp",
                           "config.toml.12.0.tmp", ".config.toml.x.0.tmp"}) {
    write_file_atomic(folder.path() / name, "x");
  }
  remove_temporaries(folder.path(), [](std::string_view name) { return name == "config.toml"; });
  EXPECT_FALSE(fs::exists(folder.path() / ".config.toml.12.0.tmp"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 4);
}

Json settings_line(int version) {
  return {{"format", "popaug-compare"}, {"version", version}, {"epochs", 3}};
}

TEST(ResultLines, ReadBackWhatTheyWroteAndDropATornLine) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "runs.jsonl";
  {
    ResultLines lines(path, settings_line(2), "comparison", false);
    lines.add({{"arm", "a"}});
    lines.add({{"arm", "b"}});
  }
  EXPECT_THROW(ResultLines(path, settings_line(2), "comparison", false), UsageError);
  const std::string whole = read_file(path);
  write_file_atomic(path, whole + "{\"arm\":\"c\",\"che");
  {
    ResultLines lines(path, settings_line(2), "comparison", true);
    ASSERT_EQ(lines.found().size(), 2u);
    EXPECT_EQ(lines.found()[1].json, (Json{{"arm", "b"}}));
    lines.add({{"arm", "c"}});
  }
  ResultLines lines(path, settings_line(2), "comparison", true);
  EXPECT_EQ(lines.found().size(), 3u);
  EXPECT_TRUE(read_file(path).starts_with(whole));
  Json other = settings_line(2);
  other["epochs"] = 4;
  EXPECT_THAT(message_of([&] { ResultLines(path, other, "comparison", true); }),
              HasSubstr("made with epochs = 3, now it is 4"));
}

TEST(ResultLines, SeeEveryFlippedBitAndEveryMovedLine) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "runs.jsonl";
  {
    ResultLines lines(path, settings_line(2), "comparison", false);
    for (const char* arm : {"a", "b", "c"}) lines.add({{"arm", arm}, {"accuracy", 0.5}});
  }
  const std::string whole = read_file(path);
  const size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      // Without its newline the last line is torn, which a kill may do: it is trained again.
      if (at + 1 == whole.size()) continue;
      EXPECT_THROW(ResultLines::parse(damaged, "runs.jsonl"), Error) << at << " " << bit;
    }
  }
  std::vector<std::string> lines = split(whole, '\n');
  std::swap(lines[1], lines[2]);
  EXPECT_THAT(message_of([&] { ResultLines::parse(join(lines, "\n"), "runs.jsonl"); }),
              HasSubstr("runs.jsonl:2: the line is damaged"));
  lines = split(whole, '\n');
  lines.erase(lines.begin() + 2);
  EXPECT_THROW(ResultLines::parse(join(lines, "\n"), "runs.jsonl"), Error);
  EXPECT_EQ(ResultLines::parse(whole.substr(0, last_line), "runs.jsonl").lines.size(), 3u);
}

TEST(ResultLines, FilesOfVersionOneStayReadable) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "runs.jsonl";
  const std::string old = json_line(settings_line(1)) + "\n{\"arm\":\"a\"}\n";
  write_file_atomic(path, old);
  {
    ResultLines lines(path, settings_line(2), "comparison", true);
    EXPECT_EQ(lines.found().size(), 1u);
    lines.add({{"arm", "b"}});
  }
  EXPECT_EQ(read_file(path), old + "{\"arm\":\"b\"}\n");
  // A file cannot pretend to be old.
  EXPECT_THROW(ResultLines::parse(json_line(settings_line(2)) + "\n", "runs.jsonl"), Error);
}

TEST(ComparisonPlan, ReadsBackAndRefusesWhatIsOutOfRange) {
  ComparisonPlan plan;
  plan.arms = {"flipcrop", "none"};
  plan.seeds = 7;
  plan.unequal = true;
  plan.run = "somewhere";
  const Json json = plan_to_json(plan);
  EXPECT_EQ(plan_to_json(plan_from_json(json, "plan.json")), json);
  for (const auto& [key, value] : std::map<std::string, Json>{
           {"version", 3}, {"seeds", 0}, {"margin", -1}, {"arms", {1}}, {"more", 1}}) {
    Json bad = json;
    bad[key] = value;
    EXPECT_THAT(message_of([&] { plan_from_json(bad, "plan.json"); }), HasSubstr(key)) << key;
  }
  // Values that could be meant, but are not those that were written.
  for (const auto& [key, value] : std::map<std::string, Json>{{"seeds", 6},
                                                              {"margin", 0.25},
                                                              {"clean_share", 0.25},
                                                              {"unequal", false},
                                                              {"run", "elsewhere"},
                                                              {"arms", {"flipcrop", "nonf"}},
                                                              {"check", std::string(32, '0')},
                                                              {"version", 1}}) {
    Json bad = json;
    bad[key] = value;
    EXPECT_THAT(message_of([&] { plan_from_json(bad, "plan.json"); }), HasSubstr("check")) << key;
  }
  Json old = json;
  old["version"] = 1;
  old.erase("check");
  EXPECT_EQ(plan_from_json(old, "plan.json").seeds, 7);
}

TEST(RegularFile, IsNeitherALinkNorAFifoNorAFolder) {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  write_file_atomic(file, "0110");
  EXPECT_EQ(read_regular_file(file, 4), "0110");
  EXPECT_EQ(regular_file_checksum(file), hash_hex("0110"));
  EXPECT_THAT(message_of([&] { read_regular_file(file, 3); }), HasSubstr("larger than the 3"));
  fs::create_symlink(file, folder.path() / "link");
  fs::create_symlink("/dev/zero", folder.path() / "zero");
  fs::create_symlink("loop", folder.path() / "loop");
  fs::create_directory(folder.path() / "folder");
  ASSERT_EQ(::mkfifo((folder.path() / "fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "zero", "loop", "folder", "fifo"}) {
    EXPECT_THAT(message_of([&] { read_regular_file(folder.path() / name, 100); }),
                HasSubstr("is not a regular file"))
        << name;
    EXPECT_EQ(regular_file_checksum(folder.path() / name), std::nullopt) << name;
    const CheckpointStore store(folder.path(), true);
    EXPECT_NE(store.attempt_fault(folder.path() / name), std::nullopt) << name;
  }
  EXPECT_EQ(regular_file_checksum(folder.path() / "none"), std::nullopt);
  EXPECT_THROW(read_regular_file(folder.path() / "none", 100), Error);
}

}  // namespace
}  // namespace popaug
