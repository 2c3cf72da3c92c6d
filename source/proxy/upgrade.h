#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/random.h"
#include "source/http/message.h"
#include "source/proxy/connection_manager_config.h"
#include "source/route/decision.h"

// Requests that want the stream to become a tunnel: upgrades and CONNECT.
namespace nuncio::proxy {

enum class TunnelVerdict : uint8_t {
  kRefuse,
  kForward,    // The upstream is asked for the tunnel.
  kTerminate,  // CONNECT ends here, and the upstream gets its data as plain TCP.
};

// What the route says about the protocol, else what the connection manager says; else it is refused.
TunnelVerdict DecideTunnel(const ConnectionManagerConfig& config, const route::Decision& decision,
                           const http::RequestHead& head);

// Whether an answer with this status makes the stream of `head` a tunnel.
bool AcceptsTunnel(const http::RequestHead& head, uint32_t status);

// WebSocket over HTTP/2 has no key (RFC 8441 5), over HTTP/1.1 it must have one (RFC 6455 4.1): gives an HTTP/1 host
// what its client could not, and an HTTP/1 client the proof that its host did not make. Each without effect where
// nothing is missing or the upgrade is another.
void CompleteWebSocketRequest(http::RequestHead& head, Random& random);
void CompleteWebSocketAnswer(const http::RequestHead& request, http::HeaderMap& answer);

}  // namespace nuncio::proxy
