#include "popaug/compare/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "popaug/compare/audit_verdict.h"
#include "popaug/compare/blocks.h"
#include "popaug/compare/internal/audited_space.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

AuditSettings settings_of(const std::string& space, int seeds, int levels = 3) {
  AuditSettings s;
  s.space = space_by_name(space);
  s.cells = audit_cells(s.space, levels);
  s.classes = {"six", "nine", "zero"};
  for (int i = 0; i < seeds; ++i) s.seeds.push_back(static_cast<uint64_t>(i));
  return s;
}

std::vector<std::string> names_of(const std::vector<AuditCell>& cells, const std::string& op) {
  std::vector<std::string> names;
  for (const AuditCell& cell : cells) {
    if (cell.op.op == op) names.push_back(cell.name());
  }
  return names;
}

// 30 images of each class and network, all right.
std::vector<std::vector<int64_t>> all_right(int seeds) {
  std::vector<std::vector<int64_t>> confusion(3, std::vector<int64_t>(3, 0));
  for (size_t c = 0; c < 3; ++c) confusion[c][c] = 30 * seeds;
  return confusion;
}

// Accuracies with the luck of a seed, which pairing must remove, and `noise`; a cell does harm only
// if `effect` says so.
AuditMeasures simulate(const AuditSettings& s, uint64_t run, double noise,
                       const std::function<double(const AuditCell&)>& effect) {
  Random random({.seed = run, .purpose = Purpose::kTest, .stream = 41});
  std::vector<double> luck;
  for (size_t i = 0; i < s.seeds.size(); ++i) luck.push_back(0.05 * random.normal());
  const auto measure = [&](double shift) {
    CellMeasure m;
    for (const double l : luck) {
      m.accuracy.push_back(0.7 + l + shift + noise * random.normal());
      m.train_loss.push_back(1);
    }
    m.confusion = all_right(static_cast<int>(s.seeds.size()));
    return m;
  };
  AuditMeasures measures;
  measures.clean = measure(0);
  for (const AuditCell& cell : s.cells) measures.cells.push_back(measure(effect(cell)));
  return measures;
}

const OpFinding& op_of(const Audit& audit, const std::string& op) {
  for (const OpFinding& f : audit.ops) {
    if (f.op == op) return f;
  }
  throw Error("no finding about " + op);
}

TEST(AuditCells, SpreadOverWhatASearchDraws) {
  const std::vector<AuditCell> cells = audit_cells(space_by_name("pba"), 3);
  EXPECT_THAT(names_of(cells, "Rotate"), ElementsAre("Rotate 3", "Rotate 6", "Rotate 9"));
  // Brightness changes nothing at level 5; both sides of it are tested.
  EXPECT_THAT(names_of(cells, "Brightness"),
              ElementsAre("Brightness 0", "Brightness 3", "Brightness 6", "Brightness 9"));
  EXPECT_THAT(names_of(cells, "Invert"), ElementsAre("Invert"));
  EXPECT_THAT(names_of(cells, "FlipLR"), ElementsAre("FlipLR"));
  EXPECT_FALSE(cells.back().in_space);
  for (const AuditCell& cell : audit_cells(space_by_name("trivial"), 4)) {
    EXPECT_FALSE(is_identity(cell.op, cell.level)) << cell.name();
  }
}

TEST(AuditCells, ImagesUnderBothSigns) {
  ImageSet images;
  images.width = images.height = 32;
  images.channels = 1;
  auto pixels = std::make_shared<std::vector<uint8_t>>(2 * 32 * 32, uint8_t{7});
  (*pixels)[0] = 200;  // the left upper corner of image 0
  images.pixels = *pixels;
  images.storage = pixels;
  images.labels = {1, 2};
  AuditSettings s = settings_of("pba", 2);
  s.cells = {{SpaceOp{"TranslateX", true, PixelScale::kNone, {3}}, 0, true},
             {SpaceOp{"FlipLR"}, 0, false}};
  const ImageSet moved = augmented_images(s.cells[0], s, images, {0, 1});
  EXPECT_EQ(moved.labels, (std::vector<uint32_t>{1, 2, 1, 2}));
  const auto bright = [](const ImageSet& split, size_t image) {
    const auto begin = split.pixels.begin() + static_cast<ptrdiff_t>(image * split.image_bytes());
    return std::find(begin, begin + 32 * 32, 200) - begin;
  };
  EXPECT_TRUE((bright(moved, 0) == 3) != (bright(moved, 2) == 3));  // one sign moves it out
  const ImageSet flipped = augmented_images(s.cells[1], s, images, {0});
  EXPECT_EQ(flipped.count(), 1u);
  EXPECT_EQ(bright(flipped, 0), 31);
}

