#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/access_log/stream_info.h"
#include "source/base/clock.h"
#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/telemetry/counter.h"

namespace nuncio::filter {

// What filters found out about a connection before it is served. Empty: nobody looked, or it is not said.
struct ConnectionFacts {
  // "tls" or "raw_buffer".
  std::string_view transport_protocol;
  // From the ClientHello, in lower case.
  std::string server_name;
  // What the client offers, in its order.
  std::vector<std::string> application_protocols;
  // Fingerprints of the ClientHello, where asked for.
  std::string ja3;
  std::string ja4;
  // Where a proxy of TCP is to forward, in place of its own cluster.
  std::string upstream_cluster;
};

// A connection between accept and the filter that serves it.
struct AcceptedConnection {
  // Non-blocking. Whoever holds the struct passes it on or closes it.
  int fd = -1;
  // The client: the other end of the connection, or what a proxy before this one says of it.
  net::Address peer;
  // The other end itself.
  net::Address direct_peer;
  // Where the client connected to. Of no family: not known yet, the kernel is asked when somebody wants it.
  net::Address local;
  ConnectionFacts facts;
  // High mark of the write buffer, bytes; 0: none.
  uint32_t buffer_limit = 0;
  // As net::ConnectionLimits has them.
  Duration handshake_timeout{};
  telemetry::Counter* handshake_timeouts = nullptr;
  // As configured; they stay as long as the filter chain.
  std::string_view listener_name;
  std::string_view filter_chain_name;
  // Of the listener and the chain; null where there is none.
  const matcher::Metadata* listener_metadata = nullptr;
  const matcher::Metadata* filter_chain_metadata = nullptr;
};

// For logs. `id`: unique in the process.
access_log::ConnectionInfo Describe(const AcceptedConnection& connection, uint64_t id);

}  // namespace nuncio::filter
