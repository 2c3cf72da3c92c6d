#include "source/admin/config_sections.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/admin/host_message.h"
#include "source/admin/timestamp.h"
#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

namespace v3 = envoy::admin::v3;
using google::protobuf::Any;
using google::protobuf::Message;
using google::protobuf::Timestamp;
using upstream::Cluster;
using Next = std::function<std::unique_ptr<Message>()>;

constexpr std::string_view kListenerType = "type.googleapis.com/envoy.config.listener.v3.Listener";
constexpr std::string_view kClusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
constexpr std::string_view kRouteType = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
constexpr std::string_view kSecretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
constexpr std::string_view kEndpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

void Fill(SystemTime time, Timestamp& out) { FillTimestamp(time, out); }

void Fill(std::string_view type, const std::shared_ptr<const std::string>& bytes, Any& out) {
  out.set_type_url(std::string(type));
  if (bytes != nullptr) out.set_value(*bytes);
}

void Fill(const RefusedResource& refused, v3::UpdateFailureState& out) {
  Fill(refused.at, *out.mutable_last_update_attempt());
  out.set_details(refused.details);
  out.set_version_info(refused.version);
}

// The version of the latest response that was taken: a statistic of the subscription.
std::string VersionText(telemetry::StatsStore& stats, std::string_view owner, std::string_view subscription) {
  std::string out;
  const telemetry::ScopePtr scope = stats.GetScope(telemetry::ScopeName().Add(owner).Add(subscription));
  scope->ForEach(/*histograms=*/false, [&out](const telemetry::StatView& view) {
    if (view.field.name == "version_text" && view.text != nullptr) out = *view.text;
  });
  return out;
}

using RefusedByName = std::map<std::string, RefusedResource>;

RefusedByName Refused(const AdminServices& services, std::string_view type) {
  RefusedByName out;
  if (!services.refused) return out;
  for (RefusedResource& each : services.refused(type)) {
    std::string name = each.name;
    out.insert_or_assign(std::move(name), std::move(each));
  }
  return out;
}

// Sets error_state and client_status of a dynamic resource; what was refused keeps serving in its last good version.
template <typename Resource>
void SetStatus(const RefusedByName& refused, const std::string& name, v3::ClientResourceStatus otherwise,
               Resource& out) {
  const auto found = refused.find(name);
  out.set_client_status(found == refused.end() ? otherwise : v3::NACKED);
  if (found != refused.end()) Fill(found->second, *out.mutable_error_state());
}

// The elements of a vector, each once.
template <typename T, typename Make>
Next Each(std::shared_ptr<const std::vector<T>> items, Make make) {
  return [items = std::move(items), make = std::move(make), at = size_t{0}]() mutable -> std::unique_ptr<Message> {
    while (at < items->size()) {
      if (std::unique_ptr<Message> message = make((*items)[at++]); message != nullptr) return message;
    }
    return nullptr;
  };
}

// What `make` makes of the clusters, by name; those that it makes nothing of are left out.
template <typename Make>
Next EachCluster(const upstream::ClusterRegistry& clusters, Make make) {
  return [&clusters, make = std::move(make), name = std::string(),
          ended = false]() mutable -> std::unique_ptr<Message> {
    while (!ended) {
      name = clusters.NextName(name);
      ended = name.empty();
      if (ended) break;
      if (std::unique_ptr<Message> message = make(name); message != nullptr) return message;
    }
    return nullptr;
  };
}

ConfigSection BootstrapSection(const AdminServices& services) {
  auto head = std::make_unique<v3::BootstrapConfigDump>();
  if (services.bootstrap.bytes != nullptr) head->mutable_bootstrap()->ParseFromString(*services.bootstrap.bytes);
  Fill(services.server.started_at(), *head->mutable_last_updated());
  return {std::move(head), {}};
}

