// A journal folded into the state of its search.
#include "popaug/search/journal.h"

namespace popaug {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::string bits_to_base64(const std::vector<uint8_t>& bits) {
  std::string text;
  for (size_t i = 0; i < bits.size(); i += 6) {
    int digit = 0;
    for (size_t k = 0; k < 6; ++k) digit = digit << 1 | (i + k < bits.size() && bits[i + k] != 0);
    text += kDigits[digit];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::vector<uint8_t> bits_from_base64(std::string_view text, size_t count,
                                      const std::string& origin) {
  const size_t digits = (count + 5) / 6;
  if (text.size() != (digits + 3) / 4 * 4 ||
      text.substr(digits).find_first_not_of('=') != text.npos) {
    throw Error(origin + ": correct: expected " + std::to_string(count) + " bits as base64");
  }
  std::vector<uint8_t> bits(count);
  for (size_t i = 0; i < digits; ++i) {
    const int value = digit_value(text[i]);
    if (value < 0) throw Error(origin + ": correct: " + quote(text.substr(i, 1)) + " is no base64");
    for (size_t k = 0; k < 6 && 6 * i + k < count; ++k) bits[6 * i + k] = value >> (5 - k) & 1;
  }
  return bits;
}

JournalVisitor JournalFold::visitor(JournalVisitor also) {
  JournalVisitor visitor;
  visitor.header = [this, then = std::move(also.header)](const SearchSettings& settings) {
    population_.emplace(settings);
    if (then) then(settings);
  };
  visitor.start = [this, then = std::move(also.start)](const std::vector<Genome>& genomes) {
    const int members = population_->settings().population;
    bool same = static_cast<int>(genomes.size()) == members;
    for (int i = 0; same && i < members; ++i) same = genomes[i] == population_->genome(i);
    if (!same) throw Error("line 2 of the journal does not follow from its settings and seed");
    if (then) then(genomes);
  };
  visitor.result = [this, then = std::move(also.result)](const JournalResult& result,
                                                         const std::string& where) {
    take(result, where);
    if (then) then(result, where);
  };
  visitor.decision = [this, then = std::move(also.decision)](const Decision& decision,
                                                             const std::string& where) {
    take(decision, where);
    if (then) then(decision, where);
  };
  return visitor;
}

void JournalFold::take(const JournalResult& result, const std::string& where) {
  const bool turn = population_->settings().asynchronous || result.member == next_member_;
  if (unwritten_ || !turn || !population_->is_due(result.member) ||
      population_->rounds_done(result.member) != result.round) {
    throw Error(where + ": the result of member " + std::to_string(result.member) + ", round " +
                std::to_string(result.round) + ", does not have its turn here");
  }
  unwritten_ = population_->tell(result.member, {result.score, result.correct});
  if (population_->settings().asynchronous) return;
  next_member_ = (next_member_ + 1) % population_->settings().population;
}

void JournalFold::take(const Decision& decision, const std::string& where) {
  if (!unwritten_ || !(*unwritten_ == decision)) {
    throw Error(where +
                ": this decision does not follow from the scores before it; the journal "
                "was changed or written by another version of popaug");
  }
  unwritten_.reset();
}

SearchHistory load_history(const fs::path& run) {
  const fs::path path = run / "journal.jsonl";
  if (!fs::exists(path)) {
    throw Error(show_path(run) + " holds no search: there is no journal.jsonl in it");
  }
  const MappedFile file(path);
  const auto bytes = file.bytes();
  JournalFold fold;
  std::optional<SearchSettings> settings;
  std::vector<JournalResult> results;
  std::vector<Decision> decisions;
  JournalVisitor also;
  also.header = [&](const SearchSettings& s) { settings = s; };
  also.result = [&](const JournalResult& r, const std::string&) { results.push_back(r); };
  also.decision = [&](const Decision& d, const std::string&) { decisions.push_back(d); };
  const JournalSummary summary =
      read_journal({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, show_path(path),
                   fold.visitor(also));
  if (!fold.started()) {
    throw Error(show_path(path) +
                " ends before its header: the search was stopped before its "
                "first round; start it again with --resume");
  }
  return {*settings, std::move(results), std::move(decisions), fold.population(), summary.torn};
}

}  // namespace popaug