// The stated rate: where nothing does harm, an op is touched in at most 5 % of audits.
TEST(AuditCells, OfWholeRecipes) {
  const std::vector<AuditCell> cells = recipe_cells({"none", "trivial+noflip"}, 5);
  ASSERT_EQ(cells.size(), 4u);
  EXPECT_EQ(cells[1].name(), "trivial+noflip");
  EXPECT_EQ(cells[1].recipe->epochs(), 5);
  EXPECT_EQ(cells[1].recipe->base.flip, 0);
  EXPECT_FALSE(cells[1].in_space);
  EXPECT_EQ(cells[2].name(), "FlipLR");
  for (const char* name : {"choose", "randaugment-tuned", "trivial@9"}) {
    EXPECT_THAT(message_of([&] { recipe_cells({name}, 5); }), HasSubstr("cannot be audited"));
  }
  EXPECT_THAT(message_of([] { recipe_cells({"crop+mixup"}, 5); }), HasSubstr("mixes images"));
  EXPECT_THAT(message_of([] { recipe_cells({"crop", "crop"}, 5); }), HasSubstr("listed twice"));
}

TEST(AuditRule, FalseAlarmsKeepTheStatedRate) {
  const AuditSettings s = settings_of("pba", 3);
  constexpr int kRuns = 600;
  int touched = 0, touched_unequal = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto alarm = [](const Audit& audit) {
      return std::any_of(audit.ops.begin(), audit.ops.end(),
                         [](const OpFinding& op) { return op.decision != OpDecision::kKeep; });
    };
    AuditMeasures measures = simulate(s, run, 0.02, [](const AuditCell&) { return 0.0; });
    touched += alarm(judge_audit(s, measures));
    // Trainings with half of the cells scatter twice as much: the pooled variance hides it.
    Random random({.seed = static_cast<uint64_t>(run), .purpose = Purpose::kTest, .stream = 42});
    for (size_t i = 0; i < measures.cells.size(); i += 2) {
      for (double& value : measures.cells[i].accuracy) value += 0.035 * random.normal();
    }
    touched_unequal += alarm(judge_audit(s, measures));
  }
  // 5 % and three binomial standard deviations; and the test can fail: it does fire at times.
  EXPECT_LE(touched, kRuns * 0.05 + 3 * std::sqrt(kRuns * 0.05 * 0.95));
  EXPECT_GE(touched, 1);
  std::printf("false alarms in %d audits: %d, with unequal scatter %d\n", kRuns, touched,
              touched_unequal);
  EXPECT_LE(touched_unequal, kRuns * 0.10);
}

TEST(AuditRule, HarmIsFoundAndOnlyThere) {
  const AuditSettings s = settings_of("pba", 3);
  int left_out = 0, limited = 0, others = 0;
  constexpr int kRuns = 60;
  for (int run = 0; run < kRuns; ++run) {
    const Audit audit = judge_audit(s, simulate(s, 1000 + run, 0.01, [](const AuditCell& cell) {
                                      if (cell.op.op == "Invert") return -0.1;
                                      return cell.op.op == "Rotate" && cell.level > 6 ? -0.1 : 0.0;
                                    }));
    left_out += op_of(audit, "Invert").decision == OpDecision::kLeaveOut;
    const OpFinding& rotate = op_of(audit, "Rotate");
    limited += rotate.decision == OpDecision::kLimit && rotate.low == 0 && rotate.high == 6;
    for (const OpFinding& op : audit.ops) {
      others += op.decision != OpDecision::kKeep && op.op != "Invert" && op.op != "Rotate";
    }
  }
  EXPECT_GE(left_out, kRuns * 95 / 100);
  EXPECT_GE(limited, kRuns * 9 / 10);
  EXPECT_LE(others, kRuns / 6);
}

