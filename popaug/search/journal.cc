#include "popaug/search/journal.h"

#include "popaug/search/internal/bits_base64.h"
#include "popaug/search/internal/journal_line.h"

namespace popaug {
namespace {

constexpr std::string_view kCheckKey = ",\"check\":\"";
constexpr size_t kCheckTail = kCheckKey.size() + 8 + 2;  // ,"check":"01234567"}

std::string check_of(std::string_view previous, std::string_view body) {
  return hash_hex(std::string(previous) + std::string(body)).substr(0, 8);
}

Json genome_to_json(const Genome& genome) {
  return {{"policy", policy_numbers(genome.policy)}, {"genes", genome.genes}};
}

Json decision_to_json(const Decision& d) {
  Json line = {{"decision", d.round}};
  if (d.member >= 0) line["member"] = d.member;
  line["copies"] = Json::array();
  for (const Copy& copy : d.copies) {
    line["copies"].push_back({{"target", copy.target},
                              {"donor", copy.donor},
                              {"epochs", {copy.target_epochs, copy.donor_epochs}},
                              {"policy", policy_numbers(copy.genome.policy)},
                              {"genes", copy.genome.genes}});
  }
  if (!d.declined.empty()) {
    line["declined"] = Json::array();
    for (const Declined& no : d.declined) {
      line["declined"].push_back({{"target", no.target}, {"donor", no.donor}, {"p", no.p}});
    }
  }
  if (d.winner) line["winner"] = *d.winner;
  return line;
}

// Reads the fields of lines under the settings of the header.
class LineParser {
 public:
  explicit LineParser(const SearchSettings& settings) : settings_(settings) {}

  std::vector<Genome> start(JsonReader& reader) const {
    std::vector<Genome> genomes;
    for (const Json& item : reader.array("start")) {
      JsonReader inner(item, reader.origin() + ": start");
      genomes.push_back(genome(inner));
      inner.finish();
    }
    return genomes;
  }

  JournalResult result(JsonReader& reader) const {
    JournalResult r;
    r.round = integer(reader, "round");
    r.member = static_cast<int>(reader.integer("member", 0, settings_.population - 1));
    r.epochs = static_cast<int>(reader.integer("epochs", 1, settings_.epochs));
    const bool diverged = reader.any("score").is_null();
    r.score = diverged ? kDiverged : reader.number("score", -1e300, 1e300);
    r.metrics = numbers(reader.object("metrics"), reader.origin() + ": metrics");
    r.images_trained = reader.integer("trained", 0, kMostImagesOfARound);
    r.images_evaluated = reader.integer("evaluated", 0, kMostImagesOfARound);
    r.checkpoint = reader.text("checkpoint");
    if (settings_.selection == Selection::kSignificant && !diverged) {
      const auto count = static_cast<size_t>(reader.integer("validation", 1, 1 << 30));
      r.correct = bits_from_base64(reader.text("correct"), count, reader.origin());
    }
    return r;
  }

  Decision decision(JsonReader& reader) const {
    Decision d;
    d.round = integer(reader, "decision");
    if (settings_.asynchronous) d.member = member(reader, "member");
    for (const Json& item : reader.array("copies")) {
      JsonReader inner(item, reader.origin() + ": copies");
      Copy copy;
      copy.target = member(inner, "target");
      copy.donor = member(inner, "donor");
      const Json& epochs = inner.array("epochs");
      if (epochs.size() != 2 || !epochs[0].is_number_integer() || !epochs[1].is_number_integer()) {
        inner.fail("epochs", "expected two whole numbers");
      }
      copy.target_epochs = epochs[0].get<int>();
      copy.donor_epochs = epochs[1].get<int>();
      copy.genome = genome(inner);
      inner.finish();
      d.copies.push_back(std::move(copy));
    }
    if (reader.has("declined")) {
      for (const Json& item : reader.array("declined")) {
        JsonReader inner(item, reader.origin() + ": declined");
        d.declined.push_back(
            {member(inner, "target"), member(inner, "donor"), inner.number("p", 0, 1)});
        inner.finish();
      }
    }
    if (reader.has("winner")) d.winner = member(reader, "winner");
    return d;
  }

 private:
  static int integer(JsonReader& reader, const char* key) {
    return static_cast<int>(reader.integer(key, 0, (1 << 24) - 1));
  }
  int member(JsonReader& reader, const char* key) const {
    return static_cast<int>(reader.integer(key, 0, settings_.population - 1));
  }
  static std::map<std::string, double> numbers(const Json& object, const std::string& origin) {
    std::map<std::string, double> values;
    for (const auto& [key, value] : object.items()) {
      if (!value.is_number()) throw Error(origin + ": " + key + ": expected a number");
      values[key] = value.get<double>();
    }
    return values;
  }
  Genome genome(JsonReader& reader) const {
    const Json& list = reader.array("policy");
    std::vector<int> policy;
    policy.reserve(list.size());
    for (const Json& number : list) {
      if (!number.is_number_integer()) reader.fail("policy", "expected whole numbers");
      policy.push_back(number.get<int>());
    }
    return {policy_from_numbers(policy, settings_, reader.origin()),
            numbers(reader.object("genes"), reader.origin() + ": genes")};
  }

