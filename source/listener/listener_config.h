#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/access_log_config.h"
#include "source/base/clock.h"
#include "source/config/subscription.h"
#include "source/extensions/network/http_connection_manager/filter_config.h"
#include "source/filter/listener_filter.h"
#include "source/filter/network_filter.h"
#include "source/listener/filter_chain_table.h"
#include "source/listener/listener_filter_predicate.h"
#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/net/socket_options.h"

namespace nuncio::tls {
struct DownstreamTlsConfig;
}

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
  // Of the chain's message and of what else stands here of the listener: connections stay with a chain as long as an
  // update brings the same bytes.
  uint64_t hash = 0;
  // Null: plain TCP.
  std::shared_ptr<const tls::DownstreamTlsConfig> tls;
  // For its handshake. Zero: no limit.
  Duration transport_socket_connect_timeout{};

  // Null where there is none. That of the listener is here because connections hold their chain, not their listener.
  std::shared_ptr<const matcher::Metadata> metadata;
  std::shared_ptr<const matcher::Metadata> listener_metadata;
  // All but the last, in order.
  std::vector<std::shared_ptr<const filter::NetworkFilterConfig>> network_filters;
  std::shared_ptr<const filter::TerminalFilterConfig> terminal;
  // The terminal where it is an HTTP connection manager, else null.
  const extensions::HttpConnectionManagerFilterConfig* http = nullptr;

  // Index of the last filter in the message, for faults.
  size_t terminal_index() const { return network_filters.size(); }
};

struct ListenerFilterEntry {
  std::shared_ptr<const filter::ListenerFilterConfig> config;
  // Connections that the filter does not see.
  std::optional<ListenerFilterPredicate> disabled;
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
  std::vector<ListenerFilterEntry> listener_filters;
  // Zero: no limit.
  Duration listener_filters_timeout = std::chrono::seconds(15);
  // After the timeout a chain is chosen by what is known; else the connection is closed.
  bool continue_on_listener_filters_timeout = false;
  std::vector<std::shared_ptr<const FilterChainConfig>> chains;
  // Which of them takes a connection, by index.
  FilterChainTable chain_table;
  // Null: connections that match none are closed.
  std::shared_ptr<const FilterChainConfig> default_chain;
  uint32_t buffer_limit = 1 << 20;
  uint32_t max_accepts_per_event = 0;  // 0: no limit.
  bool ignore_global_limit = false;
  // Connections are spread over the workers without tolerance.
  bool exact_balance = false;
  // Connections go on while the process is marked as failing its health checks.
  bool ignores_health_fail = false;
  enum class Direction : uint8_t { kUnspecified, kInbound, kOutbound };
  Direction direction = Direction::kUnspecified;
  std::vector<std::shared_ptr<const access_log::AccessLogConfig>> access_logs;
};

}  // namespace nuncio::listener
