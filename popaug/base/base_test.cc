#include "popaug/base/base.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <set>

#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

// The published vectors (Random123, kat_vectors; docs/pba.md#philox-test-vectors).
TEST(Philox, PublishedVectors) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(philox4x32({f, f, f, f}, {f, f}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, KeyFieldsThatDoNotFitAreRefused) {
  EXPECT_THROW(Random({.stream = 1u << 24}), Error);
  EXPECT_THROW(Random({.epoch = 1u << 24}), Error);
  EXPECT_THROW(Random({.sample = uint64_t{1} << 40}), Error);
  EXPECT_NO_THROW(Random({.seed = ~uint64_t{0},
                          .stream = (1u << 24) - 1,
                          .epoch = (1u << 24) - 1,
                          .sample = (uint64_t{1} << 40) - 1}));
}

TEST(Random, EveryFieldChangesTheStream) {
  const std::vector<RandomKey> keys = {{},
                                       {.seed = 1},
                                       {.seed = uint64_t{1} << 32},
                                       {.purpose = Purpose::kSplit},
                                       {.stream = 1},
                                       {.epoch = 1},
                                       {.sample = 1},
                                       {.sample = uint64_t{1} << 32}};
  std::set<uint64_t> firsts;
  for (const RandomKey& key : keys) firsts.insert(Random(key).next64());
  EXPECT_EQ(firsts.size(), keys.size());
}

TEST(Random, BelowIsUniform) {
  Random random({.seed = 3});
  constexpr int kDraws = 60000;
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(6)];
  double chi2 = 0;
  for (int c : counts) chi2 += std::pow(c - kDraws / 6.0, 2) / (kDraws / 6.0);
  EXPECT_LT(chi2, 20.5);  // 0.999 quantile at 5 degrees of freedom
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random({.seed = 4});
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.015);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
}

TEST(File, AtomicWriteKeepsTheOldFileOnAFullDisk) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "a.txt";
  write_file_atomic(path, "old");
  for (const char* point : {"file.write", "file.sync", "file.rename"}) {
    arm_failpoints(std::string(point) + "=enospc");
    EXPECT_THAT(message_of([&] { write_file_atomic(path, "new and longer"); }),
                HasSubstr("No space left"));
    arm_failpoints("");
    EXPECT_EQ(read_file(path), "old");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}), 1);
  }
  write_file_atomic(path, "new");
  EXPECT_EQ(read_file(path), "new");
}

TEST(File, ReadErrorsNameThePath) {
  TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { read_file(folder.path() / "none"); }),
              HasSubstr("none: cannot open: No such file"));
  EXPECT_THAT(message_of([&] { read_file(folder.path()); }), HasSubstr("is a folder"));
  write_file_atomic(folder.path() / "big", std::string(100, 'x'));
  EXPECT_THAT(message_of([&] { read_file(folder.path() / "big", 99); }), HasSubstr("larger than"));
}

TEST(File, AppendCutsTornBytesAndSurvivesAFullDisk) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "log";
  { AppendFile(path, 0).append("one\ntwo\ntor"); }
  {
    AppendFile file(path, 8);
    arm_failpoints("append.write=enospc");
    EXPECT_THROW(file.append("three\n"), Error);
    arm_failpoints("");
    EXPECT_EQ(read_file(path), "one\ntwo\n");
    file.append("three\n");
  }
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\n");
}

