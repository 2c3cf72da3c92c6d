#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/access_log/stream_info.h"
#include "source/base/intrusive_heap.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/network_filter.h"
#include "source/net/transport_socket.h"
#include "source/proxy/connection_manager_config.h"
#include "source/proxy/parked_connection.h"
#include "source/proxy/worker_services.h"
#include "source/telemetry/http2_stats.h"
#include "source/telemetry/http_stats.h"
#include "source/telemetry/scope.h"

namespace nuncio::proxy {

class DownstreamConnection;

// The logs that a configuration asks for, with their files open.
using AccessLogs = std::vector<std::shared_ptr<const access_log::AccessLog>>;

// The filters of a configuration without the router, in its order.
using HttpFilters = std::vector<std::unique_ptr<filter::HttpFilterFactory>>;

// One HTTP connection manager on one worker: its configuration, its statistics, and the connections that run under it.
// Belongs to a filter chain; after the chain was replaced it stays until its last connection is gone.
class HttpConnectionManager final : public filter::TerminalFilter {
 public:
  HttpConnectionManager(WorkerServices& services, std::shared_ptr<const ConnectionManagerConfig> config,
                        AccessLogs logs, std::shared_ptr<RouteCell> routes, HttpFilters filters);
  ~HttpConnectionManager() override;

  // The address it connected to may be unknown, then the kernel is asked when somebody wants it.
  void Serve(filter::AcceptedConnection connection, std::unique_ptr<net::TransportSocket> transport,
             filter::ConnectionOwner& owner) override;
  // Idle connections are closed, and busy ones after their current exchange.
  void StartDraining(Duration spread) override;
  bool draining() const { return draining_; }
  // Every answer closes its connection, so that clients go elsewhere; none is closed for being idle.
  void SetHealthFailing(bool failing) override { health_failing_ = failing; }
  bool health_failing() const { return health_failing_; }
  void CloseAll() override;
  uint64_t connections() const override { return connections_; }

  // Something was received, or memory set free: in a while connections and memory are looked at, and again as long as
  // one may be parked.
  void LookSoon() {
    if (!look_timer_.armed()) [[unlikely]] ArmLook();
  }
  // Destroys `parked`. The connection may be closed already.
  DownstreamConnection& Revive(ParkedConnection& parked);

  const ConnectionManagerConfig& config() const { return *config_; }
  WorkerServices& services() { return services_; }
  RouteCell& routes() { return *routes_; }
  const AccessLogs& logs() const { return logs_; }
  const HttpFilters& filters() const { return filters_; }
  telemetry::DownstreamHttpStats& stats() { return stats_; }
  telemetry::DownstreamHttp1Stats& http1_stats() { return http1_stats_; }
  telemetry::Http2Stats& http2_stats() { return http2_stats_; }
  telemetry::DownstreamHttp2Stats& downstream_http2_stats() { return downstream_http2_stats_; }
  telemetry::RouterStats& router_stats() { return router_stats_; }
  // Of connections that may hold `buffer_limit` bytes; 0: any number.
  const http::h2::H2Options& Http2Options(uint32_t buffer_limit);

 private:
  friend class DownstreamConnection;

  // Looks at some of the connections, each in its turn, and parks those that are silent.
  void OnLook();
  void ArmLook();
  void Look(DownstreamConnection& connection);
  void OnParkedDeadline();
  void WatchParked();
  void Enlist(DownstreamConnection& connection);
  // A random part of `spread`.
  Duration DrainDelay(Duration spread);

  WorkerServices& services_;
  const std::shared_ptr<const ConnectionManagerConfig> config_;
  const AccessLogs logs_;
  const std::shared_ptr<RouteCell> routes_;
  const HttpFilters filters_;
  const telemetry::ScopePtr scope_;
  const telemetry::ScopePtr codec_scope_;
  telemetry::DownstreamHttpStats& stats_;
  telemetry::RouterStats& router_stats_;
  telemetry::DownstreamHttp1Stats& http1_stats_;
  telemetry::Http2Stats& http2_stats_;
  telemetry::DownstreamHttp2Stats& downstream_http2_stats_;
  http::h2::H2Options http2_options_;
  // Those that may be parked, the one looked at longest ago first; and those that never will be.
  IntrusiveList<DownstreamConnection> list_;
  IntrusiveList<DownstreamConnection> staying_;
  IntrusiveHeap<ParkedConnection, MonotonicTime> parked_;
  uint64_t parked_count_ = 0;
  event::Timer look_timer_;
  event::Timer parked_timer_;
  uint64_t connections_ = 0;
  bool draining_ = false;
  bool health_failing_ = false;
};

}  // namespace nuncio::proxy
