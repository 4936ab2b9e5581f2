#include "popaug/search/journal.h"

#include <gtest/gtest.h>

#include "popaug/search/internal/bits_base64.h"
#include "popaug/search/internal/testing.h"

namespace popaug {
namespace {

using testing_search::toy_settings;

// A whole search as the text of its journal.
std::string journal_of(const SearchSettings& settings, uint64_t scores = 1) {
  Population population(settings);
  JournalWriter writer(settings);
  std::string text = writer.header(population);
  Random random({scores, Purpose::kTest});
  while (!population.finished()) {
    for (const int m : population.due()) {
      JournalResult result;
      result.round = population.rounds_done(m);
      result.member = m;
      result.epochs = population.epochs_done(m) + population.work(m).epochs;
      result.score = random.uniform();
      result.metrics = {{"train_loss", random.uniform()}};
      result.images_trained = 1000;
      result.checkpoint = hash_hex(number_text(result.score));
      if (settings.selection == Selection::kSignificant) {
        for (int i = 0; i < 101; ++i) result.correct.push_back(random.chance(result.score));
      }
      text += writer.result(result);
      const auto decision = population.tell(m, {result.score, result.correct});
      if (decision) text += writer.decision(*decision);
    }
  }
  return text;
}

std::string fault_of(std::string_view text) {
  try {
    JournalFold fold;
    read_journal(text, "journal.jsonl", fold.visitor());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Journal, FoldGivesTheStateThatWroteIt) {
  for (const Selection selection : {Selection::kTruncation, Selection::kSignificant}) {
    SearchSettings settings = toy_settings(6, 13, 3);
    settings.selection = selection;
    settings.genes = {{"lr", 0.001, 1, {}, true, false}};
    const std::string text = journal_of(settings);
    JournalFold fold;
    JournalSummary summary = read_journal(text, "journal.jsonl", fold.visitor());
    EXPECT_EQ(summary.good_bytes, text.size());
    EXPECT_FALSE(summary.torn);
    EXPECT_TRUE(fold.population().finished());
    EXPECT_FALSE(fold.unwritten());
    // What reads is written again as the same bytes.
    JournalWriter writer(settings);
    std::string again = writer.header(Population(settings));
    JournalVisitor visitor;
    visitor.result = [&](const JournalResult& r, const std::string&) { again += writer.result(r); };
    visitor.decision = [&](const Decision& d, const std::string&) { again += writer.decision(d); };
    read_journal(text, "journal.jsonl", visitor);
    EXPECT_EQ(again, text);
  }
}

TEST(Journal, TornAnywhereItReadsUpToTheLastWholeLine) {
  const std::string text = journal_of(toy_settings(4, 6, 3));
  for (size_t cut = 0; cut < text.size(); cut += 7) {
    JournalFold fold;
    const JournalSummary summary =
        read_journal(std::string_view(text).substr(0, cut), "journal.jsonl", fold.visitor());
    EXPECT_LE(summary.good_bytes, cut);
    EXPECT_TRUE(summary.good_bytes == 0 || text[summary.good_bytes - 1] == '\n');
    EXPECT_EQ(summary.torn, summary.good_bytes != cut);
  }
}

TEST(Journal, EveryFlippedBitIsSeen) {
  const std::string text = journal_of(toy_settings(3, 6, 3));
  const size_t start = text.find('\n');  // the header is long: some of it, all of the rest
  for (size_t at = 0; at < text.size(); at += at < start ? 97 : 5) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 2);
    if (damaged[at] == '\n' || text[at] == '\n') continue;
    EXPECT_NE(fault_of(damaged), "") << at;
  }
}

TEST(Journal, AForgedLineNeedsTheRightTurnAndDecision) {
  const SearchSettings settings = toy_settings(3, 6, 3);
  JournalWriter writer(settings);
  const std::string header = writer.header(Population(settings));
  JournalResult result;
  result.member = 1;
  result.epochs = 3;
  EXPECT_NE(fault_of(header + writer.result(result)).find("is out of order"), std::string::npos);
  JournalWriter second(settings);
  second.header(Population(settings));
  Decision decision;
  EXPECT_NE(fault_of(header + second.decision(decision)).find("does not follow"),
            std::string::npos);
}

TEST(Journal, OtherVersionsAndForeignFilesAreRefused) {
  EXPECT_NE(fault_of("{\"round\":1}\n").find("journal.jsonl:1"), std::string::npos);
  const auto sealed = [](std::string body) {
    return body + ",\"check\":\"" + hash_hex(body).substr(0, 8) + "\"}\n";
  };
  EXPECT_NE(fault_of(sealed("{\"format\":\"popaug-journal\",\"version\":2")).find("version 2"),
            std::string::npos);
  EXPECT_NE(fault_of(sealed("{\"format\":\"popaug-schedule\",\"version\":1")).find("not a journal"),
            std::string::npos);
}

TEST(Journal, BitsReadBack) {
  Random random({1, Purpose::kTest});
  for (size_t n = 1; n < 60; ++n) {
    std::vector<uint8_t> bits(n);
    for (uint8_t& bit : bits) bit = random.chance(0.5);
    EXPECT_EQ(bits_from_base64(bits_to_base64(bits), n, "test"), bits);
    EXPECT_THROW(bits_from_base64(bits_to_base64(bits), n + 6, "test"), Error);
  }
  EXPECT_EQ(bits_to_base64({0, 1, 0, 0, 1, 1, 0, 1}), "TQ==");  // 0x4d
}

TEST(Journal, GoldenFileReads) {
  // Written by version 1: it must read, and follow from its seed, for ever.
  const fs::path source = std::getenv("POPAUG_SOURCE") ? std::getenv("POPAUG_SOURCE") : ".";
  const std::string text = read_file(source / "tests/corpus/journal/golden.jsonl");
  EXPECT_EQ(fault_of(text), "");
  EXPECT_EQ(text, journal_of(toy_settings(3, 6, 3)));
}

}  // namespace
}  // namespace popaug
