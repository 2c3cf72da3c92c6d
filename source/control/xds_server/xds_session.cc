#include "source/control/xds_server/xds_session.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::control {
namespace {

using ::envoy::service::discovery::v3::DiscoveryRequest;

// Type URLs are short; a longer one is not meant well.
constexpr size_t kMaxTypeUrlLength = 512;

void Append(std::vector<ResourcePtr>& resources, const SelectionPtr& selection) {
  if (selection == nullptr) return;
  resources.insert(resources.end(), selection->resources().begin(), selection->resources().end());
}

}  // namespace

Subscription* XdsSession::Find(std::string_view type_url) {
  return const_cast<Subscription*>(std::as_const(*this).Find(type_url));
}

const Subscription* XdsSession::Find(std::string_view type_url) const {
  const auto it = subscriptions_.find({RankOf(type_url), std::string(type_url)});
  return it == subscriptions_.end() ? nullptr : &it->second;
}

absl::Status XdsSession::OnRequest(const DiscoveryRequest& request) {
  const std::string& type_url = request.type_url().empty() ? only_type_ : request.type_url();
  if (type_url.empty()) return InvalidArgument("type_url must be set in every request of an aggregated stream");
  if (!only_type_.empty() && type_url != only_type_) {
    return InvalidArgument(StrCat("type_url is ", type_url, ", but this method serves only ", only_type_));
  }
  if (type_url.size() > kMaxTypeUrlLength) return InvalidArgument("type_url is too long to be one");
  Subscription* known = Find(type_url);
  if (known != nullptr) {
    const Subscription::Answer answer = known->OnRequest(request);
    if (answer != Subscription::Answer::kNone && type_url == kClusterType) OnClustersAnswered();
    return absl::OkStatus();
  }
  if (subscriptions_.size() >= kMaxTypes) {
    return ResourceExhausted(StrCat("a stream may subscribe to ", kMaxTypes, " resource types at most"));
  }
  const std::pair<TypeRank, std::string> key(RankOf(type_url), type_url);
  subscriptions_.emplace(std::piecewise_construct, std::forward_as_tuple(key),
                         std::forward_as_tuple(type_url, request));
  to_adopt_.push_back(key);
  return absl::OkStatus();
}

void XdsSession::OnSnapshot(SnapshotPtr snapshot) {
  if (snapshot_ != nullptr && snapshot_->revision() >= snapshot->revision()) return;
  snapshot_ = std::move(snapshot);
}

SelectionPtr XdsSession::BroughtClusters(const std::string& version) const {
  const std::optional<uint64_t> revision = ParseDecimal<uint64_t>(version.substr(0, version.find('.')));
  if (!revision.has_value() || *revision > snapshot_->revision()) return nullptr;
  SelectionPtr past = history_.Past(snapshot_->group(), *revision, std::string(kClusterType));
  if (past == nullptr || past->hash().ShortText() == HashPartOfVersion(version) || *revision == 1) return past;
  // Not all of a revision's clusters, or more than these: then also some that were kept from the revision before.
  std::vector<ResourcePtr> both;
  Append(both, past);
  Append(both, history_.Past(snapshot_->group(), *revision - 1, std::string(kClusterType)));
  std::stable_sort(both.begin(), both.end(),
                   [](const ResourcePtr& a, const ResourcePtr& b) { return a->name() < b->name(); });
  both.erase(std::unique(both.begin(), both.end(),
                         [](const ResourcePtr& a, const ResourcePtr& b) { return a->name() == b->name(); }),
             both.end());
  return std::make_shared<const Selection>(std::string(kClusterType), std::move(both), *revision);
}

