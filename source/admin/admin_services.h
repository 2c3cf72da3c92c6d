#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "source/access_log/log_writer.h"
#include "source/base/clock.h"
#include "source/bootstrap/bootstrap_config.h"
#include "source/bootstrap/options.h"
#include "source/event/event_loop.h"
#include "source/listener/connection_limit.h"
#include "source/listener/listener_registry.h"
#include "source/listener/route_registry.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/secret/context_registry.h"
#include "source/upstream/cluster_registry.h"

namespace nuncio::admin {

// As /ready and /server_info tell it. Draining: on the way out, or told to fail its health checks.
enum class ServerState { kLive, kDraining, kInitializing };

// What the admin interface asks of the process and may change in it. Main thread.
class ServerControl {
 public:
  virtual ServerState state() const = 0;
  virtual uint32_t concurrency() const = 0;
  virtual SystemTime started_at() const = 0;
  virtual Duration uptime() const = 0;

  // While failing, connections are asked to go elsewhere.
  virtual void SetHealthFailing(bool failing) = 0;
  struct ListenerDrain {
    // Connections are drained over the drain time, and then listening ends; else it ends at once and connections stay.
    bool graceful = false;
    bool inbound_only = false;
    // After a graceful drain listening goes on.
    bool keep_listening = false;
  };
  virtual void DrainListeners(const ListenerDrain& drain) = 0;
  // Ends the process with success, after the current turn of the loop, without waiting for requests.
  virtual void Quit() = 0;

 protected:
  ~ServerControl() = default;
};

// A resource of discovery whose latest version was refused.
struct RefusedResource {
  std::string name;
  std::string version;
  std::string details;
  SystemTime at{};
};

// What the admin interface shows and works on. All of it outlives the interface. Main thread.
struct AdminServices {
  event::EventLoop& loop;
  telemetry::StatsStore& stats;
  const upstream::ClusterRegistry& clusters;
  const listener::ListenerRegistry& listeners;
  const listener::RouteRegistry& routes;
  const tls::ContextRegistry& contexts;
  access_log::LogWriter& logs;
  listener::ConnectionLimit& connection_limit;
  const bootstrap::Options& options;
  const bootstrap::BootstrapConfig& bootstrap;
  ServerControl& server;

  // By type URL; unset where nothing is discovered.
  std::function<std::vector<RefusedResource>(std::string_view type_url)> refused = {};
};

}  // namespace nuncio::admin
