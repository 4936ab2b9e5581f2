#include "popaug/rundir/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

// Everything below a folder: path -> bytes, or the kind of what is not a regular file.
std::map<std::string, std::string> tree(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder);
    files[name] = entry.is_symlink()     ? "link"
                  : entry.is_directory() ? "folder"
                                         : read_file(entry.path());
  }
  return files;
}

TEST(RunDirectory, ARunThatWroteNothingLeavesNothing) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  { RunDirectory run(out, search_run(), RunStart::kNew); }
  EXPECT_FALSE(fs::exists(out));
  fs::create_directory(out);
  { RunDirectory run(out, search_run(), RunStart::kNew); }
  EXPECT_TRUE(fs::is_empty(out));
  EXPECT_THROW(RunDirectory(out / "sub", search_run(), RunStart::kResume), UsageError);
  EXPECT_TRUE(fs::is_empty(out));
}

TEST(RunDirectory, BeginsOnlyAmongFilesOfItsOwn) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  fs::create_directories(out / "members");
  write_file_atomic(out / "thesis.doc", "precious");
  write_file_atomic(out / "members/thesis.doc", "precious");
  write_file_atomic(out / ".draft.tmp", "precious");
  const auto before = tree(out);
  for (const RunKind* kind :
       {&search_run(), &training_run(), &comparison_run(), &screening_run(), &audit_run()}) {
    for (const RunStart start : {RunStart::kNew, RunStart::kResume, RunStart::kEither}) {
      if (kind == &search_run() && start != RunStart::kNew) continue;  // members/ is its own
      EXPECT_THROW(RunDirectory(out, *kind, start), UsageError) << kind->name;
      EXPECT_EQ(tree(out), before) << kind->name;
    }
  }
}

TEST(RunDirectory, ARefusedStartChangesNothing) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  {
    RunDirectory run(out, training_run(), RunStart::kNew);
    run.write_start("config.toml", "seed = 1\n");
    write_file_atomic(out / ".progress.csv.9.9.tmp", "being written");
    const auto before = tree(out);
    EXPECT_THAT(message_of([&] { RunDirectory(out, training_run(), RunStart::kNew); }),
                HasSubstr("in use by another process"));
    EXPECT_EQ(tree(out), before);
  }
  const auto before = tree(out);
  EXPECT_THAT(message_of([&] { RunDirectory(out, training_run(), RunStart::kNew); }),
              HasSubstr("add setting \"resume\""));
  EXPECT_EQ(tree(out), before);
}

TEST(RunDirectory, AResumeRemovesTheTemporariesOfItsKindAndOnlyThose) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  fs::create_directory(out);
  write_file_atomic(out / "config.toml", "x");
  for (const char* name : {".config.toml.7.0.tmp", ".progress.csv.7.1.tmp", ".thesis.doc.7.0.tmp",
                           ".draft.tmp", ".journal.jsonl.7.0.tmp"}) {
    write_file_atomic(out / name, "x");
  }
  write_file_atomic(folder.path() / "elsewhere", "precious");
  fs::create_symlink(folder.path() / "elsewhere", out / ".result.json.7.0.tmp");
  RunDirectory run(out, training_run(), RunStart::kResume);
  EXPECT_TRUE(run.begun());
  EXPECT_FALSE(run.has_work());
  for (const char* gone : {".config.toml.7.0.tmp", ".progress.csv.7.1.tmp"}) {
    EXPECT_FALSE(fs::exists(out / gone)) << gone;
  }
  for (const char* kept :
       {".thesis.doc.7.0.tmp", ".draft.tmp", ".journal.jsonl.7.0.tmp", ".result.json.7.0.tmp"}) {
    EXPECT_TRUE(fs::exists(out / kept)) << kept;
  }
}

// What a run appends to or reads back lies in its own folder: a link would lead its bytes
// elsewhere.
TEST(RunDirectory, ALinkUnderANameOfTheRunIsRefusedAndItsTargetKept) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out", elsewhere = folder.path() / "elsewhere";
  fs::create_directory(out);
  write_file_atomic(out / "config.toml", "x");
  write_file_atomic(elsewhere, "precious");
  for (const fs::path& target : {elsewhere, folder.path() / "nowhere"}) {
    for (const char* name : {"run.log", "progress.csv", "checkpoint.safetensors", "result.json"}) {
      fs::create_symlink(target, out / name);
      EXPECT_THAT(message_of([&] { RunDirectory(out, training_run(), RunStart::kResume); }),
                  HasSubstr("is a symbolic link, but a training keeps its files in its own folder"))
          << name;
      fs::remove(out / name);
    }
  }
  fs::create_symlink(elsewhere, out / "report.html");  // which `popaug report -o` made
  EXPECT_TRUE(RunDirectory(out, training_run(), RunStart::kResume).begun());
  EXPECT_EQ(read_file(elsewhere), "precious");
  EXPECT_FALSE(fs::exists(folder.path() / "nowhere"));
}

