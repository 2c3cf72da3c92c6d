#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/thread_check.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"
#include "source/telemetry/xds_stats.h"
#include "source/tls/secret/context_registry.h"
#include "source/upstream/cluster.h"
#include "source/upstream/worker_clusters.h"

namespace nuncio::upstream {

// All clusters, main side. An added or changed cluster warms, that is, finds its first members, while the version
// before it serves; then it is published to all threads. A change of members alone publishes the host set alone. Main.
class ClusterRegistry final : private Cluster::Owner {
 public:
  struct Options {
    event::EventLoop& loop;
    Random& random;
    telemetry::StatsStore& stats;
    net::DnsResolverFactory resolvers;
    // For clusters without `typed_dns_resolver_config`.
    net::DnsOptions dns;
    // For clusters without `upstream_bind_config`; null: the kernel chooses.
    std::shared_ptr<const BindOptions> bind;
    // Threads that will have clusters, main included.
    uint32_t slots;
    // Null: clusters with TLS are refused.
    tls::ContextRegistry* contexts = nullptr;
  };
  explicit ClusterRegistry(Options options);
  ClusterRegistry(const ClusterRegistry&) = delete;
  ClusterRegistry& operator=(const ClusterRegistry&) = delete;
  ~ClusterRegistry();

  // A thread that is to have all clusters, those there are already as well. On main's loop changes take effect at once,
  // on others by closures in their order. Both must take closures as long as the registry lives.
  void AddThread(event::EventLoop& loop, WorkerClusters& clusters);
  // To be called before the first cluster of type EDS. Outlives the registry. `run`: what makes host sets.
  void SetSubscriptions(config::SubscriptionFactory& subscriptions, JobRunner run) {
    services_.subscriptions = &subscriptions;
    services_.run = std::move(run);
  }

  // A cluster of the bootstrap. A fault, and no effect: there is one of that name, or its TLS contexts cannot be had.
  config::Faults AddStatic(std::shared_ptr<const ClusterConfig> config, std::shared_ptr<const std::string> bytes);
  // A cluster from discovery, compiled by ClusterResourceType(), added or in place of an earlier version, which must
  // not be one of the bootstrap. The bytes that are there already are no work. A fault, and no effect: TLS contexts
  // cannot be had.
  config::Faults ApplyUpdate(const config::DecodedResource& resource);
  // Both its active and its warming version. False: there is no such cluster, or it is of the bootstrap.
  bool Remove(std::string_view name);

  // Calls back once, when the newest version of the cluster is warm, or there is none; maybe from within.
  void WhenWarmed(std::string_view name, std::function<void()> callback);
  // Calls back once, when no cluster that the start waits for (`wait_for_warm_on_init`) is warming; maybe from within.
  void WhenStartMayGoOn(std::function<void()> callback);

  bool IsStatic(std::string_view name) const;
  // Null: there is none.
  const Cluster* FindActive(std::string_view name) const;
  const Cluster* FindWarming(std::string_view name) const;
  // The name after `name` in order; empty string: the first. Empty: no more. Serves those who walk over all clusters in
  // several turns.
  std::string NextName(std::string_view name) const;
  size_t active_count() const { return active_count_; }
  size_t warming_count() const { return warming_count_; }

 private:
  struct Thread {
    event::EventLoop* loop;
    WorkerClusters* clusters;
  };
  struct Entry {
    std::unique_ptr<Cluster> active;
    std::unique_ptr<Cluster> warming;
    std::vector<std::function<void()>> when_warmed;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  // Cluster::Owner
  void OnMembersChanged(Cluster& cluster, const HostSetBuilder::Result& result) override;
  void OnWarm(Cluster& cluster) override;

  config::Faults Begin(ClusterResource resource);
  std::vector<std::shared_ptr<tls::LiveClientContext>> ContextsOf(const ClusterConfig& config, config::Faults& faults);
  // Put `cluster`, or nothing, in its place and return what was there.
  std::unique_ptr<Cluster> SetWarming(Entry& entry, std::unique_ptr<Cluster> cluster);
  std::unique_ptr<Cluster> SetActive(Entry& entry, std::unique_ptr<Cluster> cluster);
  void Activate(Entry& entry);
  void Drop(std::unique_ptr<Cluster> cluster);
  void Warmed(Entry& entry);
  void CheckStart();
  std::shared_ptr<net::DnsResolver> ResolverFor(const ClusterConfig& config);
  // Runs `change(WorkerClusters&)`, or a copy of it, with the clusters of each thread.
  template <typename Change>
  void OnEachThread(const Change& change);
  static void RunAll(std::vector<std::function<void()>> callbacks);

  // Constant after construction.
  const net::DnsResolverFactory resolver_factory_;
  const net::DnsOptions default_dns_;
  tls::ContextRegistry* const contexts_;
  ClusterServices services_;
  const telemetry::ScopePtr scope_;
  telemetry::ClusterManagerStats& stats_;

  ThreadCheck thread_;
  std::vector<Thread> threads_;
  std::vector<std::pair<net::DnsOptions, std::weak_ptr<net::DnsResolver>>> resolvers_;
  Entries entries_;
  size_t active_count_ = 0;
  size_t warming_count_ = 0;
  // Warming clusters with wait_for_warm_on_init.
  size_t start_waits_for_ = 0;
  std::vector<std::function<void()>> when_start_may_go_on_;
};

}  // namespace nuncio::upstream
