#include "source/listener/listener_registry.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::listener {

ListenerRegistry::ListenerRegistry(WorkerPool& workers, RouteRegistry& routes, tls::ContextRegistry& contexts,
                                   access_log::LogWriter& logs, telemetry::StatsStore& stats, DrainPlan drain_plan)
    : workers_(workers),
      routes_(routes),
      contexts_(contexts),
      logs_(logs),
      store_(stats),
      drain_plan_(drain_plan),
      scope_(stats.GetScope(telemetry::ScopeName().Add("listener_manager"))),
      lds_scope_(stats.GetScope(telemetry::ScopeName().Add("listener_manager").Add("lds"))),
      stats_(scope_->Get<telemetry::ListenerManagerStats>(telemetry::kMainSlot)) {
  store_.Add(*this);
}

ListenerRegistry::~ListenerRegistry() { store_.Remove(*this); }

void ListenerRegistry::CatchUp() {
  std::erase_if(draining_, [](const auto& each) { return each.expired(); });
  stats_.total_listeners_draining.Set(static_cast<int64_t>(draining_.size()));
}

void ListenerRegistry::AddStatic(std::shared_ptr<const ListenerConfig> config,
                                 std::shared_ptr<const std::string> bytes, config::Faults& faults) {
  if (listeners_.contains(config->name)) {
    faults.Add("name", StrCat("a second listener named ", config::Quote(config->name)));
    return;
  }
  Apply(/*is_static=*/true, std::move(config), std::move(bytes), "", faults);
}

void ListenerRegistry::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) {
  // Removals first: an added listener may take over the address of a removed one.
  for (const std::string& name : update.removed) {
    const auto found = listeners_.find(name);
    if (found != listeners_.end() && !found->second.is_static) Remove(name);
  }
  for (const config::DecodedResource& resource : update.added_or_changed) {
    const auto found = listeners_.find(resource.name);
    // No refusal: the control plane may not know of it, and some answer a refusal with the same again.
    if (found != listeners_.end() && found->second.is_static) {
      NUNCIO_LOG(kConfig, kWarning, "lds: listener ", resource.name,
                 " is passed over: one of the bootstrap has that name, and discovery cannot change it");
      continue;
    }
    config::Faults faults;
    Apply(/*is_static=*/false, resource.As<ListenerConfig>(), resource.bytes, resource.version, faults);
    if (faults.empty()) continue;
    NUNCIO_LOG(kConfig, kWarning, faults.ToString(StrCat("lds: listener ", resource.name, " refused")));
    result.Refuse(resource.name, std::move(faults));
  }
  retired_.clear();
  TellWarm();
  FirstAnswer();
}

void ListenerRegistry::OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) {
  config::RecordEvents(events, lds_scope_->Get<telemetry::SubscriptionStats>(telemetry::kMainSlot));
}

void ListenerRegistry::OnFirstFetchFailed(config::FetchFailure, std::string_view reason) {
  NUNCIO_LOG(kConfig, kWarning, "lds: ", reason, "; going on with the listeners there are");
  FirstAnswer();
}

void ListenerRegistry::FirstAnswer() {
  first_answer_ = true;
  auto waiting = std::exchange(when_first_answer_, {});
  for (auto& then : waiting) then();
}

void ListenerRegistry::WhenFirstAnswer(std::function<void()> then) {
  if (first_answer_) {
    then();
  } else {
    when_first_answer_.push_back(std::move(then));
  }
}

void ListenerRegistry::Apply(bool is_static, std::shared_ptr<const ListenerConfig> config,
                             std::shared_ptr<const std::string> bytes, const std::string& version,
                             config::Faults& faults) {
  const std::string name = config->name;
  const auto found = listeners_.find(name);
  Listener* before = found == listeners_.end() ? nullptr : &found->second;
  if (before != nullptr) {
    const auto& newest = before->warming != nullptr ? before->warming : before->active;
    if (newest != nullptr && newest->config->hash == config->hash) {
      newest->version = version;
      return;
    }
  }
  if (Stopped(*config)) {
    NUNCIO_LOG(kConfig, kInfo, "listener ", name, " is not taken: listeners were told to stop");
    return;
  }
  auto generation = std::make_shared<Generation>();
  generation->config = config;
  generation->bytes = std::move(bytes);
  generation->version = version;
  generation->updated_at = std::chrono::system_clock::now();
  if (!AcquireContexts(*config, *generation, faults) || !OpenLogs(*config, *generation, faults) ||
      !BindAddresses(*config, before, *generation, faults)) {
    stats_.listener_create_failure.Inc();
    return;
  }
  AcquireRoutes(*config, *generation);
  Listener& listener = listeners_[name];
  listener.is_static = is_static;
  SetWarming(listener, generation);
  if (before == nullptr) {
    stats_.listener_added.Inc();
  } else {
    stats_.listener_modified.Inc();
  }
  Await(name, generation);
  CheckWarm(name, generation);
}

