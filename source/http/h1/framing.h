#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/codec.h"

namespace nuncio::http::h1 {

// How a body's end is known (RFC 9112 6.3).
enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Framing {
  BodyKind kind = BodyKind::kNone;
  uint64_t length = 0;  // kLength only; not 0.
};

// What the Connection fields say.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  // They nominate a field that must not be (MayBeNominated), no token at all, or absurdly many.
  bool abusive = false;

  // Whether the connection may live on after the message (RFC 9112 9.3).
  bool persistent(Protocol protocol) const { return !close && (protocol != Protocol::kHttp10 || keep_alive); }
};
ConnectionOptions ParseConnection(const HeaderMap& headers);

// The protocol that a request wants to go on in (RFC 9110 7.8), as RequestHead::upgrade has it.
std::string_view RequestedUpgrade(const RequestHead& head, const ConnectionOptions& connection);

// Whether an answer turns the stream into the tunnel that was asked for: by an upgrade, or by CONNECT.
constexpr bool AcceptsTunnel(bool upgrade, uint32_t status) {
  return upgrade ? status == 101 : status >= 200 && status < 300;
}

// Null or the fault.
const DecodeError* RequestFraming(const RequestHead& head, Framing* framing);

// Of a final answer to a request with `method`. `*suspicious` is set where the sender claims a body that the status
// does not allow: what follows cannot be trusted to be the next answer.
const DecodeError* ResponseFraming(const ResponseHead& head, Method method, Framing* framing, bool* suspicious);

// Whether answers with this status never have a body.
constexpr bool IsBodiless(uint32_t status) { return status < 200 || status == 204 || status == 304; }

// The one Content-Length of a message; false where there is none, several, or no number.
bool SoleContentLength(const HeaderMap& headers, const HeaderField** field, uint64_t* length);

}  // namespace nuncio::http::h1
