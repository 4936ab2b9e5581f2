#include "popaug/base/stop.h"

#include <signal.h>
#include <unistd.h>

#include "popaug/base/error.h"

namespace popaug {
namespace {

StopToken* active = nullptr;
bool second_ends = true;
struct sigaction previous_int, previous_term;

void on_signal(int) {
  if (active == nullptr) return;
  if (active->requested() && second_ends) ::_exit(130);
  active->request();
}

}  // namespace

SignalStop::SignalStop(SecondSignal second) {
  POPAUG_ASSERT(active == nullptr);
  second_ends = second == SecondSignal::kEndsProcess;
  active = new StopToken;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &previous_int);
  ::sigaction(SIGTERM, &action, &previous_term);
}

SignalStop::~SignalStop() {
  ::sigaction(SIGINT, &previous_int, nullptr);
  ::sigaction(SIGTERM, &previous_term, nullptr);
  delete active;
  active = nullptr;
}

const StopToken& SignalStop::token() const { return *active; }

}  // namespace popaug
