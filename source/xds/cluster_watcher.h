#pragma once

#include <functional>
#include <vector>

#include "source/config/subscription.h"
#include "source/telemetry/stats_store.h"
#include "source/telemetry/xds_stats.h"
#include "source/upstream/cluster_registry.h"

namespace nuncio::xds {

// Takes the clusters of discovery into the registry. Main thread.
class ClusterWatcher final : public config::ResourceWatcher {
 public:
  ClusterWatcher(upstream::ClusterRegistry& clusters, telemetry::StatsStore& stats)
      : clusters_(clusters), scope_(stats.GetScope(telemetry::ScopeName().Add("cluster_manager.cds"))) {}

  // Runs `then` once the first answer came or is not waited for any longer; maybe from within.
  void WhenFirstAnswer(std::function<void()> then);

  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;

 private:
  void FirstAnswer();

  upstream::ClusterRegistry& clusters_;
  const telemetry::ScopePtr scope_;
  bool first_answer_ = false;
  std::vector<std::function<void()>> when_first_answer_;
};

}  // namespace nuncio::xds
