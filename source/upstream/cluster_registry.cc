#include "source/upstream/cluster_registry.h"

#include <algorithm>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::upstream {

ClusterRegistry::ClusterRegistry(Options options)
    : resolver_factory_(std::move(options.resolvers)),
      default_dns_(std::move(options.dns)),
      contexts_(options.contexts),
      services_{options.loop, options.random, options.stats, nullptr, options.slots, std::move(options.bind)},
      scope_(options.stats.GetScope(telemetry::ScopeName().Add("cluster_manager"))),
      stats_(scope_->Get<telemetry::ClusterManagerStats>(telemetry::kMainSlot)) {}

ClusterRegistry::~ClusterRegistry() = default;

void ClusterRegistry::AddThread(event::EventLoop& loop, WorkerClusters& clusters) {
  NUNCIO_CHECK_THREAD(thread_);
  threads_.push_back({&loop, &clusters});
  for (const auto& [name, entry] : entries_) {
    if (entry.active == nullptr) continue;
    if (&loop == &services_.loop) {
      clusters.Put(entry.active->published());
      continue;
    }
    loop.Post([&clusters, cluster = entry.active->published()] { clusters.Put(cluster); });
  }
}

template <typename Change>
void ClusterRegistry::OnEachThread(const Change& change) {
  for (const Thread& thread : threads_) {
    if (thread.loop == &services_.loop) {
      change(*thread.clusters);
      continue;
    }
    thread.loop->Post([clusters = thread.clusters, change] { change(*clusters); });
  }
}

std::shared_ptr<net::DnsResolver> ClusterRegistry::ResolverFor(const ClusterConfig& config) {
  if (config.discovery != DiscoveryType::kStrictDns && config.discovery != DiscoveryType::kLogicalDns) return nullptr;
  const net::DnsOptions& options = config.dns->resolver.has_value() ? *config.dns->resolver : default_dns_;
  std::erase_if(resolvers_, [](const auto& known) { return known.second.expired(); });
  for (const auto& [known, resolver] : resolvers_) {
    if (known == options) return resolver.lock();
  }
  std::shared_ptr<net::DnsResolver> resolver = resolver_factory_(options);
  resolvers_.emplace_back(options, resolver);
  return resolver;
}

config::Faults ClusterRegistry::AddStatic(std::shared_ptr<const ClusterConfig> config,
                                          std::shared_ptr<const std::string> bytes) {
  NUNCIO_CHECK_THREAD(thread_);
  if (entries_.contains(config->name)) {
    config::Faults faults;
    faults.Add("name", StrCat("a second cluster named ", config::Quote(config->name)));
    return faults;
  }
  return Begin({std::move(config), std::move(bytes), "", /*dynamic=*/false, services_.loop.clock().System()});
}

std::vector<std::shared_ptr<tls::LiveClientContext>> ClusterRegistry::ContextsOf(const ClusterConfig& config,
                                                                                 config::Faults& faults) {
  std::vector<std::shared_ptr<tls::LiveClientContext>> out;
  for (size_t i = 0; i < config.sockets.size(); ++i) {
    const auto& tls = config.sockets[i].tls;
    if (tls == nullptr) continue;
    out.resize(config.sockets.size());
    const config::Faults::Scope scope(
        faults, StrCat(i == 0 ? std::string() : StrCat("transport_socket_matches[", i - 1, "]."),
                       "transport_socket.typed_config"));
    if (contexts_ == nullptr) {
      faults.Add("TLS is not served here");
    } else {
      out[i] = contexts_->AcquireClient(tls, config.name, config.stat_name(), faults);
    }
  }
  return out;
}

config::Faults ClusterRegistry::ApplyUpdate(const config::DecodedResource& resource) {
  NUNCIO_CHECK_THREAD(thread_);
  config::Faults faults;
  const auto it = entries_.find(resource.name);
  if (it != entries_.end()) {
    NUNCIO_ASSERT(!IsStatic(resource.name));
    Entry& entry = it->second;
    const auto same = [&](const std::unique_ptr<Cluster>& cluster) {
      return cluster != nullptr && *cluster->resource().bytes == *resource.bytes;
    };
    if (same(entry.warming)) {
      entry.warming->set_version(resource.version);
      return faults;
    }
    if (same(entry.active)) {
      entry.active->set_version(resource.version);
      // Back to what serves already: the version in between is not wanted any longer.
      if (entry.warming != nullptr) {
        Drop(SetWarming(entry, nullptr));
        entry.active->SetActive();
        Warmed(entry);
      }
      return faults;
    }
  }
  return Begin({resource.As<ClusterConfig>(), resource.bytes, resource.version, /*dynamic=*/true,
                services_.loop.clock().System()});
}

