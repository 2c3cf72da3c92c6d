#include "source/control/fleet/fleet.h"

#include <algorithm>

#include "source/base/logging.h"

namespace nuncio::control {

bool ProxyState::synced() const {
  return connected && std::all_of(types.begin(), types.end(),
                                  [](const TypeStatus& type) { return type.state == TypeStatus::State::kSynced; });
}

void Fleet::Changed(const Key& key, Record& record) {
  if (record.event != 0) events_.erase(record.event);
  record.event = ++last_event_;
  events_.emplace(record.event, key);
}

void Fleet::CountStreams(const Key& key, Record& record) {
  uint32_t aggregated = 0;
  for (const StreamId id : record.open_streams) {
    const Stream& stream = streams_.at(id);
    if (stream.aggregated) ++aggregated;
  }
  record.state.open_streams = static_cast<uint32_t>(record.open_streams.size());
  record.state.connected = !record.open_streams.empty();
  // They stand in the order of their opening.
  if (record.state.connected) record.state.connect_time = streams_.at(record.open_streams.front()).open_time;
  const bool duplicate = aggregated > 1;
  if (duplicate && !record.state.duplicate_node_id) {
    NUNCIO_LOG(kControl, kWarning, "two clients of group \"", key.first, "\" use the node id \"", key.second,
               "\" at once; what is shown of them will be mixed up");
  }
  record.state.duplicate_node_id = duplicate;
}

Fleet::StreamId Fleet::OnStreamOpened(const ProxyIdentity& identity, bool aggregated) {
  StreamId id;
  {
    const std::lock_guard lock(mutex_);
    const Key key(identity.group, identity.node_id);
    const SystemTime now = clock_.System();
    id = ++last_stream_;
    streams_.emplace(id, Stream{key, aggregated, now});
    Record& record = records_[key];
    (record.forgotten ? forgotten_ : gone_).erase(record.gone);
    record.gone = 0;
    record.forgotten = false;
    record.open_streams.push_back(id);
    record.state.identity = identity;
    record.state.last_seen_time = now;
    record.state.disconnect_time.reset();
    // What an earlier stream reported is history now; this one starts anew.
    std::erase_if(record.types, [&](const OwnedStatus& type) { return !streams_.contains(type.owner); });
    CountStreams(key, record);
    Changed(key, record);
  }
  Notify();
  return id;
}

void Fleet::OnActivity(StreamId stream) {
  const std::lock_guard lock(mutex_);
  const auto it = streams_.find(stream);
  if (it != streams_.end()) records_[it->second.key].state.last_seen_time = clock_.System();
}

void Fleet::OnStatus(StreamId stream, uint64_t target_revision, std::vector<TypeStatus> types) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = streams_.find(stream);
    if (it == streams_.end()) return;
    Record& record = records_[it->second.key];
    record.state.target_revision = std::max(record.state.target_revision, target_revision);
    for (TypeStatus& type : types) {
      const auto known = std::find_if(record.types.begin(), record.types.end(),
                                      [&](const OwnedStatus& owned) { return owned.status.type_url == type.type_url; });
      if (known == record.types.end()) {
        record.types.push_back({stream, std::move(type)});
      } else {
        *known = {stream, std::move(type)};
      }
    }
    Changed(it->second.key, record);
  }
  Notify();
}

void Fleet::OnStreamClosed(StreamId stream) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = streams_.find(stream);
    if (it == streams_.end()) return;
    const Key key = it->second.key;
    streams_.erase(it);
    Record& record = records_[key];
    std::erase(record.open_streams, stream);
    CountStreams(key, record);
    Changed(key, record);
    if (!record.state.connected) {
      record.state.disconnect_time = clock_.System();
      record.gone = ++last_gone_;
      gone_.emplace(record.gone, key);
      ForgetOldest();
    }
  }
  Notify();
}

void Fleet::ForgetOldest() {
  while (!gone_.empty()) {
    const auto oldest = gone_.begin();
    const Key key = oldest->second;
    Record& record = records_.at(key);
    if (gone_.size() <= limits_.max_gone && clock_.System() - *record.state.disconnect_time < limits_.forget_after) {
      break;
    }
    // A trace stays for the watchers, without what was known.
    forgotten_.insert(gone_.extract(oldest));
    record.forgotten = true;
    record.state = {};
    record.types.clear();
    Changed(key, record);
  }
  while (forgotten_.size() > limits_.max_gone) {
    const auto it = records_.find(forgotten_.begin()->second);
    forgotten_.erase(forgotten_.begin());
    events_.erase(it->second.event);
    records_.erase(it);
  }
}

void Fleet::Prune() {
  {
    const std::lock_guard lock(mutex_);
    const uint64_t before = last_event_;
    ForgetOldest();
    if (last_event_ == before) return;
  }
  Notify();
}

ProxyState Fleet::StateOf(const Record& record) const {
  ProxyState state = record.state;
  for (const OwnedStatus& type : record.types) state.types.push_back(type.status);
  return state;
}

std::vector<ProxyState> Fleet::List(const std::string& group, const std::string& node_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<ProxyState> proxies;
  for (const auto& [key, record] : records_) {
    if (record.forgotten) continue;
    if ((!group.empty() && key.first != group) || (!node_id.empty() && key.second != node_id)) continue;
    proxies.push_back(StateOf(record));
  }
  return proxies;
}

std::map<std::string, uint32_t> Fleet::ConnectedByGroup() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, uint32_t> connected;
  for (const auto& [key, record] : records_) {
    if (record.state.connected) ++connected[key.first];
  }
  return connected;
}

Fleet::Cursor Fleet::Begin() const {
  const std::lock_guard lock(mutex_);
  return {.at = 0, .beginning = last_event_};
}

std::optional<FleetEvent> Fleet::NextEvent(Cursor& cursor) const {
  const std::lock_guard lock(mutex_);
  for (auto it = events_.upper_bound(cursor.at); it != events_.end(); ++it) {
    cursor.at = it->first;
    const auto& [group, node_id] = it->second;
    const Record& record = records_.at(it->second);
    if (!record.forgotten) return FleetEvent{group, node_id, StateOf(record)};
    // Who begins never knew it.
    if (cursor.at > cursor.beginning) return FleetEvent{group, node_id, std::nullopt};
  }
  cursor.at = std::max(cursor.at, last_event_);
  return std::nullopt;
}

void Fleet::AddWatcher(const std::shared_ptr<FleetWatcher>& watcher) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [](const std::weak_ptr<FleetWatcher>& other) { return other.expired(); });
  watchers_.push_back(watcher);
}

void Fleet::Notify() {
  std::vector<std::shared_ptr<FleetWatcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    for (const std::weak_ptr<FleetWatcher>& watcher : watchers_) {
      if (std::shared_ptr<FleetWatcher> alive = watcher.lock()) watchers.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<FleetWatcher>& watcher : watchers) watcher->OnFleetChanged();
}

}  // namespace nuncio::control
