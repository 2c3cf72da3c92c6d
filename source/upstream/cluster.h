#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/secret/live_context.h"
#include "source/upstream/eds_discovery.h"
#include "source/upstream/published_cluster.h"

namespace nuncio::upstream {

// A cluster's configuration as it was received, for /config_dump and for telling whether an update changes anything.
struct ClusterResource {
  std::shared_ptr<const ClusterConfig> config;
  // Wire form of the Cluster.
  std::shared_ptr<const std::string> bytes;
  // Of the discovery response; empty for clusters of the bootstrap.
  std::string version;
  // From discovery, not from the bootstrap.
  bool dynamic = false;
  SystemTime last_updated{};
};

// What the main side of a cluster uses. Outlives it.
struct ClusterServices {
  event::EventLoop& loop;
  Random& random;
  telemetry::StatsStore& stats;
  // Null: clusters of type EDS stay without endpoints.
  config::SubscriptionFactory* subscriptions;
  // Threads that have clusters, main included.
  uint32_t slots;
  std::shared_ptr<const BindOptions> default_bind;
  // Makes the host sets of clusters of type EDS.
  JobRunner run = {};
};

// The main side of one version of a cluster: finds its members, and has what the workers share of it.
class Cluster final : public event::DeferredDeletable, private DiscoveryReceiver {
 public:
  class Owner {
   public:
    // The members changed.
    virtual void OnMembersChanged(Cluster& cluster, const HostSetBuilder::Result& result) = 0;
    // Once. The cluster may be handed to DeferDelete in the call.
    virtual void OnWarm(Cluster& cluster) = 0;

   protected:
    ~Owner() = default;
  };

  // `resolver`: for clusters with names, else null. `contexts`: by ClusterConfig::sockets, null for plain TCP.
  Cluster(ClusterResource resource, const ClusterServices& services, std::shared_ptr<net::DnsResolver> resolver,
          std::vector<std::shared_ptr<tls::LiveClientContext>> contexts, Owner& owner);
  ~Cluster() override;

  // Once: begins to find the members. The owner may be called from within.
  void Start();
  // No more calls to the owner: the cluster was removed or replaced.
  void Detach() { owner_ = nullptr; }
  // The workers have it: its members count in the statistics from now on.
  void SetActive();

  const std::string& name() const { return resource_.config->name; }
  const ClusterConfig& config() const { return *resource_.config; }
  const ClusterResource& resource() const { return resource_; }
  // Another response had the same cluster.
  void set_version(std::string version) { resource_.version = std::move(version); }
  const HostSetPtr& hosts() const { return hosts_; }
  bool warm() const { return warm_; }
  // What the threads share; it always has the newest members.
  const std::shared_ptr<PublishedCluster>& published() const { return published_; }

 private:
  // Those of clusters whose members are listed are never made.
  telemetry::ClusterUpdateStats& update_stats();
  std::unique_ptr<Discovery> MakeDiscovery();
  void ShowMembership();
  // Adds the limits to the gauges of what is left of them, or takes them off again; every thread subtracts what it
  // takes.
  void ShowLimits(bool show);
  // Warm once the members are found and the TLS contexts are there, or not waited for any longer.
  void CheckWarm();

  // DiscoveryReceiver
  void OnMembers(const HostSetBuilder::Result& result) override;
  void OnFirstAnswer() override;

  // Constant after construction, but for the version.
  ClusterResource resource_;
  const ClusterServices& services_;
  const std::shared_ptr<net::DnsResolver> resolver_;
  const std::vector<std::shared_ptr<tls::LiveClientContext>> contexts_;
  const std::shared_ptr<PublishedCluster> published_;
  telemetry::ClusterMembershipStats& stats_;

  Owner* owner_;
  bool active_ = false;
  bool answered_ = false;
  bool warm_ = false;
  // Gone with this object: contexts hold it weakly. Null where there are none.
  const std::shared_ptr<void> self_;
  HostSetPtr hosts_ = HostSet::Empty();
  // Null where nothing more is to be found out.
  std::unique_ptr<Discovery> discovery_;
};

}  // namespace nuncio::upstream
