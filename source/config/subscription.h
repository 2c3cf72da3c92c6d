#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/config_source.h"
#include "source/config/fault.h"

// The seam between those who need resources (listeners, clusters, route tables, host sets) and xds/, which fetches them
// from a stream or a file. No protobuf crosses it: a ResourceType turns bytes into an immutable object first.
namespace nuncio::config {

// What a resource was compiled to. Immutable, shared by whoever uses it. Derived structs stand in `:config` targets.
struct CompiledResource {
  virtual ~CompiledResource() = default;
};

// One kind of resource: its type URL, and the way from its bytes to its immutable object.
// Stateless; every function may be called on any thread, several at once.
class ResourceType {
 public:
  virtual ~ResourceType() = default;

  // E.g. "type.googleapis.com/envoy.config.cluster.v3.Cluster".
  virtual std::string_view type_url() const = 0;

  // State of the world: true where a response to a wildcard holds all resources there are, so that absence from it is
  // removal (listeners and clusters). False where absence says nothing (route configurations, endpoint sets): those
  // live until no one names them.
  virtual bool absence_is_removal() const = 0;

  // Parses, checks and compiles one resource. `name` is set as soon as it is known, with faults too, and stays empty
  // where the bytes do not tell. Faults carry paths within the resource. Null if and only if a fault was added.
  virtual std::shared_ptr<const CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          Faults& faults) const = 0;

  // The resource of a name as it was compiled before from the same source; null where it was not.
  using Before = std::function<std::shared_ptr<const CompiledResource>(const std::string& name)>;
  // As Compile, with the same result. Types whose resources are large take from `before` the parts that are still the
  // same.
  virtual std::shared_ptr<const CompiledResource> Recompile(std::string_view bytes, const Before& /*before*/,
                                                            std::string& name, Faults& faults) const {
    return Compile(bytes, name, faults);
  }
};

// A resource that passed ResourceType::Compile.
struct DecodedResource {
  std::string name;
  // The version of the response that it came with.
  std::string version;
  std::shared_ptr<const CompiledResource> compiled;
  // Its wire form, without the Any around it: what /config_dump shows.
  std::shared_ptr<const std::string> bytes;

  // The compiled object, whose type the subscriber's ResourceType fixed.
  template <typename T>
  std::shared_ptr<const T> As() const {
    return std::static_pointer_cast<const T>(compiled);
  }
};

// What a watcher has against an update, beyond what compiling each resource alone could see.
class UpdateResult {
 public:
  struct Refusal {
    std::string name;
    Faults faults;
  };

  // The resource, or its removal, does not take effect: the last good version stays, and the NACK names the resource
  // with these faults. Not empty.
  void Refuse(std::string_view name, Faults faults) { refusals_.push_back({std::string(name), std::move(faults)}); }
  const std::vector<Refusal>& refusals() const { return refusals_; }

 private:
  std::vector<Refusal> refusals_;
};

// One response's news for one subscription. Only what changed is in it: a resource whose bytes are those of the last
// good version is not repeated, and one that Compile refused is not there (xds/ keeps its last good version and puts it
// in the NACK).
struct ResourceUpdate {
  std::string version;
  std::vector<DecodedResource> added_or_changed;
  // Names that were there. For types where absence is no removal this is always empty.
  std::vector<std::string> removed;
};

// Why there is no first answer to wait for any longer.
enum class FetchFailure : uint8_t {
  kTimedOut,  // ConfigSource::initial_fetch_timeout passed
  kRefused,   // an answer came, and what was asked for is faulty
  kNoSource,  // the source cannot be used at all: unknown cluster, no `ads_config`, no such file
};

// What became of one step of a subscription; for its statistics.
struct SubscriptionEvent {
  enum class Kind : uint8_t {
    kAsked,    // a request, or a reading of the file, was begun
    kTaken,    // an answer was taken
    kRefused,  // an answer was faulty in something that concerns this subscription
    kFailed,   // the stream was lost, or the source cannot be read
    kTimedOut, // the first answer did not come within initial_fetch_timeout
  };
  Kind kind;
  // Of kTaken: the version now in force, when it was taken, and how long that took.
  std::string version = {};
  std::chrono::system_clock::time_point at = {};
  std::chrono::nanoseconds took{0};
};

