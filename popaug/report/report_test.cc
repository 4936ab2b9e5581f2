#include "popaug/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <set>

#include "popaug/image/image.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Not a matcher: a failure would print the whole page.
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

SearchSettings settings_of(int population, int epochs, int per_round) {
  SearchSettings settings;
  settings.population = population;
  settings.epochs = epochs;
  settings.epochs_per_round = per_round;
  settings.seed = 5;
  settings.space = space_by_name("pba");
  return settings;
}

// The journal of a search whose scores are drawn, without trainer or worker.
void write_journal(const fs::path& run, const SearchSettings& settings, int rounds = 1 << 30) {
  Population population(settings);
  JournalWriter writer(settings);
  std::string text = writer.header(population);
  for (int round = 0; round < rounds && !population.finished(); ++round) {
    const std::vector<int> due = population.due();
    std::optional<Decision> decision;
    for (const int member : due) {
      const RoundWork work = population.work(member);
      Random random({.seed = 3, .stream = uint64_t(member), .epoch = uint64_t(round)});
      const double score = 0.5 + 0.4 * round / settings.rounds() + 0.05 * random.uniform();
      text += writer.result({.round = round,
                             .member = member,
                             .epochs = work.first_epoch + work.epochs,
                             .score = score,
                             .checkpoint = "",
                             .metrics = {{"train_loss", 1 - score}},
                             .images_trained = 100,
                             .images_evaluated = 10,
                             .correct = {}});
      if (const auto made = population.tell(member, {score, {}})) decision = made;
    }
    if (decision) text += writer.decision(*decision);
  }
  write_file_atomic(run / "journal.jsonl", text);
}

std::string band_text(const Space& space, int epochs, double low, double high) {
  Json json = {{"format", "popaug-band"},
               {"version", 1},
               {"lineages", 100},
               {"epochs", epochs},
               {"ops", Json::array()}};
  const auto flat = [epochs](double value) { return std::vector<double>(size_t(epochs), value); };
  for (const SpaceOp& op : space.ops) {
    json["ops"].push_back(
        {{"op", op.op},
         {"probability",
          {{"mean", flat((low + high) / 2)}, {"low", flat(low)}, {"high", flat(high)}}},
         {"level", {{"mean", flat(5)}, {"low", flat(0)}, {"high", flat(10)}}}});
  }
  return json_pretty(json);
}

TEST(ReportTerminal, PictureFitsItsWidthAndShowsTheStrongestFirst) {
  const Schedule schedule = find_schedule("rcifar10-paper");
  for (const int width : {50, 80, 120}) {
    const std::string plain = terminal_picture(schedule, false, width);
    for (const std::string& line : split(plain, '\n'))
      EXPECT_LE(line.size(), size_t(width)) << line;
    for (const char c : plain) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  }
  const std::string plain = terminal_picture(schedule, false, 100);
  EXPECT_LT(plain.find("TranslateY"), plain.find("Cutout"));
  const std::string colour = terminal_picture(schedule, true, 100);
  EXPECT_THAT(colour, HasSubstr("\x1b[48;5;"));
  EXPECT_THAT(colour, HasSubstr("\x1b[0m"));
}

TEST(ReportPicture, SvgHoldsEveryOpAndSegment) {
  const Schedule schedule = find_schedule("rsvhn-paper");
  const std::string svg = schedule_svg(schedule);
  EXPECT_TRUE(svg.starts_with("<?xml"));
  for (const SpaceOp& op : schedule.space.ops) EXPECT_THAT(svg, HasSubstr(">" + op.op + "<"));
  // The cell of the third segment: epochs 24 to 29, mean of the two entries of Invert.
  const OpSummary invert =
      summarise_policy(schedule.segments[2].policy, schedule.rule, schedule.space)[5];
  char expected[100];
  std::snprintf(expected, sizeof expected, "Invert, epochs 24 to 29: probability %.2f",
                invert.probability);
  EXPECT_THAT(svg, HasSubstr(expected));
  EXPECT_EQ(svg, schedule_svg(schedule));
}

