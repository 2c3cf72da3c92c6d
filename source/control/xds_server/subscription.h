#pragma once

#include <optional>
#include <string>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/clock.h"
#include "source/control/model/resource_types.h"
#include "source/control/snapshot/snapshot.h"

namespace nuncio::control {

// What one stream subscribes to of one type, what it was sent and how it answered. No locks, no I/O.
//
// A response is sent only when the one before it was answered: so there is never more than one on its way, and what is
// sent next is the newest state.
class Subscription {
 public:
  enum class Answer { kNone, kAcknowledged, kRefused };

  Subscription(std::string type_url, const envoy::service::discovery::v3::DiscoveryRequest& first);

  // A later request. Returns what it says of the last response; kNone for one that only changes the subscription, or
  // that was sent before the client saw the last response.
  Answer OnRequest(const envoy::service::discovery::v3::DiscoveryRequest& request);

  // What the client should have now. `kept`: resources to go on serving though the group has them no longer.
  SelectionPtr Wanted(const Snapshot& snapshot, const std::vector<ResourcePtr>& kept) const;
  // Whether `wanted` is to be sent now.
  bool NeedsSend(const Selection& wanted) const;
  // The response to an earlier NeedsSend goes out under `nonce`.
  void OnSent(SelectionPtr selection, std::string nonce);
  // The client has `selection` from an earlier stream. Only before anything was sent.
  void Adopt(SelectionPtr selection);
  // Sends again what did not change, when the client starts anew with it.
  void ForceResend() { force_ = true; }

  // Whether the client has `wanted`, or has refused it.
  bool Settled(const Selection& wanted) const { return !in_flight_ && !NeedsSend(wanted); }
  // Whether all of `names` (sorted) are asked for.
  bool Covers(const std::vector<std::string>& names) const;
  bool Wants(const std::string& name) const;

  const std::string& type_url() const { return type_url_; }
  TypeRank rank() const { return rank_; }
  bool wildcard() const { return wildcard_; }
  const std::vector<std::string>& names() const { return names_; }
  bool in_flight() const { return in_flight_; }
  // What was last sent on this stream, less what the client gave up since; null at first.
  const SelectionPtr& sent() const { return sent_; }
  const std::string& sent_version() const { return sent_version_; }
  // On a new stream the version that the client has from an earlier one.
  const std::string& acknowledged_version() const { return acknowledged_version_; }
  const std::string& refused_version() const { return refused_version_; }
  const std::string& error() const { return error_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t refused() const { return refused_; }
  // True: the last answer was a refusal.
  bool last_refused() const { return last_refused_; }

 private:
  // Takes the names of a request over.
  void UpdateNames(const envoy::service::discovery::v3::DiscoveryRequest& request);

  const std::string type_url_;
  const TypeRank rank_;
  const bool full_state_;

  bool wildcard_ = false;
  // True: the client once gave names, so that no names mean none from then on.
  bool named_ = false;
  std::vector<std::string> names_;  // sorted, each once, without "*"
  // The last result of Wanted with nothing kept, for the names above and this state of the type.
  mutable TypeSnapshotPtr wanted_of_;
  mutable SelectionPtr wanted_;

  bool in_flight_ = false;
  bool force_ = false;
  std::string nonce_;
  SelectionPtr sent_;
  std::string sent_version_;
  std::string acknowledged_version_;
  std::string refused_version_;
  std::string error_;
  bool last_refused_ = false;
  uint64_t acknowledged_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace nuncio::control