  const SearchSettings& settings_;
};

SearchSettings parse_header(const Json& json, const std::string& where) {
  JsonReader reader(json, where);
  if (reader.text("format") != "popaug-journal") {
    throw Error(where + ": this is not a journal of a popaug search");
  }
  const int64_t version = reader.integer("version", 0, INT64_MAX);
  if (version != 1) {
    throw Error(where + ": version " + std::to_string(version) +
                " of the journal is unknown here; this program reads version 1");
  }
  SearchSettings settings = settings_from_json(reader.object("settings"), where + ": settings");
  if (reader.text("hash") != settings_hash(settings)) {
    reader.fail("hash", "does not fit the settings in the same line");
  }
  if (reader.unsigned64("seed") != settings.seed) reader.fail("seed", "differs from the settings'");
  if (reader.text("data") != settings.data) reader.fail("data", "differs from the settings'");
  reader.finish();
  return settings;
}

// A line without its check and closing brace. The check must follow from `last_check`, that of the
// line before.
std::string_view unseal(std::string_view line, std::string* last_check, const std::string& where) {
  const char* advice =
      "; restore the file from a copy, or start again with another setting \"out\"";
  if (line.size() < kCheckTail || !line.ends_with("\"}") ||
      line.substr(line.size() - kCheckTail, kCheckKey.size()) != kCheckKey) {
    throw Error(where + ": the line is damaged (it does not end with its check)" + advice);
  }
  const std::string_view body = line.substr(0, line.size() - kCheckTail);
  std::string check = check_of(*last_check, body);
  if (line.substr(line.size() - 10, 8) != check) {
    throw Error(where + ": the line is damaged (its check does not fit it and the line before)" +
                advice);
  }
  *last_check = std::move(check);
  return body;
}

Json parse_body(std::string_view body, const std::string& where) {
  return parse_json(std::string(body) + "}", where);
}

void visit_line(const Json& json, const SearchSettings& settings, bool second,
                const std::string& where, const JournalVisitor& visitor) {
  JsonReader reader(json, where);
  const LineParser parser(settings);
  if (second) {
    const std::vector<Genome> genomes = parser.start(reader);
    if (visitor.start) visitor.start(genomes);
  } else if (reader.has("decision")) {
    const Decision decision = parser.decision(reader);
    if (visitor.decision) visitor.decision(decision, where);
  } else {
    const JournalResult result = parser.result(reader);
    if (visitor.result) visitor.result(result, where);
  }
  reader.finish();
}

}  // namespace

JournalWriter::JournalWriter(const SearchSettings& settings, std::string last_check)
    : settings_(settings), last_check_(std::move(last_check)) {}

std::string JournalWriter::seal(const Json& json) { return seal(json_line(json)); }

std::string JournalWriter::seal(std::string line) {
  line.pop_back();  // the closing brace
  last_check_ = check_of(last_check_, line);
  line.append(kCheckKey).append(last_check_).append("\"}\n");
  return line;
}

std::string JournalWriter::header(const Population& start) {
  const Json first = {
      {"format", "popaug-journal"},       {"version", 1},
      {"hash", settings_hash(settings_)}, {"seed", settings_.seed},
      {"data", settings_.data},           {"settings", settings_to_json(settings_)}};
  Json genomes = Json::array();
  for (int i = 0; i < settings_.population; ++i) genomes.push_back(genome_to_json(start.genome(i)));
  std::string text = seal(first);
  return text + seal({{"start", std::move(genomes)}});
}

std::string JournalWriter::result(const JournalResult& result) {
  return seal(result_line(result, settings_.selection == Selection::kSignificant));
}

std::string JournalWriter::decision(const Decision& decision) {
  return seal(decision_to_json(decision));
}

JournalSummary read_journal(std::string_view text, const std::string& origin,
                            const JournalVisitor& visitor) {
  JournalSummary summary;
  std::optional<SearchSettings> settings;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) {
      summary.torn = true;
      break;
    }
    const std::string where = origin + ":" + std::to_string(summary.lines + 1);
    const std::string_view body = unseal(text.substr(0, end), &summary.last_check, where);
    if (!settings) {
      settings = parse_header(parse_body(body, where), where);
      if (visitor.header) visitor.header(*settings);
    } else if (const auto result = parse_result_line(body, *settings);
               result && summary.lines > 1) {
      if (visitor.result) visitor.result(*result, where);
    } else {
      visit_line(parse_body(body, where), *settings, summary.lines == 1, where, visitor);
    }
    summary.good_bytes += end + 1;
    ++summary.lines;
    text.remove_prefix(end + 1);
  }
  return summary;
}

std::string seal_result(const SearchSettings& settings, const JournalResult& result) {
  return JournalWriter(settings, settings_hash(settings)).result(result);
}

JournalResult open_result(const SearchSettings& settings, std::string_view text,
                          const std::string& origin) {
  if (!text.ends_with('\n')) throw Error(origin + ": the file is cut off");
  text.remove_suffix(1);
  std::string check = settings_hash(settings);
  const Json json = parse_body(unseal(text, &check, origin), origin);
  JsonReader reader(json, origin);
  JournalResult result = LineParser(settings).result(reader);
  reader.finish();
  return result;
}

}  // namespace popaug
