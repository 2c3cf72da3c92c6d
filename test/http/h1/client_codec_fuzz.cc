// Any bytes from a host: no crash, the same events however they are cut into reads, and an answer's connection is
// reusable only when nothing is left behind it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "test/http/h1/client_harness.h"

namespace nuncio::http::h1 {
namespace {

const H1Options kOptions{.max_head_bytes = 2000, .max_headers = 20, .enable_trailers = true};

void Require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

std::string Events(std::string_view method, std::string_view bytes, size_t step) {
  ClientHarness client(kOptions);
  client.Request(method);
  std::string log;
  for (size_t at = 0; at < bytes.size() && client.codec.active_streams() > 0; at += step) {
    client.Feed(bytes.substr(at, step));
  }
  if (client.codec.active_streams() > 0) client.codec.OnEndOfInput();
  Require(client.codec.active_streams() == 0, "a stream outlived its connection");
  log = client.TakeLog();
  // Whether bytes are left is known only where they came together.
  const size_t closed = log.rfind("closed");
  Require(closed != std::string::npos, "the stream's end was not told");
  return log.substr(0, closed);
}

}  // namespace
}  // namespace nuncio::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nuncio::http::h1;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (std::string_view method : {"GET", "HEAD"}) {
    const std::string whole = Events(method, bytes, size + 1);
    Require(Events(method, bytes, 1) == whole, "other events byte by byte");
    Require(Events(method, bytes, 1 + size % 23) == whole, "other events in pieces");

    // A second request on a connection that is said to be reusable meets nothing of the first one's answer.
    ClientHarness client(kOptions);
    client.Request(method);
    client.Feed(bytes);
    if (client.codec.active_streams() == 0 && client.codec.reusable()) {
      Require(client.in.empty(), "bytes were left on a reusable connection");
      client.TakeLog();
      client.Request(method);
      client.Feed("HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n");
      Require(client.TakeLog() == "answer 299 Mine HTTP/1.1\nContent-Length: 0\nend\nclosed reusable\n",
              "an answer was mixed up");
    }
  }
  return 0;
}