ConfigSection ClustersSection(const AdminServices& services) {
  auto head = std::make_unique<v3::ClustersConfigDump>();
  head->set_version_info(VersionText(services.stats, "cluster_manager", "cds"));
  const upstream::ClusterRegistry& clusters = services.clusters;
  const auto refused = std::make_shared<const RefusedByName>(Refused(services, kClusterType));

  Next of_bootstrap = EachCluster(clusters, [&clusters](const std::string& name) -> std::unique_ptr<Message> {
    const Cluster* cluster = clusters.FindActive(name);
    if (cluster == nullptr) cluster = clusters.FindWarming(name);
    if (cluster == nullptr || cluster->resource().dynamic) return nullptr;
    auto out = std::make_unique<v3::ClustersConfigDump::StaticCluster>();
    Fill(kClusterType, cluster->resource().bytes, *out->mutable_cluster());
    Fill(cluster->resource().last_updated, *out->mutable_last_updated());
    return out;
  });
  const auto dynamic = [refused](const Cluster* cluster,
                                 v3::ClientResourceStatus status) -> std::unique_ptr<Message> {
    if (cluster == nullptr || !cluster->resource().dynamic) return nullptr;
    auto out = std::make_unique<v3::ClustersConfigDump::DynamicCluster>();
    out->set_version_info(cluster->resource().version);
    Fill(kClusterType, cluster->resource().bytes, *out->mutable_cluster());
    Fill(cluster->resource().last_updated, *out->mutable_last_updated());
    SetStatus(*refused, cluster->name(), status, *out);
    return out;
  };
  Next active = EachCluster(clusters, [&clusters, dynamic](const std::string& name) {
    return dynamic(clusters.FindActive(name), v3::ACKED);
  });
  Next warming = EachCluster(clusters, [&clusters, dynamic](const std::string& name) {
    return dynamic(clusters.FindWarming(name), v3::ACKED);
  });
  // Refused and never known before: shown among the warming ones, without a cluster.
  auto never_known = std::make_shared<std::vector<RefusedResource>>();
  for (const auto& [name, each] : *refused) {
    if (clusters.FindActive(name) == nullptr && clusters.FindWarming(name) == nullptr) never_known->push_back(each);
  }
  Next unknown = Each<RefusedResource>(never_known, [](const RefusedResource& each) {
    auto out = std::make_unique<v3::ClustersConfigDump::DynamicCluster>();
    Fill(each, *out->mutable_error_state());
    out->set_client_status(v3::NACKED);
    return out;
  });
  Next warming_or_refused = [warming = std::move(warming), unknown = std::move(unknown)]() {
    std::unique_ptr<Message> message = warming();
    return message != nullptr ? std::move(message) : unknown();
  };
  ConfigSection section{std::move(head), {}};
  section.lists.push_back({"static_clusters", std::move(of_bootstrap)});
  section.lists.push_back({"dynamic_active_clusters", std::move(active)});
  section.lists.push_back({"dynamic_warming_clusters", std::move(warming_or_refused)});
  return section;
}

ConfigSection EndpointsSection(const AdminServices& services) {
  const upstream::ClusterRegistry& clusters = services.clusters;
  // As in Envoy: dynamic are those of dynamic clusters, whatever tells their members.
  Next of_static = EachCluster(clusters, [&clusters](const std::string& name) -> std::unique_ptr<Message> {
    const Cluster* cluster = clusters.FindActive(name);
    if (cluster == nullptr || cluster->resource().dynamic) return nullptr;
    auto out = std::make_unique<v3::EndpointsConfigDump::StaticEndpointConfig>();
    envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
    FillAssignment(name, *cluster->hosts(), assignment);
    out->mutable_endpoint_config()->PackFrom(assignment);
    return out;
  });
  const auto refused = std::make_shared<const RefusedByName>(Refused(services, kEndpointType));
  Next of_dynamic = EachCluster(clusters, [&clusters, refused](const std::string& name) -> std::unique_ptr<Message> {
    const Cluster* cluster = clusters.FindActive(name);
    if (cluster == nullptr || !cluster->resource().dynamic) return nullptr;
    auto out = std::make_unique<v3::EndpointsConfigDump::DynamicEndpointConfig>();
    envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
    FillAssignment(name, *cluster->hosts(), assignment);
    out->mutable_endpoint_config()->PackFrom(assignment);
    const auto& eds = cluster->config().eds;
    if (eds != nullptr) SetStatus(*refused, eds->resource_name, cluster->warm() ? v3::ACKED : v3::REQUESTED, *out);
    return out;
  });
  ConfigSection section{std::make_unique<v3::EndpointsConfigDump>(), {}};
  section.lists.push_back({"static_endpoint_configs", std::move(of_static)});
  section.lists.push_back({"dynamic_endpoint_configs", std::move(of_dynamic)});
  return section;
}