// Receives resources. All calls come on the main thread, never from within a call to SubscriptionFactory or
// Subscription and never after the subscription's end.
class ResourceWatcher {
 public:
  virtual ~ResourceWatcher() = default;

  // An answer. The first call comes with the first answer, also when it brings nothing (an empty wildcard response);
  // later ones come with changes only. For a subscription by name an answer counts as first only when it holds a name
  // asked for. What is not refused through `result` must have been taken when this returns (taken, not yet warm).
  virtual void OnUpdate(const ResourceUpdate& update, UpdateResult& result) = 0;

  // The first answer is not waited for any longer: go on with what there is. At most once, and not after OnUpdate. The
  // subscription stays, and OnUpdate may come later. `reason` is for the log.
  virtual void OnFirstFetchFailed(FetchFailure failure, std::string_view reason) = 0;

  // For statistics only, see RecordEvents: in the order in which they happened, after OnUpdate or OnFirstFetchFailed
  // where one comes with these, and else maybe not before somebody reads statistics. Comes from within calls to
  // Subscription too, and must not make or end one.
  virtual void OnSubscriptionEvents(std::span<const SubscriptionEvent> /*events*/) {}
};

// The part of RecordEvents that adds up.
template <typename Stats>
void RecordEvent(const SubscriptionEvent& event, Stats& stats) {
  switch (event.kind) {
    case SubscriptionEvent::Kind::kAsked:
      stats.update_attempt.Inc();
      return;
    case SubscriptionEvent::Kind::kTaken:
      stats.update_success.Inc();
      stats.update_duration.Record(
          static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(event.took).count()));
      return;
    case SubscriptionEvent::Kind::kRefused:
      stats.update_rejected.Inc();
      return;
    case SubscriptionEvent::Kind::kFailed:
      stats.update_failure.Inc();
      return;
    case SubscriptionEvent::Kind::kTimedOut:
      stats.init_fetch_timeout.Inc();
      return;
  }
}

// Keeps the statistics of a subscription: `Stats` is a block with the members of telemetry::SubscriptionStats.
template <typename Stats>
void RecordEvents(std::span<const SubscriptionEvent> events, Stats& stats) {
  const SubscriptionEvent* taken = nullptr;
  for (const SubscriptionEvent& event : events) {
    RecordEvent(event, stats);
    if (event.kind == SubscriptionEvent::Kind::kTaken) taken = &event;
  }
  if (taken == nullptr) return;
  stats.version_text.Set(taken->version);
  // Any number that differs with the text; it must fit a gauge.
  stats.version.Set(static_cast<int64_t>(std::hash<std::string_view>{}(taken->version) >> 2));
  stats.update_time.Set(std::chrono::duration_cast<std::chrono::milliseconds>(taken->at.time_since_epoch()).count());
}

// The names of a subscription: all there are, or some.
struct ResourceNames {
  bool wildcard = false;
  std::vector<std::string> names;  // without duplicates; where not wildcard

  static ResourceNames All() { return {true, {}}; }
  static ResourceNames Only(std::vector<std::string> names) { return {false, std::move(names)}; }
};

// A standing request for resources, in force from its making to its destruction, which may happen within a callback of
// its own watcher. Main thread.
class Subscription {
 public:
  virtual ~Subscription() = default;

  // Replaces the names asked for, where the subscription is not wildcard. Several calls in one turn of the loop make
  // one request. Names left out get no removal; names new here that other subscriptions to the same source and type
  // have already are answered from those on the next turn.
  virtual void UpdateNames(std::vector<std::string> names) = 0;
};

// Implemented by xds/; given to server/ (listeners, clusters), proxy/ (route configurations) and upstream/ (endpoint
// sets).
class SubscriptionFactory {
 public:
  virtual ~SubscriptionFactory() = default;

  // Subscribes. Never null: a source that cannot be used is told by OnFirstFetchFailed(kNoSource) on the next turn.
  // Subscriptions to equal sources share one stream, and one list of names per type on it. `type` and `watcher` must
  // outlive the subscription. Main thread.
  virtual std::unique_ptr<Subscription> Subscribe(const ConfigSource& source, const ResourceType& type,
                                                  ResourceNames names, ResourceWatcher& watcher) = 0;
};

}  // namespace nuncio::config