TEST(ReportPicture, ShowsBaseTransformsOverTime) {
  Schedule schedule = stretch(find_schedule("rsvhn-paper"), 20);
  schedule.segments.resize(2);
  schedule.segments[0].epochs = schedule.segments[1].epochs = 10;
  schedule.base = {.flip = 0.5};
  schedule.segments[1].base = BaseTransforms{.flip = 0.5, .cutmix = 0.8};
  const std::string svg = schedule_svg(schedule);
  EXPECT_THAT(svg, HasSubstr("flip, epochs 0 to 9: probability 0.50"));
  EXPECT_THAT(svg, HasSubstr("CutMix, epochs 0 to 9: probability 0.00"));
  EXPECT_THAT(svg, HasSubstr("CutMix, epochs 10 to 19: probability 0.80"));
  EXPECT_THAT(svg, Not(HasSubstr("mixup")));
  const std::string text = terminal_picture(schedule, false, 80);
  const std::string row = text.substr(text.find("CutMix"), text.find('\n', text.find("CutMix")));
  EXPECT_THAT(row, HasSubstr("p 0.40"));
  const size_t half = row.find_first_not_of(' ', 13);
  EXPECT_GT(half, 20u);  // nothing in the first half
}

// Each image is drawn with its partner: pixels of both, and the share that the label says.
TEST(ReportPairs, AreMixedAsTheirLabelsSay) {
  ImageSet split;
  split.width = split.height = 20;
  std::vector<uint8_t> pixels;
  for (uint32_t i = 0; i < 12; ++i) {
    split.labels.push_back(i % 3);
    pixels.insert(pixels.end(), split.image_bytes(), static_cast<uint8_t>(20 * i));
  }
  split.pixels = pixels;
  const std::vector<std::string> classes = {"a", "b", "c"};
  Schedule schedule = baseline_schedule("none");
  schedule.base.cutmix = 1;
  const std::vector<MixedRow> rows = mixed_pairs(split, classes, schedule, 0, 1, 5);
  ASSERT_EQ(rows.size(), 5u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(rows[i].share >= 0.05 && rows[i].share <= 0.95);
    EXPECT_EQ(rows[i].label, classes[decode_image(rows[i].own, "").data()[0] / 20 % 3]);
    const Image own = decode_image(rows[i].own, ""), other = decode_image(rows[i].other, "");
    const Image mixed = decode_image(rows[i].mixed, "");
    int of_own = 0;
    for (int p = 0; p < 400; ++p) {
      const uint8_t value = mixed.data()[4 * p];
      of_own += value == own.data()[0];
      EXPECT_TRUE(value == own.data()[0] || value == other.data()[0]);
    }
    EXPECT_NEAR(of_own / 400.0, rows[i].share, 1e-6);
    EXPECT_EQ(rows[i].other_label, classes[other.data()[0] / 20 % 3]);
  }
  std::set<std::string> labels;
  for (const MixedRow& row : rows) labels.insert(row.label);
  EXPECT_EQ(labels.size(), 3u);
  EXPECT_EQ(mixed_labels({"cat", "dog", 0.625, "", "", ""}), "62 % cat, 38 % dog");
  schedule.base.cutmix = 0;
  EXPECT_THAT(message_of([&] { mixed_pairs(split, classes, schedule, 0, 1, 5); }),
              HasSubstr("mixes no images at epoch 0"));
}

TEST(ReportPicture, PngByRsvgConvert) {
  const std::string png = svg_to_png(schedule_svg(find_schedule("rsvhn-paper")));
  const Image image = decode_image(png, "png");
  EXPECT_EQ(image.width(), 860);
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  EXPECT_THAT(message_of([] { svg_to_png("<svg/>"); }), HasSubstr("librsvg2-bin"));
  setenv("PATH", path.c_str(), 1);
}

TEST(ReportPicture, AHugeScheduleStaysSmall) {
  Schedule schedule = find_schedule("rsvhn-paper");
  const std::vector<Segment> some = schedule.segments;
  schedule.segments.clear();
  for (int i = 0; i < 3000; ++i)
    schedule.segments.push_back({1 + i % 3, some[size_t(i) % some.size()].policy});
  EXPECT_LT(schedule_svg(schedule).size(), size_t{3} << 20);
  EXPECT_LT(terminal_picture(schedule, true, 100).size(), size_t{100000});
}