using ListenerEntries = std::shared_ptr<const std::vector<listener::ListenerRegistry::Entry>>;

ConfigSection ListenersSection(const AdminServices& services, const ListenerEntries& entries) {
  using Entry = listener::ListenerRegistry::Entry;
  auto head = std::make_unique<v3::ListenersConfigDump>();
  head->set_version_info(VersionText(services.stats, "listener_manager", "lds"));
  Next of_bootstrap = Each<Entry>(entries, [](const Entry& entry) -> std::unique_ptr<Message> {
    if (!entry.is_static) return nullptr;
    auto out = std::make_unique<v3::ListenersConfigDump::StaticListener>();
    Fill(kListenerType, entry.bytes, *out->mutable_listener());
    Fill(entry.updated_at, *out->mutable_last_updated());
    return out;
  });
  const auto refused = std::make_shared<const RefusedByName>(Refused(services, kListenerType));
  Next known = Each<Entry>(entries, [refused](const Entry& entry) -> std::unique_ptr<Message> {
    if (entry.is_static) return nullptr;
    auto out = std::make_unique<v3::ListenersConfigDump::DynamicListener>();
    out->set_name(entry.name);
    const auto fill = [](const std::string& version, const std::shared_ptr<const std::string>& bytes, SystemTime at,
                         v3::ListenersConfigDump::DynamicListenerState& state) {
      state.set_version_info(version);
      Fill(kListenerType, bytes, *state.mutable_listener());
      Fill(at, *state.mutable_last_updated());
    };
    fill(entry.version, entry.bytes, entry.updated_at,
         entry.active != nullptr ? *out->mutable_active_state() : *out->mutable_warming_state());
    if (entry.active != nullptr && entry.warming != nullptr) {
      fill(entry.warming_version, entry.warming_bytes, entry.warming_updated_at, *out->mutable_warming_state());
    }
    SetStatus(*refused, entry.name, v3::ACKED, *out);
    return out;
  });
  auto never_known = std::make_shared<std::vector<RefusedResource>>();
  std::set<std::string_view> names;
  for (const Entry& entry : *entries) names.insert(entry.name);
  for (const auto& [name, each] : *refused) {
    if (names.count(name) == 0) never_known->push_back(each);
  }
  Next unknown = Each<RefusedResource>(never_known, [](const RefusedResource& each) {
    auto out = std::make_unique<v3::ListenersConfigDump::DynamicListener>();
    out->set_name(each.name);
    Fill(each, *out->mutable_error_state());
    out->set_client_status(v3::NACKED);
    return out;
  });
  Next dynamic = [known = std::move(known), unknown = std::move(unknown)]() {
    std::unique_ptr<Message> message = known();
    return message != nullptr ? std::move(message) : unknown();
  };
  ConfigSection section{std::move(head), {}};
  section.lists.push_back({"static_listeners", std::move(of_bootstrap)});
  section.lists.push_back({"dynamic_listeners", std::move(dynamic)});
  return section;
}

// The route configurations that stand within a listener.
std::vector<Any> InlineRoutes(const std::string& listener_bytes) {
  using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
  std::vector<Any> out;
  envoy::config::listener::v3::Listener listener;
  if (!listener.ParseFromString(listener_bytes)) return out;
  const auto visit = [&out](const envoy::config::listener::v3::FilterChain& chain) {
    for (const auto& filter : chain.filters()) {
      HttpConnectionManager manager;
      if (!filter.typed_config().UnpackTo(&manager) || !manager.has_route_config()) continue;
      out.emplace_back().PackFrom(manager.route_config());
    }
  };
  for (const auto& chain : listener.filter_chains()) visit(chain);
  if (listener.has_default_filter_chain()) visit(listener.default_filter_chain());
  return out;
}

