#include "popaug/train/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "popaug/model/model.h"
#include "popaug/train/internal/batches.h"
#include "popaug/train/setting_rows.h"
#include "tests/message_of.h"
#include "tests/toy_training.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

RoundWork work_of(int member, int round, const fs::path& from, const fs::path& to) {
  RoundWork work;
  work.member = member;
  work.round = round;
  work.first_epoch = 2 * round;
  work.epochs = 2;
  work.total_epochs = 4;
  work.seed = 7;
  const Space space = space_by_name("pba");
  work.policy = zero_policy(space);
  work.policy.entries[0] = {0, 0.5, 3};
  work.from = from;
  work.to = to;
  return work;
}

class TrainerTest : public ::testing::Test {
 protected:
  TrainerFactory factory() {
    return make_trainer_factory(small_settings(), space_by_name("pba"), Rule(),
                                {.pad = 2, .flip = 0, .cutout = 0}, kClasses, range(split_, 0, 80),
                                range(split_, 80, 160), "accuracy");
  }
  RoundResult run(Trainer& trainer, const RoundWork& work) {
    return trainer.run(
        work, [](double) {}, never_);
  }

  ImageSet split_ = toy_split(160, 16, 1, 1);
  TemporaryFolder folder_;
  StopToken never_;
};

TEST_F(TrainerTest, LearnsAndWritesTheSameBytesWhateverTheWorker) {
  const auto one = factory()(0);
  const RoundWork work = work_of(3, 0, {}, folder_.path() / "one");
  const RoundResult result = run(*one, work);
  EXPECT_EQ(result.images_trained, 2 * 80);
  EXPECT_EQ(result.images_evaluated, 80);
  EXPECT_EQ(result.correct.size(), 80u);
  EXPECT_GT(result.metrics.at("train_loss"), 0);
  run(*one, work_of(3, 1, folder_.path() / "one", folder_.path() / "two"));

  // Another worker, used for other members before, in threads side by side.
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 2; ++worker) {
    threads.emplace_back([&, worker] {
      const auto trainer = factory()(worker);
      const fs::path base = folder_.path() / ("worker" + std::to_string(worker));
      run(*trainer, work_of(9, 0, {}, base.string() + "-other"));
      run(*trainer, work_of(3, 0, {}, base.string() + "-one"));
      run(*trainer, work_of(3, 1, base.string() + "-one", base.string() + "-two"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const char* worker : {"worker0", "worker1"}) {
    EXPECT_EQ(read_file(folder_.path() / "one"),
              read_file(folder_.path() / (std::string(worker) + "-one")));
    EXPECT_EQ(read_file(folder_.path() / "two"),
              read_file(folder_.path() / (std::string(worker) + "-two")));
  }
}

// An exploiting member continues from the donor's weights, momentum and batch-norm statistics: with
// the donor's number and policy it would do exactly what the donor does.
TEST_F(TrainerTest, ExploitCopiesEverythingThatLearns) {
  const auto trainer = factory()(0);
  const fs::path donor = folder_.path() / "donor", target = folder_.path() / "target";
  run(*trainer, work_of(1, 0, {}, donor));
  RoundWork still = work_of(2, 1, donor, target);
  still.epochs = 0;
  run(*trainer, still);
  const std::string donor_bytes = read_file(donor), target_bytes = read_file(target);
  const RawTensors a = parse_safetensors(donor_bytes, "donor");
  const RawTensors b = parse_safetensors(target_bytes, "target");
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  int momenta = 0, statistics = 0;
  for (const RawTensor& tensor : a.tensors) {
    EXPECT_EQ(tensor.bytes, b.find(tensor.name)->bytes) << tensor.name;
    const bool zero = tensor.bytes.find_first_not_of('\0') == std::string_view::npos;
    momenta += tensor.name.starts_with(kMomentumPrefix) && !zero;
    statistics += tensor.name.ends_with("running_mean") && !zero;
  }
  EXPECT_GT(momenta, 20);
  EXPECT_GT(statistics, 5);
}

TEST_F(TrainerTest, StopsAndLeavesNothing) {
  const auto trainer = factory()(0);
  StopToken stop;
  const fs::path to = folder_.path() / "stopped";
  EXPECT_THROW(trainer->run(
                   work_of(0, 0, {}, to), [&](double) { stop.request(); }, stop),
               Interrupted);
  EXPECT_FALSE(fs::exists(to));
}

// Segments of a training that nothing is decided on: the same weights, no image evaluated.
TEST_F(TrainerTest, TrainsWithoutEvaluating) {
  const auto trainer = factory()(0);
  const fs::path with = folder_.path() / "with", without = folder_.path() / "without";
  run(*trainer, work_of(1, 0, {}, with));
  RoundWork work = work_of(1, 0, {}, without);
  work.evaluate = false;
  const RoundResult result = run(*trainer, work);
  EXPECT_EQ(result.score, 0);
  EXPECT_EQ(result.images_evaluated, 0);
  EXPECT_EQ(result.images_trained, 2 * 80);
  EXPECT_TRUE(result.correct.empty());
  EXPECT_FALSE(result.metrics.contains("val_loss"));
  EXPECT_EQ(read_file(with), read_file(without));
}

// Arms of a comparison differ in their policy alone: where no step is made they are the same bytes,
// and a policy that leaves every image as it is trains as none does, in the same order of images.
TEST_F(TrainerTest, PoliciesShareInitialWeightsAndOrder) {
  const auto trainer = factory()(0);
  const fs::path a = folder_.path() / "a", b = folder_.path() / "b";
  RoundWork one = work_of(1, 0, {}, a), other = work_of(1, 0, {}, b);
  one.policy = zero_policy(space_by_name("pba"));
  other.policy.entries[0] = {0, 1, 10};
  one.epochs = other.epochs = 0;
  run(*trainer, one);
  run(*trainer, other);
  EXPECT_EQ(read_file(a), read_file(b));

  // At probability 0 nothing is applied, whatever the level: draws of the policy move no other
  // draw.
  one.epochs = other.epochs = 2;
  other.policy.entries[0] = {0, 0, 10};
  run(*trainer, one);
  run(*trainer, other);
  EXPECT_EQ(read_file(a), read_file(b));
  other.policy.entries[0] = {0, 1, 10};
  run(*trainer, other);
  EXPECT_NE(read_file(a), read_file(b));
}

// A member with a gene trains to the bytes of one under the setting of that name and value. Every
// setting that a search can vary is checked.
TEST_F(TrainerTest, EveryGeneIsTheSettingOfItsName) {
  const auto weights = [&](const TrainSettings& settings, const BaseTransforms& base,
                           const std::map<std::string, double>& genes) {
    const auto trainer =
        make_trainer_factory(settings, space_by_name("pba"), Rule(), base, kClasses,
                             range(split_, 0, 80), range(split_, 80, 160), "accuracy")(0);
    RoundWork work = work_of(0, 0, {}, folder_.path() / "weights");
    work.genes = genes;
    run(*trainer, work);
    return read_file(work.to);
  };
  const BaseTransforms base = {
      .pad = 2, .flip = 0.25, .cutout = 4, .erase = 0.3, .cutmix = 0.3, .mixup = 0.3};
  const std::string plain = weights(small_settings(), base, {});
  std::vector<std::string> checked;
  const auto check = [&](const std::string& gene, double value, auto set) {
    checked.push_back(gene);
    TrainSettings settings = small_settings();
    BaseTransforms changed = base;
    set(settings, changed);
    const std::string expected = weights(settings, changed, {});
    EXPECT_NE(expected, plain) << gene;
    EXPECT_EQ(weights(small_settings(), base, {{gene, value}}), expected) << gene;
  };
  check("lr", 0.01, [](auto& s, auto&) { s.lr = 0.01; });
  check("weight_decay", 0.02, [](auto& s, auto&) { s.weight_decay = 0.02; });
  check("momentum", 0.5, [](auto& s, auto&) { s.momentum = 0.5; });
  check("clip", 0.1, [](auto& s, auto&) { s.clip = 0.1; });
  check("layer_decay", 0.7, [](auto& s, auto&) { s.layer_decay = 0.7; });
  check("label_smoothing", 0.2, [](auto& s, auto&) { s.label_smoothing = 0.2; });
  check("trunk_lr_factor", 0.1, [](auto& s, auto&) { s.trunk_lr_factor = 0.1; });
  check("flip", 0.75, [](auto&, auto& b) { b.flip = 0.75; });
  check("vflip", 0.75, [](auto&, auto& b) { b.vflip = 0.75; });
  check("turn", 0.75, [](auto&, auto& b) { b.turn = 0.75; });
  check("erase", 0.5, [](auto&, auto& b) { b.erase = 0.5; });
  check("erase_most", 0.9, [](auto&, auto& b) { b.erase_most = 0.9; });
  check("cutmix", 0.5, [](auto&, auto& b) { b.cutmix = 0.5; });
  check("cutmix_alpha", 0.2, [](auto&, auto& b) { b.cutmix_alpha = 0.2; });
  check("mixup", 0.5, [](auto&, auto& b) { b.mixup = 0.5; });
  check("mixup_alpha", 5, [](auto&, auto& b) { b.mixup_alpha = 5; });
  check("pad", 6, [](auto&, auto& b) { b.pad = 6; });
  check("cutout", 10, [](auto&, auto& b) { b.cutout = 10; });
  check("head_dropout", 0.4, [](auto& s, auto&) { s.head_dropout = 0.4; });
  check("resized_crop", 0.5, [](auto& s, auto&) { s.resized_crop = 0.5; });
  std::vector<std::string> genes = base_gene_names();
  for (const TrainSettingRow& row : kTrainSettings) {
    if (row.searched != Searched::kNo) genes.emplace_back(row.setting.key);
  }
  EXPECT_THAT(checked, ::testing::UnorderedElementsAreArray(genes));
  EXPECT_THROW(weights(small_settings(), base, {{"lrr", 0.01}}), UsageError);
}

// A strength scales the space of ops, also that of a schedule's segment.
TEST_F(TrainerTest, StrengthsScaleTheSpace) {
  const auto weights = [&](const Space& space, const std::map<std::string, double>& genes,
                           const std::optional<Space>& own) {
    const auto trainer =
        make_trainer_factory(small_settings(), space, Rule(), {}, kClasses, range(split_, 0, 80),
                             range(split_, 80, 160), "accuracy")(0);
    RoundWork work = work_of(0, 0, {}, folder_.path() / "weights");
    for (PolicyEntry& entry : work.policy.entries) entry = {entry.op, 1, 9};
    work.genes = genes;
    work.space = own;
    run(*trainer, work);
    return read_file(work.to);
  };
  const Space space = space_by_name("pba");
  const Space weak = with_strengths(space, {.all = 0.5, .geometry = 0.4, .tone = 0.2});
  const std::string expected = weights(weak, {}, {});
  EXPECT_NE(expected, weights(space, {}, {}));
  EXPECT_EQ(
      weights(space, {{"strength", 0.5}, {"strength_geometry", 0.4}, {"strength_tone", 0.2}}, {}),
      expected);
  EXPECT_EQ(weights(space, {}, weak), expected);
  // Base transforms of a segment take the place of the trainer's, settings of the training
  // included.
  const auto other = [&](const BaseTransforms& made, const std::optional<BaseTransforms>& own) {
    TrainSettings settings = small_settings();
    settings.paper_pixels = true;
    const auto trainer =
        make_trainer_factory(settings, space, Rule(), made, kClasses, range(split_, 0, 80),
                             range(split_, 80, 160), "accuracy")(0);
    RoundWork work = work_of(0, 0, {}, folder_.path() / "weights");
    work.base = own;
    run(*trainer, work);
    return read_file(work.to);
  };
  const BaseTransforms base = {.pad = 3, .flip = 0.7};
  EXPECT_EQ(other({}, base), other(base, {}));
  EXPECT_NE(other({}, base), other({}, {}));
}

// Mixing changes the weights, and needs two images and two classes.
TEST_F(TrainerTest, MixedImagesHaveTwoLabels) {
  const auto weights = [&](const BaseTransforms& base, const std::vector<std::string>& classes,
                           const Subset& train) {
    TrainSettings settings = small_settings();
    settings.batch = 1;
    const auto trainer = make_trainer_factory(settings, space_by_name("pba"), Rule(), base, classes,
                                              train, range(split_, 80, 160), "accuracy")(0);
    RoundWork work = work_of(0, 0, {}, folder_.path() / "weights");
    work.evaluate = false;
    run(*trainer, work);
    return read_file(work.to);
  };
  // A batch of one image is mixed with an image of the epoch.
  const Subset few = range(split_, 0, 6);
  EXPECT_NE(weights({.cutmix = 1}, kClasses, few), weights({}, kClasses, few));
  EXPECT_NE(weights({.cutmix = 1}, kClasses, few), weights({.mixup = 1}, kClasses, few));
  EXPECT_THAT(message_of([&] { weights({.mixup = 1}, kClasses, range(split_, 0, 1)); }),
              HasSubstr("mixup: an image is mixed with another one of the epoch, but the epoch has "
                        "one image only"));
  ImageSet one_class = split_;
  std::fill(one_class.labels.begin(), one_class.labels.end(), 0);
  EXPECT_THAT(message_of([&] { weights({.cutmix = 1}, {"a"}, range(one_class, 0, 6)); }),
              HasSubstr("cutmix: a mixed image has two labels, but the data have one class"));
}

TEST_F(TrainerTest, AResizedCropTakesThePlaceOfPaddingAndCrop) {
  const auto weights = [&](double setting, const BaseTransforms& base) {
    TrainSettings settings = small_settings();
    settings.resized_crop = setting;
    const auto trainer =
        make_trainer_factory(settings, space_by_name("pba"), Rule(), base, kClasses,
                             range(split_, 0, 80), range(split_, 80, 160), "accuracy")(0);
    const RoundWork work = work_of(0, 0, {}, folder_.path() / "weights");
    run(*trainer, work);
    return read_file(work.to);
  };
  const std::string cropped = weights(0.4, {.pad = 2, .flip = 0.25});
  EXPECT_EQ(cropped, weights(0, {.flip = 0.25, .resized_crop = 0.4}));
  EXPECT_NE(cropped, weights(0, {.pad = 2, .flip = 0.25}));
  EXPECT_NE(cropped, weights(0.5, {.pad = 2, .flip = 0.25}));
  EXPECT_THROW(weights(1.5, {}), UsageError);
  // From larger images, where there are some: nothing else reads them.
  const std::string uncropped = weights(0, {.pad = 2, .flip = 0.25});
  split_.detail_width = split_.detail_height = 2 * split_.width;
  std::vector<uint8_t> detail(4 * split_.pixels.size(), 90);
  split_.detail = detail;
  EXPECT_EQ(uncropped, weights(0, {.pad = 2, .flip = 0.25}));
  EXPECT_NE(cropped, weights(0.4, {.flip = 0.25}));
}

// Nothing is written, and the next round of this worker is as if nothing had been.
TEST_F(TrainerTest, ADivergedRoundLeavesNothing) {
  const auto trainer = factory()(0);
  RoundWork work = work_of(0, 0, {}, folder_.path() / "diverged");
  work.genes = {{"lr", 1e30}, {"clip", 0}};
  std::string said;
  for (int time = 0; time < 2; ++time) {
    try {
      run(*trainer, work);
      ADD_FAILURE();
    } catch (const Diverged& diverged) {
      EXPECT_GT(diverged.images_trained, 0);
      EXPECT_THAT(diverged.what(), HasSubstr("training diverged: the loss is"));
      EXPECT_TRUE(time == 0 || diverged.what() == said) << diverged.what();
      said = diverged.what();
    }
  }
  EXPECT_FALSE(fs::exists(work.to));
  run(*trainer, work_of(0, 0, {}, folder_.path() / "after"));
  run(*factory()(0), work_of(0, 0, {}, folder_.path() / "fresh"));
  EXPECT_EQ(read_file(folder_.path() / "after"), read_file(folder_.path() / "fresh"));
}

TEST_F(TrainNetworkTest, LearnsAndIsEvaluated) {
  const fs::path to = folder_.path() / "run";
  const TrainReport report = train(to, never_);
  EXPECT_EQ(report.steps, 36);
  EXPECT_EQ(report.images_trained, 36 * 16);
  ASSERT_EQ(report.train_loss.size(), 6u);
  EXPECT_LT(report.train_loss.back(), 0.8 * report.train_loss.front());
  EXPECT_FALSE(fs::exists(to / "checkpoint.safetensors"));
  const CheckpointInfo info = read_checkpoint_info(to / "best.safetensors");
  EXPECT_EQ(info.classes, kClasses);
  EXPECT_EQ(info.epoch, 6);
  EXPECT_EQ(info.mean.size(), 3u);
  const Evaluation evaluation = evaluate_checkpoint(to / "best.safetensors", range(split_, 96, 160),
                                                    0, "cpu", silent_progress());
  EXPECT_EQ(evaluation.images, 64);
  EXPECT_GT(evaluation.accuracy(), 0.5);   // one in four by chance
  EXPECT_THROW(train(to, never_), Error);  // never overwritten
}

TEST_F(TrainNetworkTest, ResumesToTheSameBytesFromAnyStep) {
  const Subset validation = range(split_, 96, 160);
  train(folder_.path() / "whole", never_, {.validation = validation});
  for (const double share : {0.02, 0.4, 0.5, 0.93}) {
    const fs::path to = folder_.path() / ("cut" + number_text(share));
    StopToken stop;
    StopAt stopper(share, stop);
    EXPECT_THROW(train(to, stop, {.validation = validation}, stopper), Interrupted);
    train(to, never_, {.validation = validation, .resume = true});
    for (const char* name : {"best.safetensors", "last.safetensors", "progress.csv"}) {
      EXPECT_EQ(read_file(folder_.path() / "whole" / name), read_file(to / name)) << name << share;
    }
  }
}

TEST_F(TrainNetworkTest, AMixedTrainingResumesToTheSameBytesAndLearns) {
  train(folder_.path() / "plain", never_);
  augment_ = "flipcrop+cutmix+mixup-0.5";
  const TrainReport report = train(folder_.path() / "whole", never_);
  EXPECT_LT(report.train_loss.back(), report.train_loss.front());
  const auto weights = [&](const char* run) {
    return read_file(folder_.path() / run / "last.safetensors");
  };
  EXPECT_NE(weights("whole"), weights("plain"));
  const fs::path to = folder_.path() / "cut";
  StopToken stop;
  StopAt stopper(0.55, stop);
  EXPECT_THROW(train(to, stop, {}, stopper), Interrupted);
  train(to, never_, {.resume = true});
  EXPECT_EQ(weights("cut"), weights("whole"));
  // Shards of a batch take their parts of the labels.
  settings_.shards = 2;
  train(folder_.path() / "sharded", never_);
  EXPECT_NE(weights("sharded"), weights("whole"));
}

TEST_F(TrainNetworkTest, ResumeRefusesOtherSettings) {
  const fs::path to = folder_.path() / "run";
  StopToken stop;
  StopAt stopper(0.3, stop);
  EXPECT_THROW(train(to, stop, {}, stopper), Interrupted);
  settings_.lr = 0.06;
  try {
    train(to, never_, {.resume = true});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("other settings or data"));
  }
}

TEST_F(TrainNetworkTest, AResumeSeesEveryFlippedBit) {
  const fs::path to = folder_.path() / "run";
  StopToken stop;
  StopAt stopper(0.4, stop);
  EXPECT_THROW(train(to, stop, {}, stopper), Interrupted);
  const std::string whole = read_file(to / "checkpoint.safetensors");
  Random random({1, Purpose::kTest});
  for (int flip = 0; flip < 200; ++flip) {
    // Every other flip is in the header: what the checkpoint says of itself.
    const size_t at = random.below(flip % 2 == 0 ? 2000 : whole.size());
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    EXPECT_THROW(open_checkpoint(damaged, "checkpoint"), Error) << at;
  }
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  write_file_atomic(to / "checkpoint.safetensors", damaged);
  EXPECT_THAT(message_of([&] { train(to, never_, {.resume = true}); }), HasSubstr("is damaged"));
  EXPECT_FALSE(fs::exists(to / "last.safetensors"));
  write_file_atomic(to / "checkpoint.safetensors", whole);
  train(to, never_, {.resume = true});
}

// The bytes of a checkpoint as version 1 wrote them: without a checksum.
std::string as_version_one(const Checkpoint& checkpoint, int64_t steps) {
  RawTensors file = checkpoint.tensors;
  Json about = parse_json(file.metadata.at("popaug"), "metadata");
  about["version"] = 1;
  about["steps"] = steps;
  file.metadata = {{"format", "pt"}, {"popaug", json_line(about)}};
  return make_safetensors(file);
}

TEST_F(TrainNetworkTest, ResumesFromVersionOneButNotFromStepsThatContradictIt) {
  train(folder_.path() / "whole", never_);
  const fs::path to = folder_.path() / "run";
  StopToken stop;
  StopAt stopper(0.4, stop);
  EXPECT_THROW(train(to, stop, {}, stopper), Interrupted);
  const fs::path path = to / "checkpoint.safetensors";
  const Checkpoint checkpoint = load_checkpoint(path);
  for (const int64_t steps : {int64_t{0}, checkpoint.info.steps + 6, int64_t{1} << 40}) {
    write_file_atomic(path, as_version_one(checkpoint, steps));
    EXPECT_THAT(message_of([&] { train(to, never_, {.resume = true}); }),
                HasSubstr("contradicts itself"))
        << steps;
  }
  write_file_atomic(path, as_version_one(checkpoint, checkpoint.info.steps));
  train(to, never_, {.resume = true});
  EXPECT_EQ(read_file(to / "last.safetensors"),
            read_file(folder_.path() / "whole/last.safetensors"));
}

TEST_F(TrainNetworkTest, DivergedTrainingSaysWhere) {
  settings_.lr = 1000;
  settings_.clip = 0;
  settings_.lr_rule = "constant";
  for (const char* conv : {"exact", "fast", "auto"}) {
    settings_.conv = conv;
    try {
      train(folder_.path() / conv, never_);
      FAIL() << conv;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("training diverged")) << conv;
      EXPECT_THAT(error.what(), HasSubstr("learning rate 1000")) << conv;
    }
  }
}

TEST_F(TrainNetworkTest, InitTakesWhatFits) {
  train(folder_.path() / "colour", never_);
  const fs::path weights = folder_.path() / "colour" / "best.safetensors";
  // Other classes and grey images: the classifier starts from new weights, the first convolution is
  // summed.
  const ImageSet grey = toy_split(64, 16, 1, 3);
  settings_.init = weights;
  const std::vector<std::string> classes = {"a", "b", "c", "d", "e"};
  train_network(settings_, schedule(1), classes, range(grey, 0, 64), 5, folder_.path() / "grey",
                silent_progress(), never_);
  EXPECT_THAT(init_notes(settings_, classes, grey),
              ::testing::ElementsAre(
                  AllOf(HasSubstr("init: "), HasSubstr(" tensors are taken from ")),
                  HasSubstr("conv1.weight is summed over its three colours"),
                  AllOf(HasSubstr("the classifier (fc.weight, fc.bias) starts from new weights"),
                        HasSubstr("not for 5 classes")),
                  HasSubstr("of the weights, averaged over the colours")));
  // The images are normalised as those of the weights were, by the mean over the colours.
  const CheckpointInfo from = read_checkpoint_info(weights);
  const CheckpointInfo made = read_checkpoint_info(folder_.path() / "grey/last.safetensors");
  EXPECT_NEAR(made.mean.at(0), (from.mean[0] + from.mean[1] + from.mean[2]) / 3, 1e-6);
  EXPECT_NEAR(made.std.at(0), (from.std[0] + from.std[1] + from.std[2]) / 3, 1e-6);
  settings_.network = "resnet-18";
  EXPECT_THAT(message_of([&] { train(folder_.path() / "y", never_); }),
              AllOf(HasSubstr(" of the 102 tensors of network \"resnet-18\""),
                    HasSubstr("give setting \"network\" wrn-10-1")));
  settings_.init = folder_.path() / "none.safetensors";
  EXPECT_THROW(train(folder_.path() / "x", never_), Error);
}

// The tensors of a checkpoint that differ from those of another file.
std::vector<std::string> changed_tensors(const fs::path& file, const fs::path& from) {
  const Checkpoint a = load_checkpoint(file), b = load_checkpoint(from);
  std::vector<std::string> names;
  for (const RawTensor& tensor : a.tensors.tensors) {
    if (tensor.name.ends_with("num_batches_tracked")) continue;
    if (b.tensors.find(tensor.name)->bytes != tensor.bytes) names.push_back(tensor.name);
  }
  return names;
}

TEST_F(TrainNetworkTest, HeadEpochsMoveTheClassifierAlone) {
  train(folder_.path() / "first", never_);
  const fs::path weights = folder_.path() / "first/last.safetensors";
  settings_.init = weights;
  settings_.head_epochs = 100;
  for (const char* conv : {"exact", "fast", "auto"}) {
    settings_.conv = conv;
    train(folder_.path() / conv, never_);
    EXPECT_THAT(changed_tensors(folder_.path() / conv / "last.safetensors", weights),
                ::testing::ElementsAre("fc.weight", "fc.bias"))
        << conv;
  }
  // Frozen batch norms keep their statistics while everything else moves.
  settings_.head_epochs = 0;
  settings_.freeze_norm = true;
  settings_.trunk_lr_factor = 0.1;
  for (const char* conv : {"exact", "fast", "auto"}) {
    settings_.conv = conv;
    const fs::path to = folder_.path() / (std::string("norm-") + conv);
    train(to, never_);
    const auto changed = changed_tensors(to / "last.safetensors", weights);
    EXPECT_THAT(changed, ::testing::Contains("conv1.weight")) << conv;
    EXPECT_THAT(changed, ::testing::Each(::testing::Not(HasSubstr("running")))) << conv;
  }
}

TEST_F(TrainNetworkTest, FineTuningResumesToTheSameBytes) {
  train(folder_.path() / "first", never_);
  settings_.init = folder_.path() / "first/last.safetensors";
  settings_.head_epochs = 1;
  settings_.trunk_lr_factor = 0.2;
  settings_.optimizer = "adamw";
  settings_.lr = 0.003;
  train(folder_.path() / "whole", never_);
  for (const double share : {0.2, 0.4, 0.7}) {
    const fs::path to = folder_.path() / ("cut" + std::to_string(share));
    StopToken stop;
    StopAt stopper(share, stop);
    EXPECT_THROW(train(to, stop, {}, stopper), Interrupted);
    train(to, never_, {.resume = true});
    for (const char* name : {"last.safetensors", "best.safetensors", "progress.csv"}) {
      EXPECT_EQ(read_file(folder_.path() / "whole" / name), read_file(to / name)) << name << share;
    }
  }
}

TEST_F(TrainNetworkTest, FineTuningNeedsWeightsAndAHead) {
  settings_.head_epochs = 1;
  EXPECT_THAT(message_of([&] { train(folder_.path() / "x", never_); }),
              AllOf(HasSubstr("setting \"head_epochs\""), HasSubstr("give setting \"init\"")));
  settings_.head_epochs = 0;
  settings_.freeze_norm = true;
  settings_.model = folder_.path() / "own.pt";
  EXPECT_THAT(message_of([&] { train(folder_.path() / "x", never_); }),
              HasSubstr("which of its layers are the classifier"));
}

// Dropout and parts of a batch are part of what a training is, and of its checkpoints.
TEST_F(TrainNetworkTest, DropoutAndAccumulationResumeToTheSameBytes) {
  const auto weights = [&](const char* run) {
    return read_file(folder_.path() / run / "last.safetensors");
  };
  train(folder_.path() / "plain", never_);
  settings_.head_dropout = 0.3;
  const TrainReport report = train(folder_.path() / "dropped", never_);
  EXPECT_LT(report.train_loss.back(), report.train_loss.front());
  EXPECT_NE(weights("dropped"), weights("plain"));
  settings_.accumulate = 4;
  train(folder_.path() / "whole", never_);
  EXPECT_NE(weights("whole"), weights("dropped"));
  StopToken stop;
  StopAt stopper(0.4, stop);
  EXPECT_THROW(train(folder_.path() / "cut", stop, {}, stopper), Interrupted);
  train(folder_.path() / "cut", never_, {.resume = true});
  EXPECT_EQ(weights("cut"), weights("whole"));
  settings_.accumulate = 3;
  EXPECT_THAT(message_of([&] { train(folder_.path() / "x", never_); }),
              HasSubstr("16 images do not divide into 3 equal parts"));
  settings_.accumulate = 1;
  settings_.model = folder_.path() / "own.pt";
  EXPECT_THAT(message_of([&] { train(folder_.path() / "x", never_); }),
              HasSubstr("needs a built-in network"));
}

TEST_F(TrainNetworkTest, ShardsGiveTheSameBytesWhateverTheCores) {
  settings_.shards = 4;
  train(folder_.path() / "one", never_);
  train(folder_.path() / "two", never_);
  EXPECT_EQ(read_file(folder_.path() / "one" / "best.safetensors"),
            read_file(folder_.path() / "two" / "best.safetensors"));
  settings_.shards = 1;
  train(folder_.path() / "whole", never_);
  EXPECT_NE(read_file(folder_.path() / "one" / "best.safetensors"),
            read_file(folder_.path() / "whole" / "best.safetensors"));
  settings_.shards = 3;
  EXPECT_THROW(train(folder_.path() / "x", never_), UsageError);
}

TEST_F(TrainNetworkTest, BadDevicesAndCheckpointsAreSentences) {
  settings_.device = "gpu";
  EXPECT_THROW(train(folder_.path() / "x", never_), UsageError);
  settings_.device = "cpu";
  const fs::path to = folder_.path() / "run";
  train(to, never_);
  const std::string bytes = read_file(to / "best.safetensors");
  const fs::path cut = folder_.path() / "cut.safetensors";
  for (const size_t keep : {size_t{0}, size_t{5}, size_t{900}, bytes.size() - 1}) {
    write_file_atomic(cut, bytes.substr(0, keep));
    EXPECT_THROW(evaluate_checkpoint(cut, range(split_, 0, 8), 0, "cpu", silent_progress()), Error);
  }
  const ImageSet other = toy_split(8, 20, 3, 3);
  EXPECT_THROW(
      evaluate_checkpoint(to / "best.safetensors", range(other, 0, 8), 0, "cpu", silent_progress()),
      Error);
}

TEST(Memory, EstimateIsOfTheOrderOfTheTensors) {
  TrainSettings settings;
  // 16 members of WRN-28-2 at batch 128 within 4 GiB only if few train at once (a member a core).
  const double one = double(estimate_member_memory(settings, 3, 32, 32, 10));
  EXPECT_GT(one, 3e8);
  EXPECT_LT(one, 1.2e9);
}

TEST(Batches, BalancedOrderHasEveryClassEquallyOften) {
  // 50, 7 and 1 images of the classes 0, 2 and 5; others of the split do not train.
  std::vector<uint32_t> labels(100, 3), indices;
  for (uint32_t i = 0; i < 58; ++i) {
    labels[i + 20] = i < 50 ? 0 : i < 57 ? 2 : 5;
    indices.push_back(i + 20);
  }
  const EpochOrder order = balanced_order(indices, labels, 1, 2, 3);
  ASSERT_EQ(order.images.size(), indices.size());
  ASSERT_EQ(order.repeats.size(), indices.size());
  std::map<uint32_t, size_t> counts;
  std::set<std::pair<uint32_t, uint32_t>> drawn;  // no image twice with one number of repeats
  for (size_t i = 0; i < order.images.size(); ++i) {
    ++counts[labels[order.images[i]]];
    EXPECT_TRUE(drawn.emplace(order.images[i], order.repeats[i]).second);
    if (i % 3 == 2) {
      EXPECT_THAT(counts, ::testing::ElementsAre(::testing::Pair(0, i / 3 + 1),
                                                 ::testing::Pair(2, i / 3 + 1),
                                                 ::testing::Pair(5, i / 3 + 1)));
    }
  }
  // All images of a class come once before one comes again.
  std::map<uint32_t, std::set<uint32_t>> repeats;  // of image
  for (size_t i = 0; i < order.images.size(); ++i) {
    repeats[order.images[i]].insert(order.repeats[i]);
  }
  for (uint32_t i = 70; i < 77; ++i) EXPECT_GE(repeats[i].size(), 2u);
  EXPECT_EQ(repeats[77].size(), counts[5]);
  const EpochOrder same = balanced_order(indices, labels, 1, 2, 3);
  EXPECT_EQ(order.images, same.images);
  EXPECT_NE(order.images, balanced_order(indices, labels, 1, 2, 4).images);
  EXPECT_NE(order.images, balanced_order(indices, labels, 1, 3, 3).images);
  EXPECT_NE(order.images, balanced_order(indices, labels, 2, 2, 3).images);
}

TEST(Batches, ClassWeightsAreTheInverseOfTheShare) {
  const std::vector<uint32_t> labels = {0, 0, 0, 2, 1, 1}, indices = {0, 1, 2, 3};
  EXPECT_THAT(class_weights(indices, labels, 4), ::testing::ElementsAre(4.0f / 6, 0, 2, 0));
}

TEST(Batches, OrderIsAPermutationByEpoch) {
  std::vector<uint32_t> indices = {5, 9, 2, 40, 7, 8};
  auto order = epoch_order(indices, 1, 2, 3);
  EXPECT_EQ(order, epoch_order(indices, 1, 2, 3));
  EXPECT_NE(order, epoch_order(indices, 1, 2, 4));
  EXPECT_THAT(order, ::testing::UnorderedElementsAreArray(indices));
  EXPECT_EQ(steps_per_epoch(4000, 128), 31);
  EXPECT_THROW(steps_per_epoch(100, 128), UsageError);
}

}  // namespace
}  // namespace popaug
