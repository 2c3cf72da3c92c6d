#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "source/extensions/registry.h"
#include "source/net/acceptor.h"
#include "source/listener/connection_balance.h"
#include "source/listener/connection_limit.h"
#include "source/listener/listener_config.h"
#include "source/listener/listener_filters.h"
#include "source/listener/pending_connection.h"
#include "source/listener/worker_peers.h"
#include "source/telemetry/listener_stats.h"
#include "source/telemetry/ssl_stats.h"
#include "source/tls/secret/context_cell.h"

namespace nuncio::listener {

// How connections that are to end are told: at once, or spread over the drain time so that clients do not come back
// all in the same moment.
struct DrainPlan {
  Duration time{};
  bool gradual = true;
  // What is left at the end of the time is closed.
  bool close_at_end = true;
};

// What an update of a listener brings to a worker. Made on main, one per worker.
struct ListenerUpdate {
  std::shared_ptr<const ListenerConfig> config;
  // One per address of the config.
  std::vector<std::shared_ptr<net::ListenSocket>> sockets;
  // Where chains with RDS find their routes: parallel to config->chains, the default chain's last; null for chains that
  // have their own table.
  std::vector<std::shared_ptr<proxy::RouteCell>> routes;
  // Where the chains' connections find their TLS contexts, likewise; null for plain TCP. A cell without context:
  // secrets are missing, and no connection can be served (downstream_context_secrets_not_ready).
  std::vector<std::shared_ptr<tls::ServerContextCell>> tls;
  // The chains' logs, likewise.
  std::vector<proxy::AccessLogs> access_logs;
  // The listener's own, with an entry per connection.
  proxy::AccessLogs connection_logs;
  // The same for all of the listener's life.
  std::shared_ptr<ConnectionBalance> balance;
};

// One listener on one worker: accepts on the worker's own sockets, hands connections over to workers that have fewer,
// runs the listener filters, chooses filter chains, and keeps those that an update replaced until their connections are
// gone. Worker thread.
class WorkerListener final : public event::DeferredDeletable,
                             public net::AcceptEvents,
                             private PendingConnection::Owner {
 public:
  WorkerListener(proxy::WorkerServices& services, ConnectionLimit& limit, ObjectHome& home, WorkerPeers& peers,
                 uint32_t worker, const std::string& stat_prefix);
  ~WorkerListener() override;

  // Takes the new configuration. Sockets that both have stay as they are; sockets no longer named are emptied of
  // waiting connections and let go. Connections of chains that are not in the new configuration are drained.
  void Apply(ListenerUpdate update, const DrainPlan& plan);
  // Serves what waits in the accept queues, lets go of the sockets, and drains all connections.
  void Remove(const DrainPlan& plan);
  // Stops accepting; what waits in the queues is served first.
  void StopListening();
  // All connections are to end; accepting goes on, and what comes in is answered with `connection: close`.
  void DrainConnections(const DrainPlan& plan);
  // Whether answers are to send clients elsewhere; see TerminalFilter. Holds for later configurations too.
  void SetHealthFailing(bool failing);
  // Closes what is left.
  void CloseAll();

  // No socket and no connection is left.
  bool finished() const;
  // It was removed, and its drain time has passed.
  bool over() const { return over_; }
  bool counts_by(const ConnectionBalance& balance) const { return balance_.get() == &balance; }
  uint64_t connections() const;
  const ListenerConfig& config() const { return *config_; }

  // A connection that another worker accepted, and that the limit and the balance count. Takes over the descriptor.
  void Adopt(filter::AcceptedConnection connection);
  void OnAccept(int fd, const net::Address& peer, const net::ListenSocket& socket) override;
  void OnAcceptPaused(int error) override;

 private:
  static constexpr Duration kPauseLogInterval = std::chrono::seconds(10);

  // A filter chain in force or on its way out.
  struct Chain : event::DeferredDeletable, filter::ConnectionOwner {
    Chain(WorkerListener& listener, std::shared_ptr<const FilterChainConfig> config,
          std::shared_ptr<tls::ServerContextCell> tls, extensions::TerminalFilterInputs inputs);
    void OnConnectionClosed(const access_log::StreamInfo& connection) override {
      listener.OnConnectionClosed(connection);
    }
    bool idle() const { return terminal->connections() == 0; }

    WorkerListener& listener;
    const std::shared_ptr<const FilterChainConfig> config;
    // Null where the chain has its own routes, or none.
    const std::shared_ptr<proxy::RouteCell> routes;
    // Null for plain TCP.
    const std::shared_ptr<tls::ServerContextCell> tls;
    std::vector<std::unique_ptr<filter::NetworkFilter>> network_filters;
    std::unique_ptr<filter::TerminalFilter> terminal;
    std::unique_ptr<event::Timer> drain_end;
    void OnDrainEnd();
  };

  void TakeChains(ListenerUpdate& update, const DrainPlan& plan);
  void TakeSockets(ListenerUpdate& update);
  void Drain(Chain& chain, const DrainPlan& plan);
  // Each takes over the descriptor, and the unit of the limit that was taken for it.
  void Filter(filter::AcceptedConnection connection);
  void Serve(filter::AcceptedConnection connection);
  void Drop(const filter::AcceptedConnection& connection);
  // A connection that was counted is gone.
  void Uncount();
  // Null for plain TCP; nullopt: the chain's secrets are not there.
  std::optional<std::unique_ptr<net::TransportSocket>> MakeTransport(const Chain& chain,
                                                                     const filter::AcceptedConnection& connection);
  Chain* FindChain(const filter::AcceptedConnection& connection);
  void OnFiltered(PendingConnection& pending) override;
  void OnDropped(PendingConnection& pending) override;
  void DiscardPending(PendingConnection& pending);
  void ClosePending();
  void OnConnectionClosed(const access_log::StreamInfo& connection);
  void Forget();

  proxy::WorkerServices& services_;
  ConnectionLimit& limit_;
  ObjectHome& home_;
  WorkerPeers& peers_;
  const uint32_t worker_;
  std::shared_ptr<ConnectionBalance> balance_;
  const telemetry::ScopePtr scope_;
  const telemetry::ScopePtr worker_scope_;
  telemetry::ListenerStats& stats_;
  telemetry::ListenerWorkerStats& worker_stats_;

  // Made with the first chain that has TLS; connections refer to it.
  std::unique_ptr<telemetry::SslStats> ssl_stats_;
  telemetry::ScopePtr ssl_scope_;

  // Connections refer to it beyond updates.
  std::string name_;
  std::shared_ptr<const ListenerConfig> config_;
  proxy::AccessLogs connection_logs_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
  std::shared_ptr<const ListenerFilters> filters_;
  // As in the configuration, the default chain last.
  std::vector<std::unique_ptr<Chain>> chains_;
  std::vector<std::unique_ptr<Chain>> draining_;
  // With the listener filters.
  IntrusiveList<PendingConnection> pending_;
  uint64_t pending_count_ = 0;
  event::TurnTask forget_task_;
  MonotonicTime next_pause_log_{};
  bool removed_ = false;
  bool over_ = false;
  bool health_failing_ = false;
};

}  // namespace nuncio::listener
