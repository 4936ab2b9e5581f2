#include "cli/evaluation.h"

#include <gtest/gtest.h>

namespace popaug::cli {
namespace {

// 40 letters of two bytes each behind one of one byte: a cut at a byte would halve one.
std::string long_name() {
  std::string name = "x";
  for (int i = 0; i < 40; ++i) name += "\xc3\xa4";
  return name;
}

Evaluation two_classes() {
  Evaluation evaluation;
  evaluation.images = 4;
  evaluation.wrong = 1;
  evaluation.confusion = {{2, 0}, {1, 1}};
  evaluation.predicted = {0, 0, 0, 1};
  evaluation.confidence = {0.9F, 0.8F, 0.7F, 0.6F};
  evaluation.correct = {1, 1, 0, 1};
  return evaluation;
}

TEST(Evaluation, LongNamesAreCutBetweenLetters) {
  const std::vector<std::string> classes = {long_name(), "a \"b\", <c>"};
  const Evaluation evaluation = two_classes();
  for (const std::string& text :
       {evaluation_text(evaluation, classes), confusion_svg(evaluation, classes)}) {
    EXPECT_NO_THROW(static_cast<void>(Json(text).dump())) << "no UTF-8: " << text;
    EXPECT_EQ(text.find("\xef\xbf\xbd"), text.npos) << "a letter was replaced";
    EXPECT_NE(text.find("x\xc3\xa4\xc3\xa4"), text.npos);
  }
  EXPECT_NE(confusion_svg(evaluation, classes).find("&lt;c&gt;"), std::string::npos);
}

TEST(Evaluation, TablesForProgramsHoldWholeNames) {
  const std::vector<std::string> classes = {long_name(), "a \"b\", <c>"};
  const Json json = evaluation_json(two_classes(), classes);
  EXPECT_EQ(json["classes"][0]["class"], classes[0]);
  EXPECT_EQ(json["classes"][1]["class"], classes[1]);
  EXPECT_EQ(confusion_csv(two_classes(), classes), "true\\predicted," + classes[0] +
                                                       ",\"a \"\"b\"\", <c>\"\n" + classes[0] +
                                                       ",2,0\n\"a \"\"b\"\", <c>\",1,1\n");
}

}  // namespace
}  // namespace popaug::cli