TEST(AuditRule, AnExchangeOfClassesBreaksTheLabel) {
  const AuditSettings s = settings_of("pba", 3);
  AuditMeasures measures = simulate(s, 7, 0.01, [](const AuditCell&) { return 0.0; });
  const auto at = [&](const char* op) {
    for (size_t i = 0; i < s.cells.size(); ++i) {
      if (s.cells[i].op.op == op) return i;
    }
    throw Error(op);
  };
  CellMeasure& both = measures.cells[at("FlipUD")];
  both.accuracy = measures.clean.accuracy;
  both.confusion = {{9, 81, 0}, {84, 6, 0}, {0, 0, 90}};
  // Everything that is turned over looks like one class: a network's habit, not an exchange.
  CellMeasure& one = measures.cells[at("Invert")];
  one.accuracy = measures.clean.accuracy;
  one.confusion = {{0, 90, 0}, {0, 90, 0}, {0, 90, 0}};
  Audit audit = judge_audit(s, measures);
  EXPECT_EQ(op_of(audit, "FlipUD").decision, OpDecision::kLeaveOut);
  EXPECT_THAT(
      audit.sentences.front(),
      HasSubstr("FlipUD turns six into nine (90 % of its images) and nine into six (93 %)"));
  EXPECT_EQ(op_of(audit, "Invert").decision, OpDecision::kKeep);
  EXPECT_FALSE(audit.flip_hurts);
  // Where training with the op gains, labels survive it after all.
  for (double& value : both.accuracy) value += 0.03;
  audit = judge_audit(s, measures);
  EXPECT_EQ(op_of(audit, "FlipUD").decision, OpDecision::kKeep);
}

TEST(AuditedSpace, RangesAreCutAroundTheMildestLevel) {
  const AuditSettings s = settings_of("pba", 3);
  const Space& space = s.space;
  EXPECT_EQ(mildest_level(space.ops[space.index_of("Brightness")], space), 5);
  EXPECT_EQ(mildest_level(space.ops[space.index_of("Solarize")], space), 0);
  EXPECT_EQ(mildest_level(space.ops[space.index_of("Rotate")], space), 0);
  std::vector<CellFinding> cells;
  for (const AuditCell& cell : s.cells) {
    CellFinding f;
    f.cell = cell;
    f.harmful = cell.name() == "Brightness 0" || cell.name() == "Rotate 9" ||
                cell.name() == "ShearX 3" || cell.name() == "Posterize 6";
    cells.push_back(f);
  }
  const std::vector<OpFinding> ops = decide_ops(s, cells, s.classes);
  const Space audited = audited_space(space, ops).value();
  EXPECT_EQ(audited.levels, space.levels);
  EXPECT_EQ(audited.search_levels, space.search_levels);
  const SpaceOp& rotate = audited.ops[audited.index_of("Rotate")];
  EXPECT_DOUBLE_EQ(rotate.values[0], 0);
  EXPECT_DOUBLE_EQ(rotate.values[9], 18);   // level 6 of the old range
  EXPECT_DOUBLE_EQ(rotate.values[10], 18);  // never more, though a search does not draw it
  const SpaceOp& brightness = audited.ops[audited.index_of("Brightness")];
  EXPECT_DOUBLE_EQ(brightness.values[0], space.ops[space.index_of("Brightness")].values[3]);
  EXPECT_DOUBLE_EQ(brightness.values[9], space.ops[space.index_of("Brightness")].values[9]);
  EXPECT_THAT(audited.op_names(), ::testing::Not(::testing::Contains("ShearX")));
  Audit audit;
  audit.ops = ops;
  audit.space = audited;
  EXPECT_EQ(space_from_toml(audited_space_toml(audit), "audited"), audited);
}

// A trainer that answers from the name of its schedule: flips harm.
class FakeTrainer : public Trainer {
 public:
  FakeTrainer(const Schedule& schedule, std::atomic<int>& runs)
      : harmful_(schedule.name == "FlipLR"), runs_(runs) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>&,
                  const StopToken&) override {
    ++runs_;
    RoundResult r;
    const double accuracy = (harmful_ ? 0.4 : 0.8) + 0.001 * static_cast<double>(work.seed);
    r.metrics = {{"val_accuracy", accuracy}, {"train_loss", harmful_ ? 2 : 1}};
    if (!work.to.empty()) write_file_atomic(work.to, "weights");
    r.images_trained = 10 * work.epochs;
    return r;
  }

 private:
  bool harmful_;
  std::atomic<int>& runs_;
};

// All right, but for flipped images, on which classes 0 and 1 are exchanged.
AuditTrainers fake_trainers(const ImageSet& validation, std::atomic<int>& runs) {
  AuditTrainers trainers;
  trainers.trainer = [&](const Schedule& schedule) {
    return std::make_unique<FakeTrainer>(schedule, runs);
  };
  trainers.predict = [&](const fs::path& checkpoint, const ImageSet* images) {
    EXPECT_EQ(read_file(checkpoint), "weights");
    ++runs;
    std::vector<uint32_t> predicted = images == nullptr ? validation.labels : images->labels;
    if (images != nullptr && images->name == "FlipLR") {
      for (uint32_t& label : predicted) label = label < 2 ? 1 - label : label;
    }
    return predicted;
  };
  return trainers;
}