TEST(ReportBand, ExitsAreShareOfEpochs) {
  const Schedule schedule = stretch(baseline_schedule("trivial"), 10);  // probability 1 throughout
  const DriftBand inside = band_from_json(parse_json(band_text(schedule.space, 7, 0, 1), "b"), "b");
  for (const BandExit& exit : band_exits(schedule, inside)) EXPECT_EQ(exit.probability_above, 0);
  const DriftBand below =
      band_from_json(parse_json(band_text(schedule.space, 7, 0, 0.5), "b"), "b");
  for (const BandExit& exit : band_exits(schedule, below)) {
    EXPECT_EQ(exit.probability_above, 1);
    EXPECT_EQ(exit.probability_below, 0);
  }
  EXPECT_THAT(schedule_svg(schedule, &below), HasSubstr("class=\"outside\""));
  EXPECT_THAT(band_svg(schedule, below), HasSubstr("class=\"exit\""));
  Json bad = parse_json(band_text(schedule.space, 7, 0, 1), "b");
  bad["ops"][0]["level"]["low"].push_back(1);
  EXPECT_THAT(message_of([&] { band_from_json(bad, "b"); }), HasSubstr("expected 7 numbers"));
  bad = parse_json(band_text(schedule.space, 7, 0, 1), "b");
  bad["version"] = 9;
  EXPECT_THAT(message_of([&] { band_from_json(bad, "b"); }), HasSubstr("version 9"));
}

TEST(ReportRun, SaysWhatTheJournalSays) {
  const TemporaryFolder folder;
  const SearchSettings settings = settings_of(8, 20, 3);
  write_journal(folder.path(), settings);
  const RunView view = load_run(folder.path());
  EXPECT_TRUE(view.finished());
  EXPECT_EQ(view.rounds_done(), 7);
  EXPECT_EQ(view.images_trained(), 8 * 7 * 100);
  ASSERT_TRUE(view.schedule);
  EXPECT_EQ(view.schedule->epochs(), 20);
  const std::string page = report_html(view);
  EXPECT_THAT(page,
              HasSubstr("The search is finished: member " + std::to_string(view.best_member())));
  // d3 names XML namespaces; the parts of our own name no host.
  EXPECT_EQ(report_main(view).find("http"), std::string::npos);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  EXPECT_EQ(page.find("href=\"http"), std::string::npos);
  EXPECT_EQ(page, report_html(load_run(folder.path())));  // the same bytes
  const Json json = report_json(view);
  EXPECT_EQ(json["figures"]["best_score"].get<double>(), view.best_score());
  EXPECT_EQ(json["figures"]["scores"][3][2].get<double>(), view.score(3, 2));
  EXPECT_THAT(report_markdown(view), HasSubstr("| Rotate |"));
  EXPECT_THAT(report_markdown(view), HasSubstr("Base transforms: "));
}

TEST(ReportRun, AnUnfinishedRunShowsTheBestSoFar) {
  const TemporaryFolder folder;
  write_journal(folder.path(), settings_of(8, 20, 3), 3);
  std::ofstream(folder.path() / "journal.jsonl", std::ios::app) << "{\"round\":3,\"mem";
  const RunView view = load_run(folder.path());
  EXPECT_FALSE(view.finished());
  EXPECT_EQ(view.rounds_done(), 3);
  const std::string page = report_html(view);
  EXPECT_TRUE(holds(page, "not finished: 3 of 7 rounds"));
  EXPECT_TRUE(holds(page, "last line is torn"));
}

TEST(ReportRun, EmptyForeignAndBrokenRuns) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { load_run(folder.path() / "none"); }), HasSubstr("no such folder"));
  EXPECT_THAT(message_of([&] { load_run(folder.path()); }), HasSubstr("journal"));
  write_file_atomic(folder.path() / "journal.jsonl", "");
  EXPECT_NE(message_of([&] { load_run(folder.path()); }), "no error");
  write_file_atomic(folder.path() / "journal.jsonl", "{\"format\":\"other\"}\n{}\n");
  EXPECT_NE(message_of([&] { load_run(folder.path()); }), "no error");
  // Files beside a good journal may be broken: they are left out, and a note says so.
  write_journal(folder.path(), settings_of(4, 4, 2));
  for (const char* name :
       {"result.json", "best.schedule.json", "drift.band.json", "compare.json"}) {
    write_file_atomic(folder.path() / name, "{\"broken\":");
  }
  write_file_atomic(folder.path() / "run.log", "no json\n{\"event\":7}\n{\"event\":\"start\"}\n");
  const RunView view = load_run(folder.path());
  EXPECT_EQ(view.notes.size(), 4u);
  EXPECT_TRUE(holds(report_html(view), "drift.band.json was left out"));
}

