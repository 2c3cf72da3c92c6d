#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/control/fleet/type_status.h"

namespace nuncio::control {

// Who a client says it is.
struct ProxyIdentity {
  std::string node_id;
  std::string group;
  std::string node_cluster;
  std::string address;
  std::string user_agent;
};

// A client as it is seen; see nuncio.control.v1.Proxy.
struct ProxyState {
  ProxyIdentity identity;
  bool connected = false;
  SystemTime connect_time;
  SystemTime last_seen_time;
  std::optional<SystemTime> disconnect_time;
  uint32_t open_streams = 0;
  bool duplicate_node_id = false;
  std::vector<TypeStatus> types;
  uint64_t target_revision = 0;

  bool synced() const;
};

// A change that a watcher sees: a proxy's new state, or one that was forgotten.
struct FleetEvent {
  std::string group;
  std::string node_id;
  std::optional<ProxyState> state;
};

// Is told that there are events. Called on any thread, under no lock of the fleet; must not block.
class FleetWatcher {
 public:
  virtual ~FleetWatcher() = default;
  virtual void OnFleetChanged() = 0;
};

// All clients, connected now or a while ago. Thread-safe.
class Fleet {
 public:
  struct Limits {
    // After this long a client that is gone is forgotten.
    Duration forget_after = std::chrono::hours(1);
    // Of clients that are gone, the latest so many are kept, whatever they call themselves.
    size_t max_gone = 10'000;
  };
  using StreamId = uint64_t;

  Fleet(const Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  // A client has said who it is on a new stream.
  StreamId OnStreamOpened(const ProxyIdentity& identity, bool aggregated);
  // Something came from the client.
  void OnActivity(StreamId stream);
  void OnStatus(StreamId stream, uint64_t target_revision, std::vector<TypeStatus> types);
  void OnStreamClosed(StreamId stream);
  // Forgets who is gone long enough. Called from time to time.
  void Prune();

  // By group and node id; an empty argument stands for all.
  std::vector<ProxyState> List(const std::string& group, const std::string& node_id) const;
  // Connected clients by group.
  std::map<std::string, uint32_t> ConnectedByGroup() const;

  // A watcher's place in the events. With a new one each proxy comes once in its present state; the cursor is then
  // through the state that there was at its beginning.
  struct Cursor {
    uint64_t at = 0;
    uint64_t beginning = 0;
    bool through_initial_state() const { return at >= beginning; }
  };
  Cursor Begin() const;
  // The next event; nullopt where there is none. Of several changes of one proxy only the last is seen.
  std::optional<FleetEvent> NextEvent(Cursor& cursor) const;
  void AddWatcher(const std::shared_ptr<FleetWatcher>& watcher);

 private:
  using Key = std::pair<std::string, std::string>;  // group, node id
  struct Stream {
    Key key;
    bool aggregated;
    SystemTime open_time;
  };
  struct OwnedStatus {
    StreamId owner;
    TypeStatus status;
  };
  struct Record {
    ProxyState state;
    // Types as the streams reported them, the latest report of each; ordered as reported.
    std::vector<OwnedStatus> types;
    std::vector<StreamId> open_streams;
    uint64_t event = 0;
    // Its place in gone_ or, where it is forgotten, in forgotten_; 0 for one that is connected.
    uint64_t gone = 0;
    bool forgotten = false;
  };

  // The caller of these holds mutex_.
  void Changed(const Key& key, Record& record);
  void CountStreams(const Key& key, Record& record);
  void ForgetOldest();
  ProxyState StateOf(const Record& record) const;

  void Notify();

  const Clock& clock_;
  const Limits limits_;

  mutable std::mutex mutex_;
  std::map<Key, Record> records_;
  std::map<StreamId, Stream> streams_;
  // Event number to proxy: every proxy stands here once, under its last event.
  std::map<uint64_t, Key> events_;
  // In the order of their going.
  std::map<uint64_t, Key> gone_;
  std::map<uint64_t, Key> forgotten_;
  uint64_t last_event_ = 0;
  uint64_t last_gone_ = 0;
  StreamId last_stream_ = 0;
  std::vector<std::weak_ptr<FleetWatcher>> watchers_;
};

}  // namespace nuncio::control