config::Faults ClusterRegistry::Begin(ClusterResource resource) {
  config::Faults faults;
  auto contexts = ContextsOf(*resource.config, faults);
  if (!faults.empty()) return faults;
  Entry& entry = entries_[resource.config->name];
  (entry.active == nullptr && entry.warming == nullptr ? stats_.cluster_added : stats_.cluster_modified).Inc();
  Owner& owner = *this;
  std::shared_ptr<net::DnsResolver> resolver = ResolverFor(*resource.config);
  Drop(SetWarming(entry, std::make_unique<Cluster>(std::move(resource), services_, std::move(resolver),
                                              std::move(contexts), owner)));
  entry.warming->Start();
  return faults;
}

std::unique_ptr<Cluster> ClusterRegistry::SetWarming(Entry& entry, std::unique_ptr<Cluster> cluster) {
  const auto waits = [](const std::unique_ptr<Cluster>& c) {
    return c != nullptr && c->config().wait_for_warm_on_init;
  };
  warming_count_ += static_cast<size_t>(cluster != nullptr) - static_cast<size_t>(entry.warming != nullptr);
  start_waits_for_ += static_cast<size_t>(waits(cluster)) - static_cast<size_t>(waits(entry.warming));
  stats_.warming_clusters.Set(static_cast<int64_t>(warming_count_));
  return std::exchange(entry.warming, std::move(cluster));
}

std::unique_ptr<Cluster> ClusterRegistry::SetActive(Entry& entry, std::unique_ptr<Cluster> cluster) {
  active_count_ += static_cast<size_t>(cluster != nullptr) - static_cast<size_t>(entry.active != nullptr);
  stats_.active_clusters.Set(static_cast<int64_t>(active_count_));
  return std::exchange(entry.active, std::move(cluster));
}

bool ClusterRegistry::IsStatic(std::string_view name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) return false;
  const Cluster* cluster = it->second.active != nullptr ? it->second.active.get() : it->second.warming.get();
  return cluster != nullptr && !cluster->resource().dynamic;
}

bool ClusterRegistry::Remove(std::string_view name) {
  NUNCIO_CHECK_THREAD(thread_);
  const auto it = entries_.find(name);
  if (it == entries_.end() || IsStatic(name)) return false;
  stats_.cluster_removed.Inc();
  const bool was_active = it->second.active != nullptr;
  Drop(SetActive(it->second, nullptr));
  Drop(SetWarming(it->second, nullptr));
  std::vector<std::function<void()>> callbacks = std::move(it->second.when_warmed);
  if (was_active) {
    OnEachThread([removed = it->first](WorkerClusters& clusters) { clusters.Remove(removed); });
  }
  entries_.erase(it);
  RunAll(std::move(callbacks));
  CheckStart();
  return true;
}

// Not at once: the cluster may be on the stack.
void ClusterRegistry::Drop(std::unique_ptr<Cluster> cluster) {
  if (cluster == nullptr) return;
  cluster->Detach();
  services_.loop.DeferDelete(std::move(cluster));
}

void ClusterRegistry::OnMembersChanged(Cluster& cluster, const HostSetBuilder::Result& result) {
  const auto it = entries_.find(cluster.name());
  if (it->second.active.get() != &cluster) return;
  stats_.cluster_updated.Inc();
  OnEachThread([name = cluster.name(), hosts = result.hosts, removed = result.removed](WorkerClusters& clusters) {
    clusters.SetHosts(name, hosts, *removed);
  });
}

void ClusterRegistry::OnWarm(Cluster& cluster) { Activate(entries_.find(cluster.name())->second); }

void ClusterRegistry::Activate(Entry& entry) {
  Drop(SetActive(entry, SetWarming(entry, nullptr)));
  entry.active->SetActive();
  NUNCIO_LOG(kUpstream, kDebug, "cluster ", entry.active->name(), ": active with ",
             entry.active->hosts()->membership().total, " hosts");
  OnEachThread([cluster = entry.active->published()](WorkerClusters& clusters) { clusters.Put(cluster); });
  Warmed(entry);
}

void ClusterRegistry::Warmed(Entry& entry) {
  RunAll(std::exchange(entry.when_warmed, {}));
  CheckStart();
}

void ClusterRegistry::RunAll(std::vector<std::function<void()>> callbacks) {
  for (const auto& callback : callbacks) callback();
}

void ClusterRegistry::CheckStart() {
  if (start_waits_for_ == 0) RunAll(std::exchange(when_start_may_go_on_, {}));
}

void ClusterRegistry::WhenWarmed(std::string_view name, std::function<void()> callback) {
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.warming == nullptr) return callback();
  it->second.when_warmed.push_back(std::move(callback));
}

void ClusterRegistry::WhenStartMayGoOn(std::function<void()> callback) {
  when_start_may_go_on_.push_back(std::move(callback));
  CheckStart();
}

const Cluster* ClusterRegistry::FindActive(std::string_view name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : it->second.active.get();
}

const Cluster* ClusterRegistry::FindWarming(std::string_view name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : it->second.warming.get();
}

std::string ClusterRegistry::NextName(std::string_view name) const {
  const auto it = entries_.upper_bound(name);
  return it == entries_.end() ? std::string() : it->first;
}

}  // namespace nuncio::upstream