void XdsSession::AdoptBroughtState(Subscription& subscription) {
  const std::string& version = subscription.acknowledged_version();
  if (version.empty()) return;
  const SelectionPtr wanted = Wanted(subscription);
  if (subscription.wildcard() && HashPartOfVersion(version) == wanted->hash().ShortText()) {
    subscription.Adopt(wanted);
    return;
  }
  // Clusters that went while the client was away must go after the routes to them, as always.
  if (subscription.rank() != TypeRank::kCluster || !aggregated()) return;
  const SelectionPtr past = BroughtClusters(version);
  if (past == nullptr) return;
  subscription.Adopt(subscription.wildcard() ? past : Restrict(past, subscription.names()));
}

SelectionPtr XdsSession::Wanted(const Subscription& subscription) const {
  static const std::vector<ResourcePtr> kNone;
  return subscription.Wanted(*snapshot_, subscription.rank() == TypeRank::kCluster ? kept_clusters_ : kNone);
}

bool XdsSession::Settled(const Subscription* subscription) const {
  return subscription == nullptr || subscription->Settled(*Wanted(*subscription));
}

bool XdsSession::SecretsArrived(const Selection& users) const {
  const std::vector<std::string>& needed = users.SubscribedNames(kSecretType);
  if (needed.empty()) return true;
  const Subscription* secrets = Find(kSecretType);
  return secrets != nullptr && Settled(secrets) && secrets->Covers(needed);
}

bool XdsSession::ClustersArrived() const {
  const Subscription* clusters = Find(kClusterType);
  const Subscription* endpoints = Find(kEndpointType);
  if (!Settled(clusters) || !Settled(endpoints)) return false;
  // Of clusters that it refused, the client does not ask for the endpoints.
  if (clusters == nullptr || clusters->sent() == nullptr || clusters->last_refused()) return true;
  // Those that are only kept had theirs long ago.
  const SelectionPtr own = clusters->Wanted(*snapshot_, {});
  if (!SecretsArrived(*own)) return false;
  const std::vector<std::string>& needed = own->SubscribedNames(kEndpointType);
  return needed.empty() || (endpoints != nullptr && endpoints->Covers(needed));
}

bool XdsSession::RoutesArrived() const {
  const Subscription* listeners = Find(kListenerType);
  const Subscription* routes = Find(kRouteType);
  // A returning client names its types one after the other: these may be about to come.
  if (listeners == nullptr && routes == nullptr) return false;
  if (!Settled(listeners) || !Settled(routes)) return false;
  if (listeners == nullptr || listeners->sent() == nullptr) return true;
  if (!SecretsArrived(*listeners->sent())) return false;
  const std::vector<std::string>& needed = listeners->sent()->SubscribedNames(kRouteType);
  return needed.empty() || (routes != nullptr && routes->Covers(needed));
}

bool XdsSession::RoutesRefused() const {
  for (const std::string_view type_url : {kListenerType, kRouteType}) {
    const Subscription* subscription = Find(type_url);
    if (subscription != nullptr && subscription->last_refused()) return true;
  }
  return false;
}

bool XdsSession::Pass(Gate gate, bool open, MonotonicTime now) {
  Since& since = held_since_[gate];
  if (open) {
    since.reset();
    return true;
  }
  if (!since.has_value()) since = now;
  if (now - *since >= kDependencyWait) return true;
  waiting_ = true;
  return false;
}

void XdsSession::UpdateKeptClusters(MonotonicTime now) {
  const Subscription* clusters = Find(kClusterType);
  std::vector<ResourcePtr> gone;
  if (aggregated() && clusters != nullptr && clusters->sent() != nullptr &&
      clusters->sent()->hash() != clusters->Wanted(*snapshot_, {})->hash()) {
    const Selection& all = *snapshot_->Type(kClusterType)->all();
    for (const ResourcePtr& resource : clusters->sent()->resources()) {
      if (clusters->Wants(resource->name()) && all.Find(resource->name()) == nullptr) gone.push_back(resource);
    }
  }
  if (gone.empty()) {
    kept_clusters_.clear();
    held_since_[kClusterRemoval].reset();
    return;
  }
  // New clusters go out together with the kept ones before the routes can have arrived.
  kept_clusters_ = gone;
  if (RoutesRefused()) {
    held_since_[kClusterRemoval].reset();
    return;
  }
  if (Pass(kClusterRemoval, ClustersArrived() && RoutesArrived(), now)) kept_clusters_.clear();
}

