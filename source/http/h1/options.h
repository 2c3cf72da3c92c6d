#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nuncio::http::h1 {

// What HTTP/1 codecs of one listener or cluster share. Immutable; outlives its codecs.
struct H1Options {
  // Bytes of a head from the first of its start line to its empty line, and likewise of a trailer section. More is
  // refused: 414 when already the request line is longer, else 431.
  size_t max_head_bytes = 60 * 1024;
  // Field lines in a head, and in a trailer section.
  uint32_t max_headers = 100;
  // Server: serve HTTP/1.0; otherwise it is answered 426.
  bool accept_http_10 = false;
  // Server: the authority of HTTP/1.0 requests without Host. Empty: they are answered 400.
  std::string default_host_for_http_10{};
  // Server: take targets in absolute form; otherwise they are answered 400.
  bool allow_absolute_url = true;
  // Pass trailers on, in both directions. Otherwise they are read, checked and dropped.
  bool enable_trailers = false;
  // Server: the scheme of requests whose target names none: that of the transport. Static storage.
  std::string_view scheme = "http";
  // Client: write targets in absolute form, as to a forward proxy.
  bool send_fully_qualified_url = false;
};

}  // namespace nuncio::http::h1
