#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/header_map.h"

namespace nuncio::http {

enum class Protocol : uint8_t { kHttp10, kHttp11, kHttp2 };

// "HTTP/1.0", "HTTP/1.1", "HTTP/2".
std::string_view ProtocolName(Protocol protocol);

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kConnect, kOptions, kTrace, kPatch, kOther };

// Methods are case-sensitive (RFC 9110 9.1).
Method FindMethod(std::string_view name);

// RFC 9110 9.2.2. Unknown methods are not idempotent.
bool IsIdempotent(Method method);

// Head of a request. What HTTP/2 carries as pseudo-headers stands beside the map, in the same form for every protocol:
// the map holds neither `host` nor names that begin with a colon. Texts live in the map's arena.
struct RequestHead {
  explicit RequestHead(Arena& arena) : headers(arena) {}

  std::string_view method_text;
  std::string_view path;       // With query; "*" for OPTIONS *; empty for CONNECT.
  std::string_view authority;  // Host, with port where one was given; empty where the client sent none (HTTP/1.0).
  std::string_view scheme;     // "http" or "https"; from an absolute-form target or the transport.
  // How the client spelled the Host field's name, for HTTP/1 upstreams.
  std::string_view host_name = "host";
  // The protocol that is to follow HTTP on this stream, as the client spelled it: the value of Upgrade where Connection
  // names it (RFC 9110 7.8), or `:protocol` of an extended CONNECT (RFC 8441), which otherwise looks the same here: its
  // method is GET. Empty: none, as for "h2c", which is never accepted.
  std::string_view upgrade;
  Method method = Method::kOther;
  Protocol protocol = Protocol::kHttp11;
  // The target was in absolute form.
  bool absolute_form = false;
  HeaderMap headers;

  bool is_tunnel() const { return !upgrade.empty() || method == Method::kConnect; }
};

struct ResponseHead {
  explicit ResponseHead(Arena& arena) : headers(arena) {}

  uint32_t status = 0;
  // HTTP/1 only; empty means the usual phrase of the status.
  std::string_view reason;
  Protocol protocol = Protocol::kHttp11;
  HeaderMap headers;
};

// The usual reason phrase; "Unknown" where there is none.
std::string_view ReasonPhrase(uint32_t status);

}  // namespace nuncio::http
