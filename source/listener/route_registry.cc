#include "source/listener/route_registry.h"

#include "source/base/logging.h"
#include "source/listener/worker_pool.h"
#include "source/telemetry/xds_stats.h"

namespace nuncio::listener {

RouteSubscription::RouteSubscription(WorkerPool& workers, telemetry::StatsStore& stats,
                                     const config::ResourceType& type, config::SubscriptionFactory& factory,
                                     const config::ConfigSource& source, std::string name,
                                     const std::string& stat_prefix)
    : workers_(workers), name_(std::move(name)), scope_(stats.GetScope(telemetry::RdsScopeName(stat_prefix, name_))) {
  for (size_t i = 0; i < workers.size(); ++i) cells_.push_back(std::make_shared<proxy::RouteCell>());
  subscription_ = factory.Subscribe(source, type, config::ResourceNames::Only({name_}), *this);
}

RouteSubscription::~RouteSubscription() {
  subscription_.reset();
  // The cells' tables were made on their workers and are counted there without atomics: let go of them there.
  for (size_t i = 0; i < cells_.size(); ++i) {
    workers_.Post(i, [cell = std::move(cells_[i])](Worker&) {});
  }
}

void RouteSubscription::WhenReady(std::weak_ptr<void> guard, std::function<void()> then) {
  if (ready_) {
    then();
  } else {
    waiting_.emplace_back(std::move(guard), std::move(then));
  }
}

void RouteSubscription::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult&) {
  telemetry::RdsStats& stats = scope_->Get<telemetry::RdsStats>(telemetry::kMainSlot);
  bool found = false;
  for (const config::DecodedResource& resource : update.added_or_changed) {
    if (resource.name != name_) continue;
    found = true;
    resource_ = resource;
    has_resource_ = true;
    updated_at_ = std::chrono::system_clock::now();
    const auto table = resource.As<proxy::CompiledRouteConfiguration>()->table;
    for (size_t i = 0; i < cells_.size(); ++i) {
      workers_.Post(i, [cell = cells_[i], table](Worker& worker) {
        cell->table = LocalRef<route::RouteTable>(table, worker.home());
      });
    }
    stats.config_reload.Inc();
    stats.config_reload_time_ms.Set(
        std::chrono::duration_cast<std::chrono::milliseconds>(updated_at_.time_since_epoch()).count());
    NUNCIO_LOG(kConfig, kInfo, "rds: route configuration ", name_, " is now version ", resource.version);
  }
  if (!found) stats.update_empty.Inc();
  BecomeReady();
}

void RouteSubscription::OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) {
  config::RecordEvents(events, scope_->Get<telemetry::SubscriptionStats>(telemetry::kMainSlot));
}

void RouteSubscription::OnFirstFetchFailed(config::FetchFailure, std::string_view reason) {
  NUNCIO_LOG(kConfig, kWarning, "rds: route configuration ", name_, ": ", reason,
             "; requests to it are answered 404 until it comes");
  BecomeReady();
}

void RouteSubscription::BecomeReady() {
  if (ready_) return;
  ready_ = true;
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& [guard, then] : waiting) {
    if (auto alive = guard.lock(); alive != nullptr) then();
  }
}

RouteRegistry::RouteRegistry(WorkerPool& workers, telemetry::StatsStore& stats,
                             const config::ResourceType& type, config::SubscriptionFactory& factory)
    : workers_(workers), stats_(stats), type_(type), factory_(factory) {}

std::shared_ptr<RouteSubscription> RouteRegistry::Acquire(const config::ConfigSource& source, const std::string& name,
                                                          const std::string& stat_prefix) {
  const auto key = std::make_pair(name, stat_prefix);
  const auto [begin, end] = subscriptions_.equal_range(key);
  for (auto at = begin; at != end; ++at) {
    if (at->second.first != source) continue;
    if (auto alive = at->second.second.lock(); alive != nullptr) return alive;
  }
  auto fresh = std::make_shared<RouteSubscription>(workers_, stats_, type_, factory_, source, name, stat_prefix);
  subscriptions_.emplace(key, std::make_pair(source, std::weak_ptr<RouteSubscription>(fresh)));
  sweep_.OnAdded(subscriptions_, [](const auto& entry) { return entry.second.second.expired(); });
  return fresh;
}

std::vector<std::shared_ptr<RouteSubscription>> RouteRegistry::All() const {
  std::vector<std::shared_ptr<RouteSubscription>> out;
  for (const auto& [key, value] : subscriptions_) {
    if (auto alive = value.second.lock(); alive != nullptr) out.push_back(std::move(alive));
  }
  return out;
}

}  // namespace nuncio::listener
