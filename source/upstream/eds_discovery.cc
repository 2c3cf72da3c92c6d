#include "source/upstream/eds_discovery.h"

#include <functional>

#include "source/base/logging.h"
#include "source/upstream/cluster_assignment.h"
#include "source/upstream/resource_types.h"

namespace nuncio::upstream {

EdsDiscovery::EdsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots,
                           config::SubscriptionFactory& subscriptions, const Clock& clock,
                           telemetry::ClusterMembershipStats& stats, DiscoveryReceiver& receiver)
    : config_(std::move(config)),
      subscriptions_(subscriptions),
      clock_(clock),
      stats_(stats),
      receiver_(receiver),
      builder_(config_->balancer, stats_slots, /*keep_duplicates=*/false) {}

void EdsDiscovery::Start() {
  const EdsOptions& eds = *config_->eds;
  subscription_ = subscriptions_.Subscribe(eds.source, AssignmentResourceType(),
                                           config::ResourceNames::Only({eds.resource_name}), *this);
}

void EdsDiscovery::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& /*result*/) {
  stats_.update_attempt.Inc();
  for (const config::DecodedResource& resource : update.added_or_changed) {
    if (resource.name != config_->eds->resource_name) continue;
    const auto assignment = resource.As<ClusterAssignment>();
    const HostSetBuilder::Result result = builder_.Build(*assignment);
    stats_.version_text.Set(resource.version);
    stats_.version.Set(static_cast<int64_t>(std::hash<std::string>{}(resource.version) >> 2));
    stats_.update_time.Set(
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.System().time_since_epoch()).count());
    if (result.hosts->empty()) stats_.update_empty.Inc();
    receiver_.OnMembers(result);
  }
  stats_.update_success.Inc();
  FirstAnswer();
}

void EdsDiscovery::OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) {
  switch (failure) {
    case config::FetchFailure::kTimedOut:
      stats_.init_fetch_timeout.Inc();
      break;
    case config::FetchFailure::kRefused:
      stats_.update_rejected.Inc();
      break;
    case config::FetchFailure::kNoSource:
      stats_.update_failure.Inc();
      break;
  }
  NUNCIO_LOG(kUpstream, kWarning, "cluster ", config_->name, ": goes on without endpoints: ", reason);
  FirstAnswer();
}

void EdsDiscovery::FirstAnswer() {
  if (answered_) return;
  answered_ = true;
  receiver_.OnFirstAnswer();
}

}  // namespace nuncio::upstream