void ListenerRegistry::AcquireRoutes(const ListenerConfig& config, Generation& generation) {
  const auto acquire = [&](const FilterChainConfig& chain) {
    const bool by_rds = chain.http != nullptr && chain.http->rds.has_value();
    generation.routes.push_back(by_rds ? routes_.Acquire(*chain.http->rds, chain.http->manager->rds_route_name,
                                                         chain.http->manager->stat_prefix)
                                       : nullptr);
  };
  for (const auto& chain : config.chains) acquire(*chain);
  if (config.default_chain != nullptr) acquire(*config.default_chain);
}

void ListenerRegistry::Await(const std::string& name, const std::shared_ptr<Generation>& generation) {
  const auto await = [&](auto& each) {
    if (each == nullptr || each->ready()) return;
    ++generation->waits_for;
    each->WhenReady(generation, [this, name, weak = std::weak_ptr<Generation>(generation)] {
      const auto alive = weak.lock();
      if (alive == nullptr) return;
      --alive->waits_for;
      CheckWarm(name, alive);
    });
  };
  for (const auto& route : generation->routes) await(route);
  for (const auto& context : generation->contexts) await(context);
}

void ListenerRegistry::SetWarming(Listener& listener, std::shared_ptr<Generation> generation) {
  Replace(listener.warming, std::move(generation), warming_count_);
  stats_.total_listeners_warming.Set(static_cast<int64_t>(warming_count_));
}

void ListenerRegistry::SetActive(Listener& listener, std::shared_ptr<Generation> generation) {
  Replace(listener.active, std::move(generation), active_count_);
  stats_.total_listeners_active.Set(static_cast<int64_t>(active_count_));
}

void ListenerRegistry::Replace(std::shared_ptr<Generation>& place, std::shared_ptr<Generation> generation,
                               size_t& count) {
  count += static_cast<size_t>(generation != nullptr) - static_cast<size_t>(place != nullptr);
  if (place != nullptr) {
    for (const ListenAddress& each : place->config->addresses) {
      const auto [first, last] = by_address_.equal_range(each.address);
      const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == place.get(); });
      if (at != last) by_address_.erase(at);
    }
  }
  place = std::move(generation);
  if (place == nullptr) return;
  for (const ListenAddress& each : place->config->addresses) {
    if (each.address.port() != 0) by_address_.emplace(each.address, place.get());
  }
}

void ListenerRegistry::CheckWarm(const std::string& name, const std::shared_ptr<Generation>& generation) {
  const auto found = listeners_.find(name);
  if (!accepting_ || found == listeners_.end() || found->second.warming != generation) return;
  if (generation->waits_for > 0 || Stopped(*generation->config)) return;
  Activate(name, generation);
}

void ListenerRegistry::StartAccepting() {
  accepting_ = true;
  stats_.workers_started.Set(1);
  std::vector<std::pair<std::string, std::shared_ptr<Generation>>> waiting;
  for (const auto& [name, listener] : listeners_) {
    if (listener.warming != nullptr) waiting.emplace_back(name, listener.warming);
  }
  for (const auto& [name, generation] : waiting) CheckWarm(name, generation);
}

void ListenerRegistry::Activate(const std::string& name, const std::shared_ptr<Generation>& generation) {
  Listener& listener = listeners_[name];
  const bool update = listener.active != nullptr;
  const bool same_sockets = update && listener.active->sockets == generation->sockets;
  SetWarming(listener, nullptr);
  SetActive(listener, generation);
  if (listener.balance == nullptr) listener.balance = std::make_shared<ConnectionBalance>(workers_.size());
  for (const auto& sockets : generation->sockets) {
    for (const auto& socket : sockets->by_worker) {
      if (const absl::Status status = socket->Listen(); !status.ok()) {
        stats_.listener_create_failure.Inc();
        NUNCIO_LOG(kConfig, kError, "listener ", name, ": ", status.message());
      }
    }
  }
  for (size_t i = 0; i < workers_.size(); ++i) {
    ListenerUpdate per_worker;
    per_worker.config = generation->config;
    for (const auto& sockets : generation->sockets) per_worker.sockets.push_back(sockets->by_worker[i]);
    for (const auto& route : generation->routes) {
      per_worker.routes.push_back(route == nullptr ? nullptr : route->cells()[i]);
    }
    for (const auto& context : generation->contexts) {
      per_worker.tls.push_back(context == nullptr ? nullptr : context->cells()[telemetry::WorkerSlot(i)]);
    }
    per_worker.access_logs = generation->access_logs;
    per_worker.connection_logs = generation->connection_logs;
    per_worker.balance = listener.balance;
    workers_.Post(i, [per_worker, plan = drain_plan_](Worker& worker) { worker.ApplyListener(per_worker, plan); });
  }
  stats_.listener_create_success.Inc();
  if (same_sockets) stats_.listener_in_place_updated.Inc();
  NUNCIO_LOG(kConfig, kInfo, "listener ", name, update ? " updated" : " added",
             generation->version.empty() ? "" : StrCat(", version ", generation->version));
  TellWarm();
}

