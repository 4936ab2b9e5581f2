// What a request may look like before anything else sees it. Private to room report.
#ifndef POPAUG_REPORT_HTTP_HEAD_H_
#define POPAUG_REPORT_HTTP_HEAD_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace popaug {

// The limits of a request's head, which is its request line and its headers (docs/threats.md).
inline constexpr size_t kLongestRequestLine = 2048;
inline constexpr size_t kLongestHead = 8192;
inline constexpr int kMostHeaders = 64;

struct RequestHead {
  int refused = 0;       // the HTTP status of a head that is refused, else 0
  const char* why = "";  // one sentence for the client
  std::string text;      // the head that is passed on
  bool events = false;   // asks for /events, which stays open
};

// Looks at what a client has sent so far. Nothing while the head is neither complete nor wrong yet.
//
// A complete head is written anew: the request line, Host, Cookie and "Connection: close". So no
// path of the HTTP library for bodies, ranges, upgrades, compression or reused connections can be
// reached. Only GET and HEAD without a body pass.
std::optional<RequestHead> read_request_head(std::string_view received);

}  // namespace popaug

#endif  // POPAUG_REPORT_HTTP_HEAD_H_
