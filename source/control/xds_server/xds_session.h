#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/clock.h"
#include "source/control/fleet/type_status.h"
#include "source/control/snapshot/snapshot.h"
#include "source/control/snapshot/state_history.h"
#include "source/control/xds_server/subscription.h"

namespace nuncio::control {

// A response to be written.
struct OutgoingResponse {
  std::string type_url;
  std::string nonce;
  SelectionPtr selection;
};

// The protocol of one xDS stream, state of the world: requests and snapshots in, responses out. No locks, no I/O, no
// timers: the owner calls one method at a time and asks Next whenever it could write.
//
// On an aggregated stream responses come in an order that never lets traffic meet something missing. Clusters first,
// then endpoints and secrets, and once the client has taken these, listeners, then routes. A cluster that the group has
// no longer goes on being served until the client has taken the listeners and routes that do without it; where it
// refuses these, for as long as that lasts. A client that does not answer holds all this up for kDependencyWait and no
// longer.
class XdsSession {
 public:
  static constexpr Duration kDependencyWait = std::chrono::seconds(5);
  static constexpr size_t kMaxTypes = 64;

  // `only_type`: the one type of a stream that is not aggregated; empty for one that is. `history` must outlive the
  // session.
  XdsSession(StateHistory& history, std::string only_type) : history_(history), only_type_(std::move(only_type)) {}

  // InvalidArgument, ResourceExhausted: the stream is to be ended with it.
  absl::Status OnRequest(const envoy::service::discovery::v3::DiscoveryRequest& request);
  // One of a lower revision than the last is ignored. Never null.
  void OnSnapshot(SnapshotPtr snapshot);

  // The next response to write, if there is one. It counts as sent. Ask again when it was written, after every request
  // and snapshot, and while waiting() from time to time.
  std::optional<OutgoingResponse> Next(MonotonicTime now);
  // True: Next held something back that time alone may free.
  bool waiting() const { return waiting_; }

  // How things stand, by type in the order of distribution.
  std::vector<TypeStatus> Status() const;
  const SnapshotPtr& snapshot() const { return snapshot_; }

 private:
  // Since when something is held back.
  using Since = std::optional<MonotonicTime>;
  enum Gate { kEndpoints, kListeners, kRoutes, kClusterRemoval, kGateCount };

  bool aggregated() const { return only_type_.empty(); }
  Subscription* Find(std::string_view type_url);
  const Subscription* Find(std::string_view type_url) const;
  SelectionPtr Wanted(const Subscription& subscription) const;
  bool Settled(const Subscription* subscription) const;
  bool NeedsSend(const Subscription& subscription) const { return subscription.NeedsSend(*Wanted(subscription)); }
  // Takes over what a returning client has, as far as that can be told from its version.
  void AdoptBroughtState(Subscription& subscription);
  SelectionPtr BroughtClusters(const std::string& version) const;

  // Whether the client has the secrets that `users`, clusters or listeners, wait for.
  bool SecretsArrived(const Selection& users) const;
  // Whether the client has all clusters it is to have, with their endpoints and secrets.
  bool ClustersArrived() const;
  // Whether the client has listeners and routes that need no more than the group's own clusters.
  bool RoutesArrived() const;
  // Whether the client refused what would do without removed clusters, and so may need them for as long as it does.
  bool RoutesRefused() const;
  // Removed clusters that are served still.
  void UpdateKeptClusters(MonotonicTime now);
  // Whether what waits at `gate` may go: when `open`, or after kDependencyWait.
  bool Pass(Gate gate, bool open, MonotonicTime now);
  // Whether a subscription is to be sent something, and its turn has come.
  bool MaySend(const Subscription& subscription, MonotonicTime now);
  OutgoingResponse Send(Subscription& subscription);
  // Endpoints that the client will want again once it takes the clusters that go out now.
  void NoteChangedClusters(const SelectionPtr& before, const Selection& after);
  void OnClustersAnswered();

  StateHistory& history_;
  const std::string only_type_;
  SnapshotPtr snapshot_;
  // By rank, then type URL.
  std::map<std::pair<TypeRank, std::string>, Subscription> subscriptions_;
  std::vector<std::pair<TypeRank, std::string>> to_adopt_;
  std::vector<ResourcePtr> kept_clusters_;
  std::vector<std::string> endpoints_to_resend_;
  std::array<Since, kGateCount> held_since_;
  bool waiting_ = false;
  uint64_t last_nonce_ = 0;
};

}  // namespace nuncio::control
