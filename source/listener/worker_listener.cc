#include "source/listener/worker_listener.h"

#include <unistd.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "source/base/logging.h"
#include "source/telemetry/secret_stats.h"
#include "source/tls/server_context.h"

namespace nuncio::listener {

WorkerListener::Chain::Chain(WorkerListener& listener, std::shared_ptr<const FilterChainConfig> config,
                             std::shared_ptr<tls::ServerContextCell> tls, extensions::TerminalFilterInputs inputs)
    : listener(listener),
      config(std::move(config)),
      routes(inputs.routes),
      tls(std::move(tls)),
      terminal(extensions::MakeTerminalFilter(this->config->terminal, std::move(inputs), listener.services_,
                                              listener.home_)) {
  for (const auto& each : this->config->network_filters) {
    network_filters.push_back(extensions::MakeNetworkFilter(each, listener.services_));
  }
}

void WorkerListener::Chain::OnDrainEnd() {
  terminal->CloseAll();
  if (!listener.removed_) return;
  // Those that a chain was still to take.
  listener.ClosePending();
  listener.over_ = true;
}

WorkerListener::WorkerListener(proxy::WorkerServices& services, ConnectionLimit& limit, ObjectHome& home,
                               WorkerPeers& peers, uint32_t worker, const std::string& stat_prefix)
    : services_(services),
      limit_(limit),
      home_(home),
      peers_(peers),
      worker_(worker),
      scope_(services.stats.GetScope(telemetry::ListenerScopeName(stat_prefix))),
      worker_scope_(services.stats.GetScope(telemetry::ListenerWorkerScopeName(stat_prefix, worker))),
      stats_(scope_->Get<telemetry::ListenerStats>(services.slot)),
      worker_stats_(worker_scope_->Get<telemetry::ListenerWorkerStats>(services.slot)),
      forget_task_(Delegate<void()>::Bind<&WorkerListener::Forget>(this)) {}

WorkerListener::~WorkerListener() { CloseAll(); }

void WorkerListener::Apply(ListenerUpdate update, const DrainPlan& plan) {
  TakeChains(update, plan);
  config_ = std::move(update.config);
  name_ = config_->name;
  filters_ = std::make_shared<ListenerFilters>(config_, services_, stats_);
  SetHealthFailing(health_failing_);
  connection_logs_ = std::move(update.connection_logs);
  balance_ = std::move(update.balance);
  TakeSockets(update);
  forget_task_.Cancel();
  services_.loop.AtEndOfTurn(forget_task_);
}

void WorkerListener::TakeChains(ListenerUpdate& update, const DrainPlan& plan) {
  // Chains that stay keep their filters and connections; the others begin to drain.
  std::unordered_multimap<uint64_t, std::unique_ptr<Chain>> old;
  for (auto& chain : chains_) {
    const uint64_t hash = chain->config->hash;
    old.emplace(hash, std::move(chain));
  }
  chains_.clear();
  const auto take = [&](const std::shared_ptr<const FilterChainConfig>& config, size_t index) {
    std::shared_ptr<proxy::RouteCell> routes = std::move(update.routes[index]);
    std::shared_ptr<tls::ServerContextCell> tls = std::move(update.tls[index]);
    // The same sources give the same cells; an inline table is part of the hash.
    const auto same = old.find(config->hash);
    if (same != old.end() && same->second->routes == routes && same->second->tls == tls) {
      chains_.push_back(std::move(same->second));
      old.erase(same);
      return;
    }
    chains_.push_back(std::make_unique<Chain>(
        *this, config, std::move(tls),
        extensions::TerminalFilterInputs{std::move(update.access_logs[index]), std::move(routes)}));
  };
  const ListenerConfig& config = *update.config;
  for (size_t i = 0; i < config.chains.size(); ++i) take(config.chains[i], i);
  if (config.default_chain != nullptr) take(config.default_chain, config.chains.size());
  for (auto& [hash, chain] : old) {
    Drain(*chain, plan);
    draining_.push_back(std::move(chain));
  }
}

void WorkerListener::TakeSockets(ListenerUpdate& update) {
  std::vector<std::unique_ptr<net::Acceptor>> acceptors = std::move(acceptors_);
  acceptors_.clear();
  for (auto& socket : update.sockets) {
    auto same = std::find_if(acceptors.begin(), acceptors.end(), [&](const auto& acceptor) {
      return acceptor != nullptr && &acceptor->socket() == socket.get();
    });
    if (same != acceptors.end()) {
      acceptors_.push_back(std::move(*same));
      continue;
    }
    acceptors_.push_back(
        std::make_unique<net::Acceptor>(services_.loop, std::move(socket), *this, config_->max_accepts_per_event));
    acceptors_.back()->Start();
  }
  // Connections that the kernel accepted already for a socket that goes would be reset with it.
  for (auto& acceptor : acceptors) {
    if (acceptor != nullptr) acceptor->DrainQueue();
  }
}

void WorkerListener::StopListening() {
  for (auto& acceptor : acceptors_) acceptor->DrainQueue();
  acceptors_.clear();
}

void WorkerListener::Remove(const DrainPlan& plan) {
  StopListening();
  removed_ = true;
  DrainConnections(plan);
}

void WorkerListener::DrainConnections(const DrainPlan& plan) {
  for (auto& chain : chains_) Drain(*chain, plan);
}

void WorkerListener::Drain(Chain& chain, const DrainPlan& plan) {
  chain.terminal->StartDraining(plan.gradual ? plan.time : Duration::zero());
  if (!plan.close_at_end) return;
  // Other workers hand connections over until they hear of the removal.
  if (!removed_ && chain.idle() && pending_.empty()) return;
  chain.drain_end = std::make_unique<event::Timer>(services_.loop, Delegate<void()>::Bind<&Chain::OnDrainEnd>(&chain));
  chain.drain_end->Arm(plan.time);
}

void WorkerListener::SetHealthFailing(bool failing) {
  health_failing_ = failing;
  for (auto& chain : chains_) chain->terminal->SetHealthFailing(failing && !config_->ignores_health_fail);
}

void WorkerListener::CloseAll() {
  acceptors_.clear();
  ClosePending();
  for (auto& chain : chains_) chain->terminal->CloseAll();
  for (auto& chain : draining_) chain->terminal->CloseAll();
}

void WorkerListener::ClosePending() {
  while (PendingConnection* pending = pending_.front()) OnDropped(*pending);
}

bool WorkerListener::finished() const { return acceptors_.empty() && connections() == 0; }

uint64_t WorkerListener::connections() const {
  uint64_t sum = pending_count_;
  for (const auto& chain : chains_) sum += chain->terminal->connections();
  for (const auto& chain : draining_) sum += chain->terminal->connections();
  return sum;
}

void WorkerListener::OnAccept(int fd, const net::Address& peer, const net::ListenSocket& socket) {
  if (config_->ignore_global_limit) {
    limit_.ForceTake();
  } else if (!limit_.Take()) {
    stats_.downstream_cx_overload_reject.Inc();
    stats_.downstream_global_cx_overflow.Inc();
    close(fd);
    return;
  }
  filter::AcceptedConnection connection;
  connection.fd = fd;
  connection.peer = peer;
  connection.direct_peer = peer;
  // Bound to one address, every connection has it; else the kernel knows which.
  if (!socket.local().is_any()) connection.local = socket.local();
  const auto aim = config_->exact_balance ? ConnectionBalance::Aim::kExact : ConnectionBalance::Aim::kEvenEnough;
  const size_t chosen = balance_->Choose(worker_, services_.loop.now(), aim);
  if (chosen != worker_) {
    peers_.HandOver(chosen, name_, std::move(connection), balance_);
    return;
  }
  Adopt(std::move(connection));
}

void WorkerListener::Adopt(filter::AcceptedConnection connection) {
  if (filters_->empty()) {
    Serve(std::move(connection));
  } else {
    Filter(std::move(connection));
  }
}

void WorkerListener::Filter(filter::AcceptedConnection connection) {
  if (connection.local.length() == 0) connection.local = net::LocalAddress(connection.fd);
  // In general the first bytes came with, or right after, the connection itself.
  size_t at = 0;
  switch (filters_->Run(connection, &at, /*peer_ended=*/false)) {
    case ListenerFilters::Progress::kDone:
      return Serve(std::move(connection));
    case ListenerFilters::Progress::kClose:
      return Drop(connection);
    case ListenerFilters::Progress::kWaiting:
      break;
  }
  auto* pending = new PendingConnection(services_.loop, filters_, at, std::move(connection), stats_, *this);
  pending_.PushBack(*pending);
  ++pending_count_;
  if (!pending->Start()) OnDropped(*pending);
}

void WorkerListener::DiscardPending(PendingConnection& pending) {
  pending.ListNode<PendingConnection>::Unlink();
  --pending_count_;
  services_.loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(&pending));
}

