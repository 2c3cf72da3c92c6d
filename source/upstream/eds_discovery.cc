#include "source/upstream/eds_discovery.h"

#include "source/base/logging.h"
#include "source/upstream/cluster_assignment.h"
#include "source/upstream/resource_types.h"

namespace nuncio::upstream {

EdsDiscovery::EdsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots,
                           config::SubscriptionFactory& subscriptions, const JobRunner& run,
                           telemetry::ClusterUpdateStats& stats, DiscoveryReceiver& receiver)
    : config_(std::move(config)),
      subscriptions_(subscriptions),
      run_(run),
      stats_(stats),
      receiver_(receiver),
      builder_(std::make_shared<HostSetBuilder>(config_->balancer, stats_slots, /*keep_duplicates=*/false)) {}

void EdsDiscovery::Start() {
  const EdsOptions& eds = *config_->eds;
  subscription_ = subscriptions_.Subscribe(eds.source, AssignmentResourceType(),
                                           config::ResourceNames::Only({eds.resource_name}), *this);
}

void EdsDiscovery::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& /*result*/) {
  for (const config::DecodedResource& resource : update.added_or_changed) {
    if (resource.name != config_->eds->resource_name) continue;
    run_([builder = builder_, assignment = resource.As<ClusterAssignment>(),
          weak = std::weak_ptr<EdsDiscovery*>(self_)]() -> std::function<void()> {
      return [weak, result = builder->Build(*assignment)] {
        if (const auto self = weak.lock(); self != nullptr) (*self)->OnBuilt(result);
      };
    });
  }
}

void EdsDiscovery::OnBuilt(const HostSetBuilder::Result& result) {
  if (result.hosts->empty()) stats_.update_empty.Inc();
  receiver_.OnMembers(result);
  FirstAnswer();
}

void EdsDiscovery::OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) {
  config::RecordEvents(events, stats_);
}

void EdsDiscovery::OnFirstFetchFailed(config::FetchFailure /*failure*/, std::string_view reason) {
  NUNCIO_LOG(kUpstream, kWarning, "cluster ", config_->name, ": goes on without endpoints: ", reason);
  FirstAnswer();
}

void EdsDiscovery::FirstAnswer() {
  if (answered_) return;
  answered_ = true;
  receiver_.OnFirstAnswer();
}

}  // namespace nuncio::upstream
