#pragma once

#include <functional>
#include <memory>

#include "source/config/subscription.h"
#include "source/telemetry/cluster_stats.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/discovery.h"

namespace nuncio::upstream {

// Does a job on another thread; what it returns is run on main, in the order of the jobs.
using JobRunner = std::function<void(std::function<std::function<void()>()> job)>;

// The endpoints as a control plane, or a file, says. Host sets are made by jobs, since a set of many hosts takes long.
class EdsDiscovery final : public Discovery, private config::ResourceWatcher {
 public:
  // All but the config is kept by reference.
  EdsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots,
               config::SubscriptionFactory& subscriptions, const JobRunner& run, telemetry::ClusterUpdateStats& stats,
               DiscoveryReceiver& receiver);

  void Start() override;

 private:
  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;
  void OnBuilt(const HostSetBuilder::Result& result);
  void FirstAnswer();

  const std::shared_ptr<const ClusterConfig> config_;
  config::SubscriptionFactory& subscriptions_;
  const JobRunner& run_;
  telemetry::ClusterUpdateStats& stats_;
  DiscoveryReceiver& receiver_;
  // Used by jobs only, which may outlive this object.
  const std::shared_ptr<HostSetBuilder> builder_;
  bool answered_ = false;
  // Gone with this object: jobs hold it weakly.
  const std::shared_ptr<EdsDiscovery*> self_ = std::make_shared<EdsDiscovery*>(this);
  std::unique_ptr<config::Subscription> subscription_;
};

}  // namespace nuncio::upstream