TEST(RunDirectory, KeepsTheStartFilesOfARunThatHasWork) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  {
    RunDirectory run(out, audit_run(), RunStart::kNew);
    run.write_start("config.toml", "first");
  }
  {  // killed before any work: the second start says what the run is
    RunDirectory run(out, audit_run(), RunStart::kResume);
    run.write_start("config.toml", "second");
    write_file_atomic(out / "runs.jsonl", "{}\n");
  }
  RunDirectory run(out, audit_run(), RunStart::kEither);
  EXPECT_TRUE(run.has_work());
  run.write_start("config.toml", "third");
  EXPECT_EQ(read_file(out / "config.toml"), "second");
}

TEST(RunDirectory, WritesDerivedFilesAgainOnceTheSettingsAreConfirmed) {
  TemporaryFolder folder;
  const fs::path split = folder.path() / "split.json";
  {  // before there is work, the last start decides
    RunDirectory run(folder.path(), audit_run(), RunStart::kNew);
    run.write_derived("split.json", "first");
    run.write_derived("split.json", "whole");
    EXPECT_EQ(read_file(split), "whole");
    write_file_atomic(folder.path() / "config.toml", "");
    write_file_atomic(folder.path() / "runs.jsonl", "{}\n");
  }
  for (const char* damaged : {"whOle", "whole and more", "who", ""}) {
    write_file_atomic(split, damaged);
    RunDirectory run(folder.path(), audit_run(), RunStart::kResume);
    run.write_derived("split.json", "whole");
    EXPECT_EQ(read_file(split), damaged);  // the settings may be those of another run
    run.confirm();
    EXPECT_EQ(read_file(split), "whole");
  }
  fs::remove(split);
  RunDirectory run(folder.path(), audit_run(), RunStart::kResume);
  run.write_derived("split.json", "whole");
  EXPECT_FALSE(fs::exists(split));
  run.confirm();
  EXPECT_EQ(read_file(split), "whole");
}

TEST(RunDirectory, APreparedSplitIsNoRun) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "split.json", "{}");
  write_file_atomic(folder.path() / "lock", "123\n");
  RunDirectory run(folder.path(), search_run(), RunStart::kNew);
  EXPECT_FALSE(run.begun());
}

TEST(RunDirectory, AFileOfTheUserCalledLockIsKept) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "lock", "the combination is 1234\n");
  EXPECT_THAT(message_of([&] { RunDirectory(folder.path(), search_run(), RunStart::kNew); }),
              HasSubstr("is not the lock file of a run; another program made it"));
  EXPECT_EQ(read_file(folder.path() / "lock"), "the combination is 1234\n");
  write_file_atomic(folder.path() / "precious", "1");
  fs::create_directory(folder.path() / "run");
  fs::create_symlink(folder.path() / "precious", folder.path() / "run/lock");
  EXPECT_THROW(RunDirectory(folder.path() / "run", search_run(), RunStart::kNew), Error);
  EXPECT_EQ(read_file(folder.path() / "precious"), "1");
}

TEST(RunDirectory, AFifoUnderANameOfTheRunIsRefusedWithoutWaiting) {
  for (const char* name : {"run.log", "journal.jsonl", "config.toml", "progress.csv"}) {
    TemporaryFolder folder;
    write_file_atomic(folder.path() / "config.toml", "x");
    fs::remove(folder.path() / name);
    ASSERT_EQ(::mkfifo((folder.path() / name).c_str(), 0600), 0);
    EXPECT_THAT(message_of([&] { RunDirectory(folder.path(), search_run(), RunStart::kEither); }),
                HasSubstr("is not a file that a search makes"))
        << name;
  }
}

TEST(RunDirectory, SaysWhichKindOfRunIsThere) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "config.toml", "");
  const auto refused = [&](const RunKind& kind) {
    return message_of([&] { RunDirectory(folder.path(), kind, RunStart::kNew); });
  };
  EXPECT_THAT(refused(audit_run()), HasSubstr("already contains an audit"));
  EXPECT_THAT(refused(search_run()), HasSubstr("already contains a search"));
}

TEST(RunDirectory, PatternsMatchWholeNames) {
  const std::vector<std::string> patterns = {"worker-#.log", "*-#-test-#.safetensors"};
  for (const char* name : {"worker-0.log", "worker-123.log", "flipcrop-7-test-0.safetensors",
                           "trivial-0.5+clean-12-test-1.safetensors"}) {
    EXPECT_TRUE(matches_any(name, patterns)) << name;
  }
  for (const char* name : {"worker-.log", "worker-1.log.bak", "xworker-1.log", "worker-1a.log",
                           "flipcrop-test-0.safetensors", "best.safetensors", ""}) {
    EXPECT_FALSE(matches_any(name, patterns)) << name;
  }
}

}  // namespace
}  // namespace popaug
