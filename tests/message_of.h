// For tests: what an Error says.
#ifndef POPAUG_TESTS_MESSAGE_OF_H_
#define POPAUG_TESTS_MESSAGE_OF_H_

#include <string>

#include "popaug/base/base.h"

namespace popaug {

// The sentence of the Error that `body` throws; "no error" if it throws nothing.
template <typename F>
std::string message_of(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace popaug

#endif  // POPAUG_TESTS_MESSAGE_OF_H_