struct FakeSet {
  ImageSet images;
  std::vector<uint32_t> indices;
  FakeSet() {
    images.width = images.height = 4;
    images.channels = 1;
    auto pixels = std::make_shared<std::vector<uint8_t>>(60 * 16, uint8_t{9});
    for (size_t i = 0; i < pixels->size(); ++i) (*pixels)[i] = static_cast<uint8_t>(i * 37);
    images.pixels = *pixels;
    images.storage = pixels;
    for (uint32_t i = 0; i < 60; ++i) {
      images.labels.push_back(i % 3);
      indices.push_back(i);
    }
  }
};

TEST(RunAudit, MeasuresJudgesAndResumes) {
  const FakeSet set;
  AuditSettings s = settings_of("pba", 2);
  std::erase_if(s.cells,
                [](const AuditCell& c) { return c.op.op != "FlipLR" && c.op.op != "Rotate"; });
  std::atomic<int> runs{0};
  const AuditTrainers trainers = fake_trainers(set.images, runs);
  const TemporaryFolder folder;
  const StopToken stop;
  AuditOptions options{folder.path() / "audit", false, 2};
  const auto run = [&] {
    return run_audit(s, set.images, set.indices, trainers, options, silent_progress(), stop);
  };
  const Audit audit = judge_audit(s, run());
  EXPECT_EQ(runs, (2 + 2 * 4) * 2);
  EXPECT_TRUE(audit.flip_hurts);
  EXPECT_EQ(op_of(audit, "Rotate").decision, OpDecision::kKeep);
  EXPECT_NEAR(audit.cells.back().gain, -40, 1e-9);
  EXPECT_NEAR(audit.cells.back().diversity, 2, 1e-12);
  EXPECT_NEAR(audit.cells.back().affinity, -200.0 / 3, 1e-9);
  EXPECT_FALSE(fs::exists(options.directory / "clean-0.safetensors"));

  EXPECT_THROW(run(), UsageError);  // there is one already
  options.resume = true;
  const std::string whole = read_file(options.directory / "runs.jsonl");
  const Json first = audit_to_json(audit);
  EXPECT_EQ(audit_to_json(judge_audit(s, run())), first);  // nothing is done again
  EXPECT_EQ(runs, (2 + 2 * 4) * 2);
  // Killed in the middle of a line, before all images were evaluated.
  const size_t cut = whole.find("\"images\"");
  write_file_atomic(options.directory / "runs.jsonl", whole.substr(0, cut));
  EXPECT_EQ(audit_to_json(judge_audit(s, run())), first);

  s.epochs = 9;
  try {
    run();
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("made with epochs = 8, now it is 9"));
  }
}

TEST(RunAudit, OneSeedIsRefusedAndAStopIsClean) {
  const FakeSet set;
  AuditSettings s = settings_of("pba", 1);
  std::atomic<int> runs{0};
  const AuditTrainers trainers = fake_trainers(set.images, runs);
  const TemporaryFolder folder;
  StopToken stop;
  const AuditOptions options{folder.path(), false, 1};
  EXPECT_THROW(run_audit(s, set.images, set.indices, trainers, options, silent_progress(), stop),
               UsageError);
  s.seeds = {0, 1};
  stop.request();
  EXPECT_THROW(run_audit(s, set.images, set.indices, trainers, options, silent_progress(), stop),
               Interrupted);
}

TEST(Blocks, EqualsTheTwoWayAnalysisOfVariance) {
  // SciPy and NumPy: the residual mean square of a two-way layout without interaction.
  const std::vector<std::vector<double>> values = {
      {0.80, 0.82, 0.78}, {0.75, 0.78, 0.72}, {0.81, 0.80, 0.79}};
  const Blocks blocks = randomised_blocks(values);
  EXPECT_EQ(blocks.degrees, 4);
  EXPECT_NEAR(blocks.variance, 0.00018333333333333347, 1e-15);
  EXPECT_NEAR(upper_p(0.05, difference_error(blocks), 4), 0.005318313920277471, 1e-10);
  EXPECT_NEAR(upper_quantile(0.025, 4), 2.7764451051977987, 1e-12);
  EXPECT_EQ(upper_p(0.1, 0, 4), 0);
  EXPECT_THROW(randomised_blocks(std::vector<std::vector<double>>{{1, 2}}), Error);
}

}  // namespace
}  // namespace popaug
