#include "popaug/base/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>

#include "popaug/base/error.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

struct Armed {
  int error = 0;   // returned as errno; 0: `signal`
  int signal = 0;  // raised; 0: `error`
  bool keeps_failing = false;
  int at = 1;
  int visits = 0;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> armed;
};

std::atomic<bool> any_armed{false};

Table& table() {
  static Table* instance = new Table;
  return *instance;
}

Armed parse_action(std::string_view text) {
  Armed armed;
  const size_t at = text.find('@');
  if (at != text.npos) {
    const std::string_view digits = text.substr(at + 1);
    const auto [end, code] = std::from_chars(digits.begin(), digits.end(), armed.at);
    if (code != std::errc() || end != digits.end() || armed.at < 1) {
      throw UsageError("failpoint: \"" + std::string(digits) +
                       "\" is not a visit number (1, 2, ...)");
    }
    text = text.substr(0, at);
  }
  if (text.ends_with('*')) {
    armed.keeps_failing = true;
    text.remove_suffix(1);
  }
  if (text == "enospc") {
    armed.error = ENOSPC;
  } else if (text == "eio") {
    armed.error = EIO;
  } else if (text == "kill") {
    armed.signal = SIGKILL;
  } else if (text == "stop") {
    armed.signal = SIGINT;
  } else {
    throw UsageError("failpoint: unknown action \"" + std::string(text) +
                     "\"; expected enospc, eio, kill or stop");
  }
  return armed;
}

void read_environment_once() {
  static const bool done = [] {
    if (const char* text = std::getenv("POPAUG_FAILPOINTS")) arm_failpoints(text);
    return true;
  }();
  (void)done;
}

}  // namespace

void arm_failpoints(std::string_view text) {
  std::map<std::string, Armed, std::less<>> armed;
  for (const std::string& item : split(text, ',')) {
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    if (equals == item.npos) {
      throw UsageError("failpoint: expected name=action in \"" + item + "\"");
    }
    armed[item.substr(0, equals)] = parse_action(std::string_view(item).substr(equals + 1));
  }
  Table& t = table();
  std::lock_guard lock(t.mutex);
  t.armed = std::move(armed);
  any_armed.store(!t.armed.empty(), std::memory_order_relaxed);
}

bool failpoint(const char* name) {
  read_environment_once();
  if (!any_armed.load(std::memory_order_relaxed)) return false;
  Table& t = table();
  std::lock_guard lock(t.mutex);
  const auto it = t.armed.find(name);
  if (it == t.armed.end()) return false;
  Armed& armed = it->second;
  ++armed.visits;
  if (armed.visits != armed.at && !(armed.keeps_failing && armed.visits > armed.at)) return false;
  if (armed.signal != 0) ::raise(armed.signal);  // in this thread: handled when it returns
  if (armed.error != 0) errno = armed.error;
  return armed.error != 0;
}

}  // namespace popaug
