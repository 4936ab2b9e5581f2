#include "popaug/report/http_head.h"

#include <algorithm>
#include <utility>

#include "popaug/base/base.h"

namespace popaug {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

RequestHead refuse(int status, const char* why) {
  RequestHead head;
  head.refused = status;
  head.why = why;
  return head;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

// Controls in a head serve only to confuse: a bare CR or LF, NUL, escapes.
bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

// The refusal of a request line, or nothing.
std::optional<RequestHead> check_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
  if (second == line.npos || line.find(' ', second + 1) != line.npos || has_control(line)) {
    return refuse(400, "this is not a request of HTTP/1.1");
  }
  const std::string_view method = line.substr(0, first), version = line.substr(second + 1);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refuse(505, "this server speaks HTTP/1.1");
  }
  if (method != "GET" && method != "HEAD") return refuse(405, "read only");
  if (!target.starts_with('/')) return refuse(400, "the path must start with /");
  return std::nullopt;
}

struct Seen {
  bool host = false, cookie = false;
};

// Adds the header to the head if it is passed on. Returns the refusal, or nothing.
std::optional<RequestHead> take_header(std::string_view line, RequestHead& head, Seen& seen) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == line.npos || has_control(line)) {
    return refuse(400, "a header is not NAME: VALUE");
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name.find_first_of(" \t") != name.npos) return refuse(400, "a header is not NAME: VALUE");
  if (name == "transfer-encoding" || (name == "content-length" && value != "0")) {
    return refuse(413, "read only: a request has no body");
  }
  if (name == "host") {
    if (std::exchange(seen.host, true)) return refuse(400, "Host is given twice");
    head.text += "Host: " + std::string(value) + "\r\n";
  } else if (name == "cookie") {
    if (std::exchange(seen.cookie, true)) return refuse(400, "Cookie is given twice");
    head.text += "Cookie: " + std::string(value) + "\r\n";
  }
  return std::nullopt;
}

}  // namespace

std::optional<RequestHead> read_request_head(std::string_view received) {
  const size_t line_end = received.find(kLineEnd);
  if (std::min(line_end, received.size()) > kLongestRequestLine) {
    return refuse(414, "the request line is too long");
  }
  const size_t end = received.find("\r\n\r\n");
  if (std::min(end, received.size()) > kLongestHead) {
    return refuse(431, "the headers are too long");
  }
  if (line_end == received.npos) return std::nullopt;
  const std::string_view line = received.substr(0, line_end);
  if (auto refusal = check_line(line)) return refusal;

  RequestHead head;
  head.text = std::string(line) + "\r\n";
  const std::string_view target = line.substr(line.find(' ') + 1);
  head.events = target.starts_with("/events");
  std::string_view rest = received.substr(line_end + 2);
  Seen seen;
  for (int count = 0;; ++count) {
    const size_t next = rest.find(kLineEnd);
    if (next == 0) break;
    if (next == rest.npos) return std::nullopt;
    if (count == kMostHeaders) return refuse(431, "there are too many headers");
    if (auto refusal = take_header(rest.substr(0, next), head, seen)) return refusal;
    rest.remove_prefix(next + 2);
  }
  head.text += "Connection: close\r\n\r\n";
  return head;
}

}  // namespace popaug