TEST(Failpoint, KillsAtTheVisitThatWasAsked) {
  const pid_t child = ::fork();
  if (child == 0) {
    arm_failpoints("x=kill@2");
    failpoint("x");
    failpoint("x");
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_THROW(arm_failpoints("x=burn"), UsageError);
}

TEST(Failpoint, StopsAsCtrlCDoesBeforeTheVisitIsOver) {
  SignalStop stop;
  arm_failpoints("x=stop@2");
  EXPECT_FALSE(failpoint("x"));
  EXPECT_FALSE(stop.token().requested());
  EXPECT_FALSE(failpoint("x"));  // it does not fail
  EXPECT_TRUE(stop.token().requested());
  EXPECT_FALSE(failpoint("x"));  // nor stop again, which would end the process
  arm_failpoints("");
}

TEST(Text, NearestAndUnknown) {
  const std::vector<std::string> known = {"Rotate", "ShearX", "ShearY"};
  EXPECT_EQ(nearest("Rotat", known), "Rotate");
  EXPECT_EQ(nearest("zzz", known), "");
  EXPECT_EQ(unknown_name("op", "rotate", known), "unknown op \"rotate\" (nearest: \"Rotate\")");
}

TEST(Text, QuoteKeepsOneReadableLine) {
  EXPECT_EQ(quote("a\n\"b\"\xff"), "\"a\\n\\\"b\\\"\\xff\"");
  EXPECT_EQ(quote("naïve"), "\"naïve\"");
  EXPECT_EQ(show_path("a/b.png"), "a/b.png");
  EXPECT_EQ(show_path("a\nb"), "\"a\\nb\"");
}

TEST(Text, NumbersReadBack) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

TEST(Json, ErrorsSayWhere) {
  EXPECT_THAT(message_of([] { parse_json("{\n \"a\": }", "x.json"); }),
              HasSubstr("x.json: line 2, column 7"));
  EXPECT_THAT(message_of([] { parse_json(R"({"a":1,"a":2})", "x.json"); }), HasSubstr("twice"));
  EXPECT_THAT(message_of([] { parse_json(std::string(100, '['), "x.json"); }),
              HasSubstr("nested more than 64"));
  EXPECT_THAT(message_of([] { parse_json("[1] 2", "x.json"); }), HasSubstr("x.json: line 1"));
}

TEST(Json, ReaderChecksTypesRangesAndUnknownKeys) {
  const Json value = parse_json(R"({"epochs": 3, "nam": "x", "p": 2})", "f");
  JsonReader reader(value, "f");
  EXPECT_EQ(reader.integer("epochs", 1, 10), 3);
  EXPECT_THAT(message_of([&] { reader.number("p", 0, 1); }), HasSubstr("f: p: 2 is not in 0 .. 1"));
  EXPECT_THAT(message_of([&] { reader.number("p", 2.5, 100000); }),
              HasSubstr("2 is not in 2.5 .. 100000"));
  EXPECT_EQ(reader.text_or("name", "none"), "none");
  EXPECT_THAT(message_of([&] { reader.finish(); }),
              HasSubstr("unknown key \"nam\" (nearest: \"name\")"));
}

TEST(Toml, RoundTripKeepsOrderAndValues) {
  const Json value = parse_toml("b = 1\na = 0.1\n[t]\nlist = [1, 2]\ns = \"x\\ny\"\n", "c.toml");
  EXPECT_EQ(json_line(value), R"({"b":1,"a":0.1,"t":{"list":[1,2],"s":"x\ny"}})");
  EXPECT_EQ(parse_toml(to_toml(value), "again"), value);
  const Json numbers = {{"a", 0.35},  {"b", 1.0},     {"c", 5e-4},
                        {"d", 1e300}, {"e", 1.0 / 3}, {"f", -2e-7}};
  EXPECT_EQ(parse_toml(to_toml(numbers), "again"), numbers);
  EXPECT_THAT(to_toml(numbers), HasSubstr("a = 0.35\nb = 1.0\nc = 0.0005\nd = 1e+300\n"));
  EXPECT_THAT(message_of([] { parse_toml("a = \n", "c.toml"); }), HasSubstr("c.toml: line 1"));
  for (const char* text : {"[[!a]]\n", "[!a]\n", "[[a]]\nb = {!c = 1}\n", "a.! = 1\n",
                           "a = \xc8\xb2\n", "\xc3\xa9 = 1\n", "a = 1 \xc8\xb2\n"}) {
    EXPECT_THAT(message_of([&] { parse_toml(text, "c.toml"); }), HasSubstr("c.toml: ")) << text;
  }
}

TEST(Thread, ParallelForVisitsAllAndRethrowsTheLowestError) {
  for (int threads : {1, 2, 7}) {
    std::vector<int> seen(1000);
    parallel_for(
        1000, threads, [&](size_t i) { ++seen[i]; }, 3);
    EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 1000);
    EXPECT_EQ(message_of([&] {
                parallel_for(1000, threads, [](size_t i) {
                  if (i >= 10) throw Error("at " + std::to_string(i));
                });
              }),
              "at 10");
  }
}

// In a process of its own that may start no thread.
TEST(Thread, ParallelForDoesAllWorkWhereTheSystemGivesNoThreads) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer itself needs memory for each thread that is tried";
#endif
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{1, 1};
    ::setrlimit(RLIMIT_AS, &none);
    static std::array<int, 100> seen{};
    parallel_for(100, 8, [](size_t i) { ++seen[i]; });
    ::_exit(std::accumulate(seen.begin(), seen.end(), 0) == 100 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Error, EveryExceptionHasASentence) {
  const auto sentence = [](auto thrown) { return sentence_of(std::make_exception_ptr(thrown)); };
  EXPECT_EQ(sentence(UsageError("a sentence")), "a sentence");
  EXPECT_EQ(sentence(std::bad_alloc()), "out of memory");
  EXPECT_THAT(sentence(std::length_error("vector")), HasSubstr("out of memory"));
  EXPECT_THAT(sentence(std::runtime_error("DefaultCPUAllocator: can't allocate memory: 5 bytes")),
              HasSubstr("out of memory: Default"));
  EXPECT_EQ(sentence(fs::filesystem_error("x", "dir/a", std::make_error_code(std::errc::io_error))),
            "dir/a: cannot be used: Input/output error");
  EXPECT_THAT(
      sentence(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
      HasSubstr("the system refuses a thread"));
  EXPECT_THAT(sentence(std::runtime_error("a bug")), HasSubstr("unexpected: a bug"));
  EXPECT_THAT(sentence(42), HasSubstr("not an exception"));
}

TEST(Hash, FieldsAreSeparated) {
  Hasher a, b;
  a.add_field("a");
  a.add_field("bc");
  b.add_field("ab");
  b.add_field("c");
  EXPECT_NE(a.hex(), b.hex());
  EXPECT_EQ(hash_hex("").size(), 32u);
  // XXH3-128 of the empty input with seed 0 (xxhash's documented vector).
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Stop, FirstSignalSetsTheToken) {
  SignalStop stop;
  EXPECT_FALSE(stop.token().requested());
  ::raise(SIGINT);
  EXPECT_TRUE(stop.token().requested());
}

TEST(Stop, ASessionOutlivesASecondSignal) {
  SignalStop stop(SecondSignal::kIgnored);
  ::raise(SIGINT);
  ::raise(SIGINT);
  ::raise(SIGTERM);
  EXPECT_TRUE(stop.token().requested());
}

}  // namespace
}  // namespace popaug