TEST(ReportRun, AComparisonStandsFirst) {
  const TemporaryFolder folder;
  write_journal(folder.path(), settings_of(4, 4, 2));
  const Json free = {{"name", "trivial"},       {"title", "TrivialAugment"}, {"family", "free"},
                     {"error", 12.5},           {"interval", {12.0, 13.0}},  {"seeds", 5},
                     {"images", 88320},         {"search_images", 0},        {"core_hours", 0.25},
                     {"verdict", "the best of"}};
  Json learned = free;
  learned["name"] = learned["title"] = "schedule";
  learned["family"] = "learned";
  learned["error"] = 11.25;
  learned["interval"] = nullptr;  // one seed
  learned["free"] = {{{"against", "trivial"},
                      {"difference", 1.25},
                      {"interval", {0.5, 2.0}},
                      {"adjusted_p", 0.004},
                      {"better", true}}};
  write_file_atomic(folder.path() / "compare.json",
                    json_pretty({{"verdict", "It helped."},
                                 {"arms", {free, learned, "no arm", {{"name", "bare"}}}},
                                 {"notes", {"judged by 100 images"}}}));
  const std::string page = report_main(load_run(folder.path()));
  const size_t answer = page.find("It helped.");
  ASSERT_NE(answer, page.npos);
  EXPECT_LT(page.find("class=\"question\""), answer);
  EXPECT_LT(answer, page.find("id=\"arms\""));
  EXPECT_LT(page.find("id=\"arms\""), page.find("id=\"population\""));
  for (const char* part :
       {"TrivialAugment: 12.50 %, 12.00 to 13.00", "<td>11.25</td><td>–</td>", "88 thousand",
        "<td>1.25</td><td>0.50 to 2.00</td><td>0.0040</td><td>yes</td>", "judged by 100 images.",
        "<th scope=\"row\">bare</th>"}) {
    EXPECT_TRUE(holds(page, part)) << part;
  }
  EXPECT_FALSE(holds(page, "popaug compare --config"));
}

TEST(ReportTraining, SaysWhatItsFilesSay) {
  const TemporaryFolder folder;
  const fs::path run = folder.path();
  EXPECT_FALSE(is_training(run));
  EXPECT_THROW(load_training(run), Error);
  save_schedule(stretch(find_schedule("rcifar10-paper"), 3), run / "used.schedule.json");
  const std::string head = "epoch,steps,lr,train_loss,validation_loss,validation_accuracy\n";
  write_file_atomic(run / "progress.csv",
                    head + "1,4,0.1,1.5,,\n2,8,0.05,0.75,0.5,0.8125\n3,12,0.0");
  write_file_atomic(run / "run.log",
                    "{\"event\":\"epoch\",\"epoch\":1,\"seconds\":2}\nno json\n"
                    "{\"event\":\"epoch\",\"epoch\":2,\"seconds\":3}\n"
                    "{\"event\":\"epoch\",\"epoch\":99999999999,\"seconds\":3}\n");
  ASSERT_TRUE(is_training(run));
  TrainView view = load_training(run);
  EXPECT_THAT(view.train_loss, ::testing::ElementsAre(1.5, 0.75));
  EXPECT_TRUE(std::isnan(view.validation_accuracy[0]));
  EXPECT_EQ(view.total_seconds(), 5);
  EXPECT_TRUE(holds(report_html(view), "not finished: 2 of 3 epochs"));
  EXPECT_TRUE(holds(report_html(view), "popaug eval "));
  const std::string evil = "<img src=x onerror=alert(2)>";
  TrainingResult result;
  result.network = evil;
  result.seed = 1;
  write_file_atomic(run / "result.json", json_pretty(training_result_json(result)));
  const Json row = {{"class", evil}, {"images", 50},        {"wrong", 5},
                    {"error", 0.1},  {"error_low", 0.0437}, {"error_high", 0.2136}};
  write_file_atomic(run / "eval.json", json_pretty({{"images", 100},
                                                    {"error", 0.1},
                                                    {"error_low", 0.0552},
                                                    {"error_high", 0.1744},
                                                    {"classes", {row, row}}}));
  view = load_training(run);
  const std::string page = report_html(view);
  EXPECT_TRUE(holds(page,
                    "10.00 % of 100 test images are labelled wrongly (95 % interval 5.52 to "
                    "17.44 %)"));
  EXPECT_FALSE(holds(page, "<img src=x"));
  EXPECT_TRUE(holds(page, "&lt;img src=x onerror=alert(2)&gt;</th><td>50</td><td>5</td>"));
  EXPECT_EQ(report_json(view)["validation_accuracy"], Json({nullptr, 0.8125}));
  write_file_atomic(run / "progress.csv", "another table\n");
  write_file_atomic(run / "used.schedule.json", "{");
  view = load_training(run);
  EXPECT_EQ(view.notes.size(), 2u);
  EXPECT_TRUE(holds(report_markdown(view), "progress.csv was left out"));
}

