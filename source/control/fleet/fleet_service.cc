#include "source/control/fleet/fleet_service.h"

#include "source/base/strings.h"

namespace nuncio::control {
namespace {

void SetTimestamp(SystemTime time, google::protobuf::Timestamp& timestamp) {
  const int64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  timestamp.set_seconds(nanos / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

void ToProto(const TypeStatus& status, v1::ProxyType& type) {
  type.set_type_url(status.type_url);
  type.set_state(static_cast<v1::ProxyType::State>(status.state));
  type.set_sent_version(status.sent_version);
  type.set_acknowledged_version(status.acknowledged_version);
  type.set_refused_version(status.refused_version);
  type.set_error(status.error);
  type.set_wildcard(status.wildcard);
  type.set_subscribed_names(static_cast<uint32_t>(status.subscribed_names));
  type.set_acknowledged(status.acknowledged);
  type.set_refused(status.refused);
}

void ToProto(const ProxyState& state, v1::Proxy& proxy) {
  proxy.set_node_id(state.identity.node_id);
  proxy.set_group(state.identity.group);
  proxy.set_node_cluster(state.identity.node_cluster);
  proxy.set_address(state.identity.address);
  proxy.set_user_agent(state.identity.user_agent);
  proxy.set_connected(state.connected);
  SetTimestamp(state.connect_time, *proxy.mutable_connect_time());
  SetTimestamp(state.last_seen_time, *proxy.mutable_last_seen_time());
  if (state.disconnect_time.has_value()) SetTimestamp(*state.disconnect_time, *proxy.mutable_disconnect_time());
  proxy.set_open_streams(state.open_streams);
  proxy.set_duplicate_node_id(state.duplicate_node_id);
  for (const TypeStatus& status : state.types) ToProto(status, *proxy.add_types());
  proxy.set_target_revision(state.target_revision);
  proxy.set_synced(state.synced());
}

}  // namespace

// One call of WatchProxies. One write is under way at a time; what happens meanwhile waits in the fleet, not here.
class FleetService::Watch final : public grpc::ServerWriteReactor<v1::WatchProxiesResponse>, public FleetWatcher {
 public:
  Watch(Fleet& fleet, std::string group) : fleet_(fleet), group_(std::move(group)), cursor_(fleet.Begin()) {}

  // Called once, with the one reference that keeps the call alive.
  void Start(std::shared_ptr<Watch> self) {
    fleet_.AddWatcher(self);
    const std::lock_guard lock(mutex_);
    self_ = std::move(self);
    StartSendInitialMetadata();
    Pump();
  }

  // Instead of Start.
  void Refuse(std::shared_ptr<Watch> self, const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    self_ = std::move(self);
    End(status);
  }

  void OnFleetChanged() override {
    const std::lock_guard lock(mutex_);
    Pump();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) End(grpc::Status::CANCELLED);
    Pump();
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    End(grpc::Status::CANCELLED);
  }

  void Stop() {
    const std::lock_guard lock(mutex_);
    End({grpc::StatusCode::UNAVAILABLE, "the control plane stops"});
  }

  void OnDone() override {
    std::shared_ptr<Watch> last;
    {
      const std::lock_guard lock(mutex_);
      last = std::move(self_);
    }
  }

 private:
  void End(const grpc::Status& status) {
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  void Pump() {
    if (writing_ || ended_) return;
    while (true) {
      if (!initial_sent_ && cursor_.through_initial_state()) {
        initial_sent_ = true;
        response_.mutable_initial_state_sent();
        break;
      }
      const std::optional<FleetEvent> event = fleet_.NextEvent(cursor_);
      if (!event.has_value()) {
        if (!initial_sent_) continue;
        return;
      }
      if (!group_.empty() && event->group != group_) continue;
      if (event->state.has_value()) {
        ToProto(*event->state, *response_.mutable_proxy());
      } else {
        response_.mutable_forgotten()->set_group(event->group);
        response_.mutable_forgotten()->set_node_id(event->node_id);
      }
      break;
    }
    writing_ = true;
    StartWrite(&response_);
  }

  Fleet& fleet_;
  const std::string group_;

  std::mutex mutex_;
  Fleet::Cursor cursor_;
  v1::WatchProxiesResponse response_;
  bool initial_sent_ = false;
  bool writing_ = false;
  bool ended_ = false;
  std::shared_ptr<Watch> self_;
};

grpc::ServerUnaryReactor* FleetService::ListProxies(grpc::CallbackServerContext* context,
                                                    const v1::ListProxiesRequest* request,
                                                    v1::ListProxiesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const grpc::Status allowed = access_.Check(*context->auth_context());
  if (allowed.ok()) {
    for (const ProxyState& state : fleet_.List(request->group(), request->node_id())) {
      ToProto(state, *response->add_proxies());
    }
  }
  reactor->Finish(allowed);
  return reactor;
}

grpc::ServerWriteReactor<v1::WatchProxiesResponse>* FleetService::WatchProxies(grpc::CallbackServerContext* context,
                                                                               const v1::WatchProxiesRequest* request) {
  auto watch = std::make_shared<Watch>(fleet_, request->group());
  Watch* const reactor = watch.get();
  const grpc::Status allowed = access_.Check(*context->auth_context());
  bool stopped;
  {
    const std::lock_guard lock(mutex_);
    stopped = stopped_;
    std::erase_if(watches_, [](const std::weak_ptr<Watch>& other) { return other.expired(); });
    watches_.push_back(watch);
  }
  if (!allowed.ok()) {
    reactor->Refuse(std::move(watch), allowed);
  } else {
    reactor->Start(std::move(watch));
    if (stopped) reactor->Stop();
  }
  return reactor;
}

void FleetService::Stop() {
  std::vector<std::weak_ptr<Watch>> watches;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    watches.swap(watches_);
  }
  for (const std::weak_ptr<Watch>& watch : watches) {
    if (const std::shared_ptr<Watch> alive = watch.lock()) alive->Stop();
  }
}

}  // namespace nuncio::control