void ListenerRegistry::TellWarm() {
  if (warming() > 0) return;
  auto waiting = std::exchange(when_warm_, {});
  for (auto& then : waiting) then();
}

void ListenerRegistry::Remove(const std::string& name) {
  const auto found = listeners_.find(name);
  if (found->second.active != nullptr) {
    workers_.PostToAll([name, plan = drain_plan_](Worker& worker) { worker.RemoveListener(name, plan); });
    draining_.push_back(found->second.balance);
    draining_sweep_.OnAdded(draining_, [](const auto& each) { return each.expired(); });
  }
  for (const auto& generation : {found->second.warming, found->second.active}) {
    for (size_t i = 0; generation != nullptr && i < generation->sockets.size(); ++i) {
      const ListenAddress& address = generation->config->addresses[i];
      // Port 0 stands for any, not for the one that this listener got.
      if (!address.address.is_ip() || address.address.port() != 0) {
        retired_.insert_or_assign(address.SocketKey(), generation->sockets[i]);
      }
    }
  }
  SetWarming(found->second, nullptr);
  SetActive(found->second, nullptr);
  listeners_.erase(found);
  stats_.listener_removed.Inc();
  NUNCIO_LOG(kConfig, kInfo, "listener ", name, " removed");
}

std::shared_ptr<ListenerRegistry::Sockets> ListenerRegistry::FindSockets(const Listener* before,
                                                                        const std::string& key) const {
  if (before == nullptr) return nullptr;
  for (const auto* generation : {&before->warming, &before->active}) {
    if (*generation == nullptr) continue;
    const auto& addresses = (*generation)->config->addresses;
    for (size_t i = 0; i < (*generation)->sockets.size(); ++i) {
      if (addresses[i].SocketKey() == key) return (*generation)->sockets[i];
    }
  }
  return nullptr;
}

std::shared_ptr<ListenerRegistry::Sockets> ListenerRegistry::TakeRetired(const ListenAddress& address) {
  const auto found = retired_.find(address.SocketKey());
  if (found == retired_.end()) return nullptr;
  auto sockets = std::move(found->second);
  retired_.erase(found);
  return sockets;
}

const ListenerConfig* ListenerRegistry::HolderOf(const net::Address& address, const std::string& but_this) const {
  const auto [first, last] = by_address_.equal_range(address);
  const auto other = std::find_if(first, last, [&](const auto& at) { return at.second->config->name != but_this; });
  return other == last ? nullptr : other->second->config.get();
}

bool ListenerRegistry::BindAddresses(const ListenerConfig& config, const Listener* before, Generation& generation,
                                     config::Faults& faults) {
  if (!config.bind_to_port) return true;
  const size_t faults_before = faults.count();
  for (size_t i = 0; i < config.addresses.size(); ++i) {
    const ListenAddress& address = config.addresses[i];
    const std::string field = i == 0 ? "address" : StrCat("additional_addresses[", i - 1, "].address");
    if (auto kept = FindSockets(before, address.SocketKey()); kept != nullptr) {
      generation.sockets.push_back(std::move(kept));
      continue;
    }
    // SO_REUSEPORT lets two listeners of ours bind one address; connections would then go to either.
    if (const ListenerConfig* holder = HolderOf(address.address, config.name); holder != nullptr) {
      faults.Add(field, StrCat(address.address.ToString(), " is listener ", config::Quote(holder->name), "'s already"));
      return false;
    }
    if (auto retired = TakeRetired(address); retired != nullptr) {
      generation.sockets.push_back(std::move(retired));
      continue;
    }
    auto bound = Bind(address);
    if (!bound.ok()) {
      faults.Add(field, ToStd(bound.status().message()));
      continue;
    }
    generation.sockets.push_back(*std::move(bound));
  }
  return faults.count() == faults_before;
}

bool ListenerRegistry::AcquireContexts(const ListenerConfig& config, Generation& generation,
                                       config::Faults& faults) {
  const size_t faults_before = faults.count();
  const auto acquire = [&](const FilterChainConfig& chain) {
    config::Faults::Scope scope(faults, "transport_socket.typed_config");
    generation.contexts.push_back(
        chain.tls == nullptr ? nullptr : contexts_.AcquireServer(chain.tls, config.name, config.stat_prefix, faults));
  };
  for (size_t i = 0; i < config.chains.size(); ++i) {
    config::Faults::Scope scope(faults, "filter_chains", i);
    acquire(*config.chains[i]);
  }
  if (config.default_chain != nullptr) {
    config::Faults::Scope scope(faults, "default_filter_chain");
    acquire(*config.default_chain);
  }
  return faults.count() == faults_before;
}