void WorkerListener::OnFiltered(PendingConnection& pending) {
  filter::AcceptedConnection connection = pending.Take();
  DiscardPending(pending);
  Serve(std::move(connection));
}

void WorkerListener::OnDropped(PendingConnection& pending) {
  const filter::AcceptedConnection connection = pending.Take();
  DiscardPending(pending);
  Drop(connection);
}

void WorkerListener::Drop(const filter::AcceptedConnection& connection) {
  Uncount();
  close(connection.fd);
}

void WorkerListener::Uncount() {
  limit_.Return();
  balance_->OnClosed(worker_);
}

WorkerListener::Chain* WorkerListener::FindChain(const filter::AcceptedConnection& connection) {
  if (const auto index = config_->chain_table.Find(connection); index.has_value()) return chains_[*index].get();
  return config_->default_chain != nullptr ? chains_.back().get() : nullptr;
}

std::optional<std::unique_ptr<net::TransportSocket>> WorkerListener::MakeTransport(
    const Chain& chain, const filter::AcceptedConnection& connection) {
  if (chain.tls == nullptr) return nullptr;
  if (ssl_stats_ == nullptr) {
    ssl_scope_ = services_.stats.GetScope(telemetry::ScopeName(scope_->name()).Add("server_ssl_socket_factory"));
    ssl_stats_ = std::make_unique<telemetry::SslStats>(scope_, services_.slot);
  }
  if (chain.tls->context == nullptr) {
    ssl_scope_->Get<telemetry::SslSocketFactoryStats>(services_.slot).downstream_context_secrets_not_ready.Inc();
    return std::nullopt;
  }
  tls::ServerContext::SocketOptions options;
  options.stats = ssl_stats_.get();
  options.remote = connection.peer;
  options.ja3 = connection.facts.ja3;
  options.ja4 = connection.facts.ja4;
  return chain.tls->context->NewSocket(std::move(options));
}