ConfigSection RoutesSection(const AdminServices& services, const ListenerEntries& entries) {
  // One listener may have several: those of the current one are held until they were shown.
  Next inlined = [entries, at = size_t{0}, updated_at = SystemTime(),
                  pending = std::vector<Any>()]() mutable -> std::unique_ptr<Message> {
    while (pending.empty()) {
      if (at == entries->size()) return nullptr;
      const auto& entry = (*entries)[at++];
      if (entry.bytes == nullptr) continue;
      pending = InlineRoutes(*entry.bytes);
      std::reverse(pending.begin(), pending.end());
      updated_at = entry.updated_at;
    }
    auto out = std::make_unique<v3::RoutesConfigDump::StaticRouteConfig>();
    *out->mutable_route_config() = std::move(pending.back());
    pending.pop_back();
    Fill(updated_at, *out->mutable_last_updated());
    return out;
  };
  using Subscription = std::shared_ptr<listener::RouteSubscription>;
  const auto subscriptions = std::make_shared<const std::vector<Subscription>>(services.routes.All());
  const auto refused = std::make_shared<const RefusedByName>(Refused(services, kRouteType));
  Next dynamic = Each<Subscription>(subscriptions, [refused](const Subscription& subscription) {
    auto out = std::make_unique<v3::RoutesConfigDump::DynamicRouteConfig>();
    const config::DecodedResource* resource = subscription->resource();
    if (resource != nullptr) {
      out->set_version_info(resource->version);
      Fill(kRouteType, resource->bytes, *out->mutable_route_config());
      Fill(subscription->updated_at(), *out->mutable_last_updated());
    }
    SetStatus(*refused, subscription->name(), resource != nullptr ? v3::ACKED : v3::REQUESTED, *out);
    return out;
  });
  ConfigSection section{std::make_unique<v3::RoutesConfigDump>(), {}};
  section.lists.push_back({"static_route_configs", std::move(inlined)});
  section.lists.push_back({"dynamic_route_configs", std::move(dynamic)});
  return section;
}

ConfigSection SecretsSection(const AdminServices& services) {
  auto statics = std::make_shared<std::vector<tls::SecretRegistry::Static>>();
  for (const auto& [name, each] : services.contexts.secrets().statics()) statics->push_back(each);
  Next of_bootstrap = Each<tls::SecretRegistry::Static>(statics, [](const tls::SecretRegistry::Static& each) {
    auto out = std::make_unique<v3::SecretsConfigDump::StaticSecret>();
    out->set_name(each.secret->name());
    Fill(kSecretType, each.bytes, *out->mutable_secret());
    Fill(each.secret->updated_at(), *out->mutable_last_updated());
    return out;
  });
  using Live = std::shared_ptr<tls::LiveSecret>;
  const auto secrets = std::make_shared<const std::vector<Live>>(services.contexts.secrets().discovered());
  const auto refused = std::make_shared<const RefusedByName>(Refused(services, kSecretType));
  const auto dynamic = [&](bool active) {
    return Each<Live>(secrets, [refused, active](const Live& secret) -> std::unique_ptr<Message> {
      if ((secret->value() != nullptr) != active) return nullptr;
      auto out = std::make_unique<v3::SecretsConfigDump::DynamicSecret>();
      out->set_name(secret->name());
      if (active) {
        out->set_version_info(secret->resource().version);
        Fill(kSecretType, secret->resource().bytes, *out->mutable_secret());
        Fill(secret->updated_at(), *out->mutable_last_updated());
      }
      SetStatus(*refused, secret->name(), active ? v3::ACKED : v3::REQUESTED, *out);
      return out;
    });
  };
  ConfigSection section{std::make_unique<v3::SecretsConfigDump>(), {}};
  section.lists.push_back({"static_secrets", std::move(of_bootstrap)});
  section.lists.push_back({"dynamic_active_secrets", dynamic(true)});
  section.lists.push_back({"dynamic_warming_secrets", dynamic(false)});
  return section;
}

}  // namespace

std::vector<ConfigSection> ConfigSections(const AdminServices& services, bool endpoints) {
  const auto listeners =
      std::make_shared<const std::vector<listener::ListenerRegistry::Entry>>(services.listeners.Entries());
  std::vector<ConfigSection> out;
  out.push_back(BootstrapSection(services));
  out.push_back(ClustersSection(services));
  if (endpoints) out.push_back(EndpointsSection(services));
  out.push_back(ListenersSection(services, listeners));
  out.push_back(RoutesSection(services, listeners));
  out.push_back(SecretsSection(services));
  return out;
}

}  // namespace nuncio::admin