TEST(ReportComparison, SaysWhatIsDoneAndThenTheVerdict) {
  const TemporaryFolder folder;
  const fs::path& run = folder.path();
  EXPECT_FALSE(is_comparison(run));
  EXPECT_THROW(load_comparison(run), Error);
  ComparisonPlan plan;
  plan.arms = {"mine", "trivial"};
  plan.seeds = 3;
  write_file_atomic(run / "plan.json", json_pretty(plan_to_json(plan)));
  {
    ResultLines lines(run / "runs.jsonl", {{"format", "popaug-compare"}, {"version", 2}},
                      "comparison", false);
    lines.add({{"arm", "mine"}});
    lines.add({{"arm", "trivial"}});
  }
  ASSERT_TRUE(is_comparison(run));
  ComparisonView view = load_comparison(run);
  EXPECT_TRUE(holds(report_html(view), "not finished: 2 trainings of 2 arms under 3 seeds"));
  EXPECT_EQ(report_json(view)["trainings"], 2);
  const std::string evil = "<img src=x onerror=alert(2)>";
  const Json arm = {{"name", evil},
                    {"title", evil},
                    {"family", "free"},
                    {"score", 1.23456},
                    {"interval", {1, 2}},
                    {"seeds", 3},
                    {"images", 0},
                    {"search_images", 0},
                    {"core_hours", 0.5},
                    {"verdict", "better"},
                    {"free",
                     {{{"against", "trivial"},
                       {"difference", -0.25},
                       {"interval", {-0.5, -0.125}},
                       {"adjusted_p", 0.01},
                       {"better", true}}}}};
  write_file_atomic(run / "compare.json",
                    json_pretty({{"verdict", "mine: better than TrivialAugment"},
                                 {"metric", {{"name", "loss"}, {"better", "lower"}}},
                                 {"arms", {arm}}}));
  view = load_comparison(run);
  const std::string page = report_html(view);
  for (const char* part : {"mine: better than TrivialAugment", "The comparison is finished",
                           "<td>1.2346</td><td>1.0000 to 2.0000</td>", "lower is better",
                           "<td>-0.2500</td><td>-0.5000 to -0.1250</td>"}) {
    EXPECT_TRUE(holds(page, part)) << part;
  }
  EXPECT_FALSE(holds(page, "<img src=x"));
  EXPECT_FALSE(holds(page, "test error"));
  EXPECT_TRUE(holds(report_markdown(view), "mine: better than TrivialAugment"));
  write_file_atomic(run / "compare.json", "{");
  write_file_atomic(run / "runs.jsonl", "no line\n");
  EXPECT_EQ(load_comparison(run).notes.size(), 2u);
}

TEST(ReportRun, ForeignTextCannotBecomeMarkup) {
  const TemporaryFolder folder;
  const std::string evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
  SearchSettings settings = settings_of(4, 4, 2);
  settings.data = evil;
  settings.provenance = {{"network", evil}, {evil, 1}};
  write_journal(folder.path(), settings);
  write_file_atomic(folder.path() / "config.toml", "# " + evil + "\n");
  write_file_atomic(
      folder.path() / "compare.json",
      json_pretty({{"verdict", evil}, {"arms", {{{"name", evil}, {"error", evil}}}}}));
  write_file_atomic(folder.path() / "run.log",
                    json_line({{"time", "2026-01-01T00:00:00Z"}, {"event", "start"}}) + "\n" +
                        json_line({{"time", "2026-01-01T00:00:09.5Z"},
                                   {"event", "result"},
                                   {"round", 0},
                                   {"worker", evil},
                                   {"seconds", 4}}) +
                        "\n");
  RunView view = load_run(folder.path());
  view.samples.rows.push_back({evil, "", {"", "", ""}});
  view.samples.moments = {0, 1, 2};
  view.samples.mixed.push_back({evil, evil, 0.25, "", "", ""});
  EXPECT_EQ(view.times.wall_seconds, 9.5);
  for (const std::string& page : {report_html(view), report_main(view)}) {
    EXPECT_FALSE(holds(page, "<script>alert"));
    EXPECT_FALSE(holds(page, "<img src=x"));
    EXPECT_TRUE(holds(page, "&lt;img src=x onerror=alert(2)&gt;"));
  }
}

