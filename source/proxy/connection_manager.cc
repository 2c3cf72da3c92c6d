#include "source/proxy/connection_manager.h"

#include <chrono>
#include <utility>

#include "source/proxy/downstream_connection.h"

namespace nuncio::proxy {
namespace {

// How often connections are looked at for silent ones, and how many each time, so that no turn of the loop takes long.
constexpr Duration kLookInterval = std::chrono::milliseconds(250);
constexpr uint64_t kMostLookedAt = 2048;

}  // namespace

HttpConnectionManager::HttpConnectionManager(WorkerServices& services,
                                             std::shared_ptr<const ConnectionManagerConfig> config,
                                             AccessLogs logs, std::shared_ptr<RouteCell> routes,
                                             HttpFilters filters)
    : services_(services),
      config_(std::move(config)),
      logs_(std::move(logs)),
      routes_(std::move(routes)),
      filters_(std::move(filters)),
      scope_(services.stats.GetScope(telemetry::HttpScopeName(config_->stat_prefix))),
      codec_scope_(services.stats.GetScope(telemetry::ScopeName())),
      stats_(scope_->Get<telemetry::DownstreamHttpStats>(services.slot)),
      router_stats_(scope_->Get<telemetry::RouterStats>(services.slot)),
      http1_stats_(codec_scope_->Get<telemetry::DownstreamHttp1Stats>(services.slot)),
      http2_stats_(codec_scope_->Get<telemetry::Http2Stats>(services.slot)),
      downstream_http2_stats_(codec_scope_->Get<telemetry::DownstreamHttp2Stats>(services.slot)),
      http2_options_(config_->http2),
      look_timer_(services.loop, Delegate<void()>::Bind<&HttpConnectionManager::OnLook>(this)),
      parked_timer_(services.loop, Delegate<void()>::Bind<&HttpConnectionManager::OnParkedDeadline>(this)) {}

HttpConnectionManager::~HttpConnectionManager() { CloseAll(); }

void HttpConnectionManager::Serve(filter::AcceptedConnection accepted, std::unique_ptr<net::TransportSocket> transport,
                                  filter::ConnectionOwner& owner) {
  const MonotonicTime now = services_.loop.now();
  const ConnectionPast past{
      .id = ++services_.last_id, .opened = now, .opened_system = services_.loop.SystemNow(), .idle_since = now};
  auto* connection =
      new (services_.connections) DownstreamConnection(*this, accepted, std::move(transport), owner, past);
  ++connections_;
  Enlist(*connection);
  connection->Start();
}

void HttpConnectionManager::Enlist(DownstreamConnection& connection) {
  list_.PushBack(connection);
  LookSoon();
}

DownstreamConnection& HttpConnectionManager::Revive(ParkedConnection& parked) {
  const std::unique_ptr<ParkedConnection> record(&parked);
  parked_.Remove(parked);
  --parked_count_;
  stats_.downstream_cx_parked.Dec();
  auto* connection = new (services_.connections)
      DownstreamConnection(*this, parked.Release(), nullptr, parked.owner(), parked.past());
  Enlist(*connection);
  connection->Resume(parked);
  return *connection;
}

void HttpConnectionManager::ArmLook() { look_timer_.Arm(kLookInterval); }

void HttpConnectionManager::OnLook() {
  // Each at most once.
  const DownstreamConnection* const last = list_.back();
  const DownstreamConnection* looked_at = nullptr;
  for (uint64_t left = kMostLookedAt; left > 0 && looked_at != last; --left) {
    DownstreamConnection& connection = *list_.PopFront();
    looked_at = &connection;
    Look(connection);
  }
  WatchParked();
  services_.trim_soon();
  if (!list_.empty()) ArmLook();
}

void HttpConnectionManager::Look(DownstreamConnection& connection) {
  if (!connection.MayPark()) {
    staying_.PushBack(connection);
    return;
  }
  list_.PushBack(connection);
  ParkedConnection* const parked = connection.Park();
  if (parked == nullptr) return;
  ++parked_count_;
  stats_.downstream_cx_parked.Inc();
  parked_.Push(*parked, parked->NextDeadline());
}

void HttpConnectionManager::WatchParked() {
  if (parked_.empty() || parked_.top()->heap_key() == MonotonicTime::max()) return;
  parked_timer_.ArmAt(parked_.top()->heap_key());
}

void HttpConnectionManager::OnParkedDeadline() {
  const MonotonicTime now = services_.loop.now();
  while (!parked_.empty() && parked_.top()->heap_key() <= now) Revive(*parked_.top());
  WatchParked();
}

const http::h2::H2Options& HttpConnectionManager::Http2Options(uint32_t buffer_limit) {
  // The listener's, which changes at most with its configuration; then for all connections at once.
  if (buffer_limit > 0) http2_options_.send_buffer_high = buffer_limit;
  return http2_options_;
}

void HttpConnectionManager::StartDraining(Duration spread) {
  draining_ = true;
  for (IntrusiveList<DownstreamConnection>* list : {&list_, &staying_}) {
    DownstreamConnection* next;
    for (DownstreamConnection* connection = list->front(); connection != nullptr; connection = next) {
      next = list->Next(*connection);
      connection->StartDraining(DrainDelay(spread));
    }
  }
  std::vector<ParkedConnection*> parked;
  while (ParkedConnection* connection = parked_.top()) {
    parked_.Remove(*connection);
    parked.push_back(connection);
  }
  for (ParkedConnection* connection : parked) {
    connection->set_drain_at(services_.loop.now() + DrainDelay(spread));
    parked_.Push(*connection, connection->NextDeadline());
  }
  WatchParked();
}

Duration HttpConnectionManager::DrainDelay(Duration spread) {
  if (spread == Duration::zero()) return spread;
  return Duration(services_.random.Below(static_cast<uint64_t>(spread.count())));
}

void HttpConnectionManager::CloseAll() {
  while (ParkedConnection* parked = parked_.top()) Revive(*parked).CloseNow();
  for (IntrusiveList<DownstreamConnection>* list : {&list_, &staying_}) {
    while (DownstreamConnection* connection = list->front()) connection->CloseNow();
  }
}

}  // namespace nuncio::proxy
