#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/local_ref.h"
#include "source/base/weak_sweep.h"
#include "source/config/subscription.h"
#include "source/proxy/compiled_route_configuration.h"
#include "source/proxy/worker_services.h"
#include "source/telemetry/scope.h"

namespace nuncio::listener {

class WorkerPool;

// One route configuration from discovery and the cells in which the workers find its current table. Shared by all
// filter chains that name it; unsubscribes when the last lets go. Main thread.
class RouteSubscription final : public config::ResourceWatcher {
 public:
  RouteSubscription(WorkerPool& workers, telemetry::StatsStore& stats, const config::ResourceType& type,
                    config::SubscriptionFactory& factory, const config::ConfigSource& source, std::string name,
                    const std::string& stat_prefix);
  ~RouteSubscription() override;

  const std::string& name() const { return name_; }
  // One per worker.
  const std::vector<std::shared_ptr<proxy::RouteCell>>& cells() const { return cells_; }
  // The first answer came, or is not waited for any longer.
  bool ready() const { return ready_; }
  // Runs `then` once ready, at once where it is; at most until the owner of `guard` is gone.
  void WhenReady(std::weak_ptr<void> guard, std::function<void()> then);

  // For /config_dump; null before the first table.
  const config::DecodedResource* resource() const { return has_resource_ ? &resource_ : nullptr; }
  SystemTime updated_at() const { return updated_at_; }

  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;

 private:
  void BecomeReady();

  WorkerPool& workers_;
  const std::string name_;
  const telemetry::ScopePtr scope_;
  std::vector<std::shared_ptr<proxy::RouteCell>> cells_;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> waiting_;
  config::DecodedResource resource_;
  SystemTime updated_at_{};
  bool has_resource_ = false;
  bool ready_ = false;
  // Last member: ends before what its callbacks use.
  std::unique_ptr<config::Subscription> subscription_;
};

// All route configurations from discovery, each subscribed once however many chains use it. Main thread.
class RouteRegistry {
 public:
  RouteRegistry(WorkerPool& workers, telemetry::StatsStore& stats, const config::ResourceType& type,
                config::SubscriptionFactory& factory);

  std::shared_ptr<RouteSubscription> Acquire(const config::ConfigSource& source, const std::string& name,
                                             const std::string& stat_prefix);
  // Those in use, by name.
  std::vector<std::shared_ptr<RouteSubscription>> All() const;

 private:
  WorkerPool& workers_;
  telemetry::StatsStore& stats_;
  const config::ResourceType& type_;
  config::SubscriptionFactory& factory_;
  // By name and stat prefix; several sources may serve one name.
  std::multimap<std::pair<std::string, std::string>,
                std::pair<config::ConfigSource, std::weak_ptr<RouteSubscription>>> subscriptions_;
  WeakSweep sweep_;
};

}  // namespace nuncio::listener