TEST(ReportRun, SixtyFourMembersByTwoHundredRoundsStayUnderFiveMebibytes) {
  const TemporaryFolder folder;
  write_journal(folder.path(), settings_of(64, 200, 1));
  write_file_atomic(folder.path() / "drift.band.json",
                    band_text(space_by_name("pba"), 200, 0.1, 0.5));
  const std::string page = report_html(load_run(folder.path()));
  EXPECT_LT(page.size(), size_t{5} << 20);
  EXPECT_TRUE(holds(page, "200 of 200"));
}

TEST(ReportTensorBoard, ChecksumsAreThePublishedOnes) {
  // RFC 3720, B.4: 32 bytes of zeros, of ones, ascending.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += char(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

// The rate that is drawn is the rate that trains: warm-up, and steps that move with the length.
TEST(ReportTensorBoard, LearningRateIsThatOfTheTraining) {
  Json trainer = {{"lr", 0.1},
                  {"lr_rule", "svhn-steps"},
                  {"warmup_steps", 30},
                  {"batch", 8},
                  {"train_images", 87}};  // 10 steps an epoch
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 0, 40), 0.1 * 1 / 30);
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 2, 40), 0.1 * 21 / 30);
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 19, 40), 0.1);
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 20, 40), 0.01);
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 30, 40), 0.001);
  trainer["lr_rule"] = "cosine";
  EXPECT_DOUBLE_EQ(rate_of_epoch(trainer, 20, 40),
                   0.1 * (1 + std::cos(std::numbers::pi * 201 / 400)) / 2);
  trainer["lr_rule"] = "of another program";
  EXPECT_TRUE(std::isnan(rate_of_epoch(trainer, 0, 40)));
  EXPECT_TRUE(std::isnan(rate_of_epoch({{"kind", "toy"}}, 0, 40)));
  EXPECT_TRUE(std::isnan(rate_of_epoch(nullptr, 0, 40)));
}

TEST(ReportChart, TicksAreRound) {
  EXPECT_THAT(round_ticks(19.1, 30.4, 6), ElementsAre(20, 22, 24, 26, 28, 30));
  EXPECT_THAT(round_ticks(0, 200, 8), ElementsAre(0, 50, 100, 150, 200));
  EXPECT_THAT(round_ticks(-0.25, 0.31, 6), ElementsAre(-0.2, -0.1, 0, 0.1, 0.2, 0.3));
  EXPECT_THAT(round_ticks(0.9991, 0.9996, 5),
              ElementsAre(0.9991, 0.9992, 0.9993, 0.9994, 0.9995, 0.9996));
  EXPECT_EQ(round_ticks(5, 5, 4).size(), 1u);
  // Numbers of a foreign file: too far apart, or too close for their place. Both end.
  EXPECT_TRUE(round_ticks(-1e308, 1e308, 6).empty());
  EXPECT_TRUE(round_ticks(1e17, 1e17 + 64, 6).empty());
  EXPECT_LT(round_ticks(-1e300, -0.999999999e300, 6).size(), 20u);
  EXPECT_GE(round_ticks(0, 1e300, 6).size(), 5u);
}

TEST(ReportHtml, EscapesAndRepairs) {
  EXPECT_EQ(html_escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(html_escape("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(html_escape("x\xff\x01y"), "x\xef\xbf\xbd\xef\xbf\xbdy");
  EXPECT_EQ(html_escape("\xed\xa0\x80").find('\xed'), std::string::npos);  // a surrogate
}

}  // namespace
}  // namespace popaug
