#include "popaug/base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/base/text.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
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

TEST(Progress, FirstAndLastAreSaidOnceAndLinesBetweenAreKept) {
  const auto lines = printed([](Progress& progress) {
    progress.update(1, 10, "a");
    progress.update(5, 10, "b");  // within the interval: not said
    progress.line("member 1 copies member 2");
    progress.update(10, 10, "c");
    progress.update(10, 10, "c");
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("search  10 %, a"), "member 1 copies member 2",
                                 StartsWith("search 100 %")));
}

TEST(Progress, AnUnfinishedStepEndsWithWhereItStood) {
  const auto lines = printed([](Progress& progress) {
    progress.update(1, 10, "a");
    progress.update(7, 10, "b");
  });
  EXPECT_THAT(lines, ElementsAre(StartsWith("search  10 %"), StartsWith("search  70 %")));
}

}  // namespace
}  // namespace popaug
