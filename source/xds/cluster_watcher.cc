#include "source/xds/cluster_watcher.h"

#include <utility>

#include "source/base/logging.h"

namespace nuncio::xds {

void ClusterWatcher::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) {
  for (const config::DecodedResource& resource : update.added_or_changed) {
    // No refusal: the control plane may not know of it, and some answer a refusal with the same again.
    if (clusters_.IsStatic(resource.name)) {
      NUNCIO_LOG(kUpstream, kWarning, "cds: cluster ", resource.name,
                 " is passed over: one of the bootstrap has that name, and discovery cannot change it");
      continue;
    }
    config::Faults faults = clusters_.ApplyUpdate(resource);
    if (!faults.empty()) {
      result.Refuse(resource.name, std::move(faults));
      continue;
    }
    NUNCIO_LOG(kUpstream, kInfo, "cds: cluster ", resource.name, " is now version ", resource.version);
  }
  for (const std::string& name : update.removed) {
    if (clusters_.Remove(name)) NUNCIO_LOG(kUpstream, kInfo, "cds: cluster ", name, " removed");
  }
  FirstAnswer();
}

void ClusterWatcher::OnFirstFetchFailed(config::FetchFailure, std::string_view reason) {
  NUNCIO_LOG(kUpstream, kWarning, "cds: ", reason, "; going on with the clusters there are");
  FirstAnswer();
}

void ClusterWatcher::OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) {
  config::RecordEvents(events, scope_->Get<telemetry::SubscriptionStats>(telemetry::kMainSlot));
}

void ClusterWatcher::WhenFirstAnswer(std::function<void()> then) {
  if (first_answer_) {
    then();
  } else {
    when_first_answer_.push_back(std::move(then));
  }
}

void ClusterWatcher::FirstAnswer() {
  first_answer_ = true;
  for (auto& then : std::exchange(when_first_answer_, {})) then();
}

}  // namespace nuncio::xds
