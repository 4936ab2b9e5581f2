// Where bytes go: devices, links, folders, and descriptors that were closed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "popaug/base/base.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

TEST(OutputFile, ADeviceAndAFifoAreWrittenThrough) {
  TemporaryFolder folder;
  const fs::path fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  write_output_file(fifo, "through");
  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 7);
  ::close(reader);
  EXPECT_STREQ(text, "through");
  EXPECT_TRUE(fs::is_fifo(fifo));
  write_output_file("/dev/null", "lost");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_THAT(message_of([] { write_output_file("/dev/full", "lost"); }),
              HasSubstr("/dev/full: cannot write: No space left"));
}

TEST(OutputFile, ALinkStaysALinkAndItsTargetIsReplaced) {
  TemporaryFolder folder;
  const fs::path& at = folder.path();
  write_file_atomic(at / "old", "old");
  fs::create_symlink("old", at / "link");
  fs::create_symlink("link", at / "second");
  fs::create_symlink("new", at / "dangling");
  write_output_file(at / "second", "text");
  EXPECT_EQ(read_file(at / "old"), "text");
  EXPECT_TRUE(fs::is_symlink(at / "link"));
  EXPECT_TRUE(fs::is_symlink(at / "second"));
  write_output_file(at / "dangling", "made");
  EXPECT_EQ(read_file(at / "new"), "made");
  EXPECT_TRUE(fs::is_symlink(at / "dangling"));
  fs::create_symlink("circle", at / "circle");
  EXPECT_THAT(message_of([&] { write_output_file(at / "circle", "x"); }), HasSubstr("circle"));
  fs::create_symlink("/dev/null", at / "nothing");
  write_output_file(at / "nothing", "lost");
  EXPECT_TRUE(fs::is_symlink(at / "nothing"));
  EXPECT_THAT(message_of([&] { write_output_file(at, "x"); }), HasSubstr("is a folder"));
}

TEST(OutputFile, FilesOfARunReplaceALinkInsteadOfFollowingIt) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "outside", "untouched");
  fs::create_symlink("outside", folder.path() / "member");
  write_file_atomic(folder.path() / "member", "weights");
  EXPECT_EQ(read_file(folder.path() / "outside"), "untouched");
  EXPECT_FALSE(fs::is_symlink(folder.path() / "member"));
}

TEST(OutputFile, ATemporaryNameThatIsTakenIsLeftAlone) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "file", precious = folder.path() / "precious";
  write_file_atomic(precious, "precious");
  // The names that the next writes of this process would use first.
  std::vector<fs::path> taken;
  for (int number = 0; number < 2000; ++number) {
    taken.push_back(folder.path() / (".file." + std::to_string(::getpid()) + "." +
                                     std::to_string(number) + ".tmp"));
    fs::create_symlink(precious, taken.back());
  }
  write_file_atomic(path, "x");
  EXPECT_EQ(read_file(path), "x");
  EXPECT_EQ(read_file(precious), "precious");
  for (const fs::path& link : taken) EXPECT_TRUE(fs::is_symlink(link));
}

TEST(AppendFile, FollowsNoLink) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "precious", "precious");
  fs::create_symlink(folder.path() / "precious", folder.path() / "link");
  fs::create_symlink(folder.path() / "nowhere", folder.path() / "dangling");
  EXPECT_THROW(AppendFile(folder.path() / "link", 0), Error);
  EXPECT_THROW(AppendFile(folder.path() / "dangling", 0), Error);
  EXPECT_EQ(read_file(folder.path() / "precious"), "precious");
  EXPECT_FALSE(fs::exists(folder.path() / "nowhere"));
}

TEST(TemporaryFolder, SaysThatTmpdirIsWrong) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nowhere/at\x1b/all", 1);
  const std::string message = message_of([] { TemporaryFolder folder; });
  before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);
  EXPECT_THAT(message, HasSubstr("set TMPDIR to a folder that is there (it is \"/nowhere/at"));
}

TEST(MakeFolder, SaysWhatIsInTheWay) {
  TemporaryFolder folder;
  make_folder(folder.path() / "a/b/");
  make_folder(folder.path() / "a/b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a/b"));
  write_file_atomic(folder.path() / "file", "");
  EXPECT_THAT(message_of([&] { make_folder(folder.path() / "file"); }), HasSubstr("is a file"));
  EXPECT_THAT(message_of([&] { make_folder(folder.path() / "file/below"); }),
              HasSubstr("below: the folder cannot be made: Not a directory"));
  EXPECT_THAT(message_of([&] { make_folder(folder.path() / std::string(300, 'x')); }),
              HasSubstr("File name too long"));
}

// In a process of its own, whose standard descriptors are closed.
TEST(OpenFile, NoFileGetsTheNumberOfAClosedStandardDescriptor) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "journal";
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int number : {0, 1, 2}) ::close(number);
    AppendFile journal(path, 0);
    const ssize_t printed = ::write(1, "text", 4) + ::write(2, "text", 4);
    journal.append("line\n");
    ::_exit(printed == -2 && read_file(path) == "line\n" ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace popaug