bool ListenerRegistry::OpenLogs(const ListenerConfig& config, Generation& generation, config::Faults& faults) {
  const size_t faults_before = faults.count();
  auto open = [&](const std::vector<std::shared_ptr<const access_log::AccessLogConfig>>& configs,
                  proxy::AccessLogs& logs) {
    for (const auto& each : configs) {
      auto log = access_log::AccessLog::Create(each, logs_);
      if (log.ok()) {
        logs.push_back(*std::move(log));
      } else {
        faults.Add("access_log", ToStd(log.status().message()));
      }
    }
  };
  open(config.access_logs, generation.connection_logs);
  for (size_t i = 0; i < config.chains.size(); ++i) {
    config::Faults::Scope scope(faults, "filter_chains", i);
    open(config.chains[i]->terminal->access_logs, generation.access_logs.emplace_back());
  }
  if (config.default_chain != nullptr) {
    config::Faults::Scope scope(faults, "default_filter_chain");
    open(config.default_chain->terminal->access_logs, generation.access_logs.emplace_back());
  }
  return faults.count() == faults_before;
}

absl::StatusOr<std::shared_ptr<ListenerRegistry::Sockets>> ListenerRegistry::Bind(const ListenAddress& address) {
  net::ListenSocket::Options options;
  const bool each_its_own = address.reuse_port && address.address.is_ip();
  options.reuse_port = each_its_own;
  options.ipv4_compat = address.ipv4_compat;
  options.transparent = address.transparent;
  options.freebind = address.freebind;
  options.backlog = address.backlog;
  options.unix_mode = address.unix_mode;
  options.fast_open_queue = address.fast_open_queue;
  options.keepalive = address.keepalive.has_value() ? &*address.keepalive : nullptr;
  options.socket_options = &address.socket_options;
  // While it warms its clients are to go to whoever serves the address, or elsewhere.
  options.listen = false;
  auto sockets = std::make_shared<Sockets>();
  net::Address where = address.address;
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (i > 0 && !each_its_own) {
      sockets->by_worker.push_back(sockets->by_worker[0]);
      continue;
    }
    auto socket = net::ListenSocket::Create(where, options);
    if (!socket.ok()) return socket.status();
    // Port 0: the kernel chose one for the first; the others take the same.
    where = (*socket)->local();
    sockets->by_worker.push_back(*std::move(socket));
  }
  return sockets;
}

std::vector<ListenerRegistry::Entry> ListenerRegistry::Entries() const {
  std::vector<Entry> out;
  for (const auto& [name, listener] : listeners_) {
    Entry entry;
    entry.name = name;
    entry.is_static = listener.is_static;
    if (listener.active != nullptr) entry.active = listener.active->config;
    if (listener.warming != nullptr) entry.warming = listener.warming->config;
    const auto& shown = listener.active != nullptr ? listener.active : listener.warming;
    entry.version = shown->version;
    entry.updated_at = shown->updated_at;
    entry.bytes = shown->bytes;
    if (listener.active != nullptr && listener.warming != nullptr) {
      entry.warming_version = listener.warming->version;
      entry.warming_updated_at = listener.warming->updated_at;
      entry.warming_bytes = listener.warming->bytes;
    }
    for (const auto& sockets : shown->sockets) entry.addresses.push_back(sockets->by_worker[0]->local());
    out.push_back(std::move(entry));
  }
  return out;
}

void ListenerRegistry::WhenWarm(std::function<void()> then) {
  if (warming() == 0) {
    then();
  } else {
    when_warm_.push_back(std::move(then));
  }
}

void ListenerRegistry::StopListening(bool inbound_only) {
  (inbound_only ? inbound_stopped_ : stopped_) = true;
  stats_.listener_stopped.Inc();
  workers_.PostToAll([inbound_only](Worker& worker) { worker.StopListening(inbound_only); });
  // The workers share the sockets with the registry; a socket closes with its last holder.
  for (auto& [name, listener] : listeners_) {
    for (const auto& generation : {listener.active, listener.warming}) {
      if (generation != nullptr && Stopped(*generation->config)) generation->sockets.clear();
    }
  }
}

bool ListenerRegistry::Stopped(const ListenerConfig& config) const {
  return stopped_ || (inbound_stopped_ && config.direction == ListenerConfig::Direction::kInbound);
}

}  // namespace nuncio::listener