void XdsSession::NoteChangedClusters(const SelectionPtr& before, const Selection& after) {
  for (const ResourcePtr& cluster : after.resources()) {
    const Resource* old = before == nullptr ? nullptr : before->Find(cluster->name());
    if (old != nullptr && old->hash() == cluster->hash()) continue;
    for (const Reference& reference : cluster->facts().references) {
      if (reference.type_url == kEndpointType) endpoints_to_resend_.push_back(reference.name);
    }
  }
}

void XdsSession::OnClustersAnswered() {
  // A client may warm a changed cluster from nothing, and then wait for endpoints that did not change.
  Subscription* endpoints = Find(kEndpointType);
  if (endpoints != nullptr && endpoints->sent() != nullptr) {
    for (const std::string& name : endpoints_to_resend_) {
      if (endpoints->sent()->Find(name) != nullptr) endpoints->ForceResend();
    }
  }
  endpoints_to_resend_.clear();
}

OutgoingResponse XdsSession::Send(Subscription& subscription) {
  SelectionPtr selection = Wanted(subscription);
  if (subscription.rank() == TypeRank::kCluster) NoteChangedClusters(subscription.sent(), *selection);
  OutgoingResponse response{subscription.type_url(), StrCat(++last_nonce_), selection};
  subscription.OnSent(std::move(selection), response.nonce);
  return response;
}

bool XdsSession::MaySend(const Subscription& subscription, MonotonicTime now) {
  const bool needed = NeedsSend(subscription);
  switch (subscription.rank()) {
    case TypeRank::kEndpoint: {
      const Subscription* clusters = Find(kClusterType);
      return Pass(kEndpoints, !needed || clusters == nullptr || !clusters->in_flight(), now) && needed;
    }
    case TypeRank::kListener:
      return Pass(kListeners, !needed || ClustersArrived(), now) && needed;
    case TypeRank::kRoute:
      return Pass(kRoutes, !needed || (ClustersArrived() && Settled(Find(kListenerType))), now) && needed;
    case TypeRank::kCluster:
    case TypeRank::kSecret:
    case TypeRank::kOther:
      return needed;
  }
  return false;
}

std::optional<OutgoingResponse> XdsSession::Next(MonotonicTime now) {
  waiting_ = false;
  if (snapshot_ == nullptr) return std::nullopt;
  for (const auto& key : to_adopt_) AdoptBroughtState(subscriptions_.at(key));
  to_adopt_.clear();
  UpdateKeptClusters(now);
  for (auto& [key, subscription] : subscriptions_) {
    if (MaySend(subscription, now)) return Send(subscription);
  }
  return std::nullopt;
}

std::vector<TypeStatus> XdsSession::Status() const {
  std::vector<TypeStatus> all;
  for (const auto& [key, subscription] : subscriptions_) {
    TypeStatus& status = all.emplace_back();
    status.type_url = subscription.type_url();
    status.sent_version = subscription.sent_version();
    status.acknowledged_version = subscription.acknowledged_version();
    status.refused_version = subscription.refused_version();
    status.error = subscription.error();
    status.wildcard = subscription.wildcard();
    status.subscribed_names = subscription.names().size();
    status.acknowledged = subscription.acknowledged();
    status.refused = subscription.refused();
    if (snapshot_ == nullptr) {
      status.state = TypeStatus::State::kWaitingForPush;
    } else if (!Settled(&subscription) ||
               (subscription.rank() == TypeRank::kCluster && held_since_[kClusterRemoval].has_value())) {
      status.state = TypeStatus::State::kPending;
    } else {
      status.state = subscription.last_refused() ? TypeStatus::State::kRefused : TypeStatus::State::kSynced;
    }
  }
  return all;
}

}  // namespace nuncio::control