void WorkerListener::Serve(filter::AcceptedConnection connection) {
  if (connection.local.length() == 0 && config_->chain_table.asks_local_address()) {
    connection.local = net::LocalAddress(connection.fd);
  }
  Chain* chain = FindChain(connection);
  if (chain == nullptr) {
    stats_.no_filter_chain_match.Inc();
    return Drop(connection);
  }
  connection.buffer_limit = config_->buffer_limit;
  connection.handshake_timeout = chain->config->transport_socket_connect_timeout;
  connection.handshake_timeouts = &stats_.downstream_cx_transport_socket_connect_timeout;
  connection.listener_name = name_;
  connection.filter_chain_name = chain->config->name;
  connection.listener_metadata = chain->config->listener_metadata.get();
  connection.filter_chain_metadata = chain->config->metadata.get();
  for (const auto& filter : chain->network_filters) {
    if (filter->OnNewConnection(connection) == filter::NetworkFilterVerdict::kClose) return Drop(connection);
  }
  auto transport = MakeTransport(*chain, connection);
  if (!transport.has_value()) return Drop(connection);
  stats_.downstream_cx_total.Inc();
  stats_.downstream_cx_active.Inc();
  worker_stats_.downstream_cx_total.Inc();
  worker_stats_.downstream_cx_active.Inc();
  chain->terminal->Serve(std::move(connection), *std::move(transport), *chain);
}

void WorkerListener::OnConnectionClosed(const access_log::StreamInfo& connection) {
  Uncount();
  stats_.downstream_cx_active.Dec();
  stats_.downstream_cx_destroy.Inc();
  stats_.downstream_cx_length_ms.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(connection.end).count()));
  worker_stats_.downstream_cx_active.Dec();
  for (const auto& log : connection_logs_) services_.log.Write(*log, connection);
  if (!draining_.empty()) services_.loop.AtEndOfTurn(forget_task_);
}

void WorkerListener::OnAcceptPaused(int error) {
  stats_.accept_paused_no_descriptors.Inc();
  // A shortage pauses ten times a second; the counter tells how often, the log that it happens.
  const MonotonicTime now = services_.loop.now();
  if (now < next_pause_log_) return;
  next_pause_log_ = now + kPauseLogInterval;
  NUNCIO_LOG(kConnection, kWarning,
             ErrnoStatus(error, StrCat("listener ", config_->name, ": accepting pauses")).message());
}

void WorkerListener::Forget() {
  // Its connections are on their way to be deleted, and use what is theirs in common until then: it goes after them.
  for (auto& chain : draining_) {
    if (chain->idle()) services_.loop.DeferDelete(std::move(chain));
  }
  std::erase(draining_, nullptr);
}

}  // namespace nuncio::listener
