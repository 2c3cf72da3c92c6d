#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "source/http/message.h"
#include "source/net/transport_socket.h"
#include "source/telemetry/secret_stats.h"
#include "source/telemetry/ssl_stats.h"
#include "source/tls/client_context.h"
#include "source/tls/secret/context_cell.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

// Of UpstreamTransport: the contexts of one thread, by ClusterConfig::sockets; null for plain TCP.
using ThreadTlsCells = std::vector<std::shared_ptr<tls::ClientContextCell>>;

// How a connection is to introduce itself, beyond what the cluster's configuration says for all of them.
struct HandshakeWish {
  // Index into ClusterConfig::sockets.
  size_t socket = 0;
  // What ALPN offers unless the configuration has a list of its own.
  enum class Alpn : uint8_t { kNothing, kHttp1, kHttp2, kBoth };
  Alpn alpn = Alpn::kNothing;
  // See StreamWish. Empty: as configured.
  std::string_view server_name;
};

// Makes the transport sockets of one thread's connections to one cluster, of the TLS contexts that are in force when
// they are made. Sessions are resumed only towards the same host under the same name.
class TlsSockets {
 public:
  TlsSockets(std::shared_ptr<const ClusterConfig> config, ThreadTlsCells cells, const ClusterScopes& scopes,
             telemetry::StatsSlot slot);

  struct Made {
    // Null: plain TCP.
    std::unique_ptr<net::TransportSocket> socket;
    // TLS is wanted, and its secrets are missing: no connection may be made. Counted.
    bool not_ready = false;
  };
  // `to`: where the connection goes.
  Made Make(const HandshakeWish& wish, const Host& host, const net::Address& to);

 private:
  tls::ClientContext::SocketOptions Options(const HandshakeWish& wish, const Host& host, const net::Address& to) const;

  // Constant after construction.
  const std::shared_ptr<const ClusterConfig> config_;
  const ThreadTlsCells cells_;
  const ClusterScopes scopes_;  // Keeps the blocks.
  const telemetry::StatsSlot slot_;

  // By socket, set where there is TLS.
  std::vector<std::shared_ptr<tls::ClientSessions>> sessions_;
  // Set where there is TLS on any socket.
  std::optional<telemetry::SslStats> stats_;
};

}  // namespace nuncio::upstream
