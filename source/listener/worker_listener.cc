#include "source/listener/worker_listener.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/base/logging.h"

namespace nuncio::listener {

WorkerListener::Chain::Chain(WorkerListener& listener, std::shared_ptr<const FilterChainConfig> config,
                             std::shared_ptr<proxy::RouteCell> routes, proxy::AccessLogs access_logs,
                             proxy::WorkerServices& services, ObjectHome& home)
    : listener(listener),
      config(std::move(config)),
      routes(std::move(routes)),
      manager(services, this->config->http, std::move(access_logs), *this->routes) {
  if (this->config->http->route_table != nullptr) {
    this->routes->table = LocalRef<route::RouteTable>(this->config->http->route_table, home);
  }
}

WorkerListener::WorkerListener(proxy::WorkerServices& services, ConnectionLimit& limit, ObjectHome& home,
                               uint32_t worker, const std::string& stat_prefix)
    : services_(services),
      limit_(limit),
      home_(home),
      scope_(services.stats.GetScope(telemetry::ListenerScopeName(stat_prefix))),
      worker_scope_(services.stats.GetScope(telemetry::ListenerWorkerScopeName(stat_prefix, worker))),
      stats_(scope_->Get<telemetry::ListenerStats>(services.slot)),
      worker_stats_(worker_scope_->Get<telemetry::ListenerWorkerStats>(services.slot)),
      forget_task_(Delegate<void()>::Bind<&WorkerListener::Forget>(this)) {}

WorkerListener::~WorkerListener() { CloseAll(); }

void WorkerListener::Apply(ListenerUpdate update, const DrainPlan& plan) {
  // Chains that stay keep their managers and connections; the others begin to drain.
  std::vector<std::unique_ptr<Chain>> old = std::move(chains_);
  chains_.clear();
  auto take = [&](const std::shared_ptr<const FilterChainConfig>& config, size_t index) {
    std::shared_ptr<proxy::RouteCell> routes = std::move(update.routes[index]);
    for (auto& chain : old) {
      if (chain == nullptr || chain->config->hash != config->hash) continue;
      // The same route source gives the same cell; an inline table is part of the hash.
      if (routes != nullptr && chain->routes != routes) continue;
      chains_.push_back(std::move(chain));
      return;
    }
    if (routes == nullptr) routes = std::make_shared<proxy::RouteCell>();
    chains_.push_back(std::make_unique<Chain>(*this, config, std::move(routes), std::move(update.access_logs[index]),
                                              services_, home_));
  };
  const ListenerConfig& config = *update.config;
  for (size_t i = 0; i < config.chains.size(); ++i) take(config.chains[i], i);
  if (config.default_chain != nullptr) take(config.default_chain, config.chains.size());
  config_ = std::move(update.config);
  SetHealthFailing(health_failing_);
  connection_logs_ = std::move(update.connection_logs);
  for (auto& chain : old) {
    if (chain != nullptr) {
      Drain(*chain, plan);
      draining_.push_back(std::move(chain));
    }
  }

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
  forget_task_.Cancel();
  services_.loop.AtEndOfTurn(forget_task_);
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
  if (removed_) {
    for (auto& chain : chains_) draining_.push_back(std::move(chain));
    chains_.clear();
    services_.loop.AtEndOfTurn(forget_task_);
  }
}

void WorkerListener::Drain(Chain& chain, const DrainPlan& plan) {
  chain.manager.StartDraining(plan.gradual ? plan.time : Duration::zero());
  if (chain.manager.idle() || !plan.close_at_end) return;
  chain.drain_end = std::make_unique<event::Timer>(services_.loop, Delegate<void()>::Bind<&Chain::OnDrainEnd>(&chain));
  chain.drain_end->Arm(plan.time);
}

void WorkerListener::SetHealthFailing(bool failing) {
  health_failing_ = failing;
  for (auto& chain : chains_) chain->manager.SetHealthFailing(failing && !config_->ignores_health_fail);
}

void WorkerListener::CloseAll() {
  acceptors_.clear();
  for (auto& chain : chains_) chain->manager.CloseAll();
  for (auto& chain : draining_) chain->manager.CloseAll();
}

bool WorkerListener::finished() const { return acceptors_.empty() && connections() == 0; }

uint64_t WorkerListener::connections() const {
  uint64_t sum = 0;
  for (const auto& chain : chains_) sum += chain->manager.connections();
  for (const auto& chain : draining_) sum += chain->manager.connections();
  return sum;
}

WorkerListener::Chain* WorkerListener::FindChain(const net::Address& local, const net::Address& peer) {
  // By far the most listeners have one chain that takes all.
  if (chains_.size() == 1 && chains_[0]->config->match.matches_all()) return chains_[0].get();
  const FilterChainConfig* config = config_->FindChain(local, peer);
  if (config == nullptr) return nullptr;
  for (auto& chain : chains_) {
    if (chain->config->hash == config->hash) return chain.get();
  }
  return nullptr;
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
  // Bound to one address, every connection has it; else the kernel knows which.
  net::Address local = socket.local().is_any() ? net::Address() : socket.local();
  const bool one_chain = chains_.size() == 1 && chains_[0]->config->match.matches_all();
  if (!one_chain && local.length() == 0) local = net::LocalAddress(fd);
  Chain* chain = FindChain(local, peer);
  if (chain == nullptr) {
    stats_.no_filter_chain_match.Inc();
    limit_.Return();
    close(fd);
    return;
  }
  stats_.downstream_cx_total.Inc();
  stats_.downstream_cx_active.Inc();
  worker_stats_.downstream_cx_total.Inc();
  worker_stats_.downstream_cx_active.Inc();
  chain->manager.Serve(fd, peer, local, config_->buffer_limit, *chain, config_->name, chain->config->name);
}

void WorkerListener::OnConnectionClosed(const access_log::StreamInfo& connection) {
  limit_.Return();
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
  std::erase_if(draining_, [](const auto& chain) { return chain->manager.idle(); });
}

}  // namespace nuncio::listener
