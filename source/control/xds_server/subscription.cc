#include "source/control/xds_server/subscription.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::control {
namespace {

using ::envoy::service::discovery::v3::DiscoveryRequest;

constexpr size_t kMaxErrorLength = 16 * 1024;

bool IsFullState(const std::string& type_url) {
  const ResourceType* type = FindResourceType(type_url);
  return type != nullptr && type->full_state;
}

}  // namespace

Subscription::Subscription(std::string type_url, const DiscoveryRequest& first)
    : type_url_(std::move(type_url)), rank_(RankOf(type_url_)), full_state_(IsFullState(type_url_)) {
  UpdateNames(first);
  acknowledged_version_ = first.version_info();
}

void Subscription::UpdateNames(const DiscoveryRequest& request) {
  std::vector<std::string> names(request.resource_names().begin(), request.resource_names().end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto star = std::lower_bound(names.begin(), names.end(), "*");
  bool wildcard = false;
  if (star != names.end() && *star == "*") {
    names.erase(star);
    wildcard = true;
    named_ = true;
  } else if (names.empty()) {
    // Listeners and clusters without names: all of them, for a client that never gave any.
    wildcard = full_state_ && !named_;
  } else {
    named_ = true;
  }
  if (wildcard == wildcard_ && names == names_) return;
  const bool added =
      (wildcard && !wildcard_) || !std::includes(names_.begin(), names_.end(), names.begin(), names.end());
  wildcard_ = wildcard;
  names_ = std::move(names);
  wanted_of_.reset();
  if (sent_ == nullptr) return;
  // What is not asked for any more the client forgets. Asked for again, it is to be sent again.
  if (!wildcard_) sent_ = Restrict(sent_, names_);
  // A client that asks for a listener or cluster which is not there learns it from its absence.
  if (added && full_state_) force_ = true;
}

Subscription::Answer Subscription::OnRequest(const DiscoveryRequest& request) {
  if (!request.response_nonce().empty() && request.response_nonce() != nonce_) {
    // An answer to a response that a newer one has overtaken. The client will answer the newer one too, names included;
    // but not where it asks for nothing any more: Envoy leaves an empty response without an answer then.
    if (!full_state_ && request.resource_names().empty()) {
      UpdateNames(request);
      in_flight_ = false;
    }
    return Answer::kNone;
  }
  UpdateNames(request);
  if (request.response_nonce().empty() || !in_flight_) return Answer::kNone;
  in_flight_ = false;
  last_refused_ = request.has_error_detail();
  if (last_refused_) {
    ++refused_;
    refused_version_ = sent_version_;
    error_ = request.error_detail().message().substr(0, kMaxErrorLength);
    return Answer::kRefused;
  }
  ++acknowledged_;
  acknowledged_version_ = sent_version_;
  refused_version_.clear();
  error_.clear();
  return Answer::kAcknowledged;
}

SelectionPtr Subscription::Wanted(const Snapshot& snapshot, const std::vector<ResourcePtr>& kept) const {
  const TypeSnapshotPtr& type = snapshot.Type(type_url_);
  if (!kept.empty()) return type->Select(wildcard_, names_, kept);
  if (wanted_of_ != type) {
    wanted_ = type->Select(wildcard_, names_, kept);
    wanted_of_ = type;
  }
  return wanted_;
}

bool Subscription::NeedsSend(const Selection& wanted) const {
  if (in_flight_ || (!wildcard_ && names_.empty())) return false;
  return sent_ == nullptr || force_ || sent_->hash() != wanted.hash();
}

void Subscription::Adopt(SelectionPtr selection) {
  sent_ = std::move(selection);
  // One with names is answered in any case: it may have dropped a resource and asked for it anew while it was away.
  if (!names_.empty()) force_ = true;
}

void Subscription::OnSent(SelectionPtr selection, std::string nonce) {
  sent_ = std::move(selection);
  sent_version_ = sent_->version();
  nonce_ = std::move(nonce);
  in_flight_ = true;
  force_ = false;
}

bool Subscription::Covers(const std::vector<std::string>& names) const {
  return wildcard_ || std::includes(names_.begin(), names_.end(), names.begin(), names.end());
}

bool Subscription::Wants(const std::string& name) const {
  return wildcard_ || std::binary_search(names_.begin(), names_.end(), name);
}

}  // namespace nuncio::control
