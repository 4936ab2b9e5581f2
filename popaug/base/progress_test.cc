#include "popaug/base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "popaug/base/text.h"

namespace popaug {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

std::vector<std::string> printed(const std::function<void(Progress&)>& work) {
  ::testing::internal::CaptureStderr();  // a file: plain lines
  {
    TerminalProgress progress("search");
    work(progress);
  }
  std::vector<std::string> lines = split(::testing::internal::GetCapturedStderr(), '\n');
  lines.pop_back();  // after the last newline
  return lines;
}

TEST(Progress, WithoutATerminalStartAndEndAreSaidOnceAndNotesAreKept) {
  const auto lines = printed([](Progress& progress) {
    progress.update(1, 10, "a");
    progress.update(5, 10, "b");                 // within the interval: not said
    progress.event("member 1 copies member 2");  // for whoever watches
    progress.line("note: grey images");
    progress.update(10, 10, "c");
    progress.update(10, 10, "c");
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("search  10 %, a"), "note: grey images",
                                 StartsWith("search 100 %")));
}

TEST(Progress, WithoutATerminalAPieceOfWorkThatEndsIsNoLineOfItsOwn) {
  const auto lines = printed([](Progress& progress) {
    for (const char* piece : {"reading", "training", "judging"}) {
      for (int done = 0; done <= 10; ++done) progress.update(done, 10, piece);
    }
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("search   0 %, reading"),
                                 AllOf(StartsWith("search 100 %"), EndsWith("judging"))));
}

TEST(Progress, WithoutATerminalTheIntervalSaysHowOftenALineComes) {
  const auto lines = [](double interval) {
    ::testing::internal::CaptureStderr();
    {
      TerminalProgress progress("search", interval);
      for (int done = 0; done <= 100; ++done) progress.update(done, 100, "");
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(1e9), 2);  // start and end
  EXPECT_EQ(lines(0), 101);  // each update
}

TEST(Progress, AnUnfinishedStepEndsWithWhereItStood) {
  const auto lines = printed([](Progress& progress) {
    progress.update(1, 10, "a");
    progress.update(7, 10, "b");
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("search  10 %"), StartsWith("search  70 %")));
}

TEST(Progress, AnotherPieceOfWorkHasAPaceOfItsOwn) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kFirstPiece(2500);
  steady_clock::duration second_piece{};
  const auto lines = printed([&](Progress& progress) {
    progress.update(0, 10, "first");
    std::this_thread::sleep_for(kFirstPiece);
    progress.update(10, 10, "first");
    const auto start = steady_clock::now();
    progress.update(0, 10, "second");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    progress.update(5, 10, "second");
    second_piece = steady_clock::now() - start;
  });
  ASSERT_THAT(lines.back(), StartsWith("search  50 %, "));
  int minutes = 0, seconds = 0;
  ASSERT_EQ(std::sscanf(lines.back().c_str(), "search  50 %%, %d:%d left", &minutes, &seconds), 2);
  // As long again as its first half took, to the second.
  EXPECT_LE(std::chrono::seconds(60 * minutes + seconds),
            second_piece + std::chrono::milliseconds(1000));
}

}  // namespace
}  // namespace popaug
