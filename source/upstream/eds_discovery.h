#pragma once

#include <memory>

#include "source/config/subscription.h"
#include "source/telemetry/cluster_stats.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/discovery.h"

namespace nuncio::upstream {

// The endpoints as a control plane, or a file, says.
class EdsDiscovery final : public Discovery, private config::ResourceWatcher {
 public:
  // All but the config is kept by reference.
  EdsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots, config::SubscriptionFactory& subscriptions,
               telemetry::ClusterUpdateStats& stats, DiscoveryReceiver& receiver);

  void Start() override;

 private:
  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;
  void FirstAnswer();

  const std::shared_ptr<const ClusterConfig> config_;
  config::SubscriptionFactory& subscriptions_;
  telemetry::ClusterUpdateStats& stats_;
  DiscoveryReceiver& receiver_;
  HostSetBuilder builder_;
  bool answered_ = false;
  std::unique_ptr<config::Subscription> subscription_;
};

}  // namespace nuncio::upstream
