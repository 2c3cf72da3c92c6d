#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/access_log_config.h"
#include "source/config/config_source.h"
#include "source/config/subscription.h"
#include "source/net/address.h"
#include "source/net/socket_options.h"
#include "source/proxy/connection_manager_config.h"
#include "source/listener/filter_chain_match.h"

namespace nuncio::listener {

// Where a listener listens, and with what socket.
struct ListenAddress {
  net::Address address;
  bool ipv4_compat = false;
  uint32_t unix_mode = 0;
  bool transparent = false;
  bool freebind = false;
  bool reuse_port = true;
  int backlog = 4096;
  uint32_t fast_open_queue = 0;
  std::optional<net::TcpKeepalive> keepalive;
  std::vector<net::SocketOption> socket_options;

  // Sockets of equal keys are interchangeable: an update keeps them.
  std::string SocketKey() const;
};

struct FilterChainConfig {
  // As configured; may be empty.
  std::string name;
  // Of the chain's message: connections stay with a chain as long as an update brings the same bytes.
  uint64_t hash = 0;
  FilterChainMatch match;
  // Index of the connection manager among the chain's filters, for faults.
  size_t http_index = 0;
  std::shared_ptr<const proxy::ConnectionManagerConfig> http;
  // Set where the chain's routes come by RDS.
  std::optional<config::ConfigSource> rds;
};

// A compiled Listener. Immutable; any thread.
struct ListenerConfig : config::CompiledResource {
  std::string name;
  // Of the whole message.
  uint64_t hash = 0;
  std::vector<ListenAddress> addresses;
  // False: the listener has no socket of its own.
  bool bind_to_port = true;
  std::string stat_prefix;
  std::vector<std::shared_ptr<const FilterChainConfig>> chains;
  // Null: connections that match none are closed.
  std::shared_ptr<const FilterChainConfig> default_chain;
  uint32_t buffer_limit = 1 << 20;
  uint32_t max_accepts_per_event = 0;  // 0: no limit.
  bool ignore_global_limit = false;
  // Connections go on while the process is marked as failing its health checks.
  bool ignores_health_fail = false;
  enum class Direction : uint8_t { kUnspecified, kInbound, kOutbound };
  Direction direction = Direction::kUnspecified;
  std::vector<std::shared_ptr<const access_log::AccessLogConfig>> access_logs;

  // The chain for a connection, or null.
  const FilterChainConfig* FindChain(const net::Address& local, const net::Address& peer) const;
};

}  // namespace nuncio::listener
