#include "source/xds/xds_client.h"

#include "source/base/strings.h"
#include "source/xds/file_resources.h"
#include "source/xds/no_source.h"
#include "source/xds/stream_source.h"

namespace nuncio::xds {
namespace {

constexpr std::string_view kAggregated =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

// The service that serves one type alone; empty: there is none.
std::string_view ServiceOf(std::string_view type_url) {
  const std::string_view name = ShortTypeName(type_url);
  if (name == "Cluster") return "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters";
  if (name == "ClusterLoadAssignment") return "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints";
  if (name == "Listener") return "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners";
  if (name == "RouteConfiguration") return "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes";
  if (name == "Secret") return "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets";
  return "";
}

telemetry::ScopeName ControlPlaneScope(std::string_view type_url) {
  const std::string_view name = ShortTypeName(type_url);
  telemetry::ScopeName scope;
  if (name == "Cluster") scope.Add("cluster_manager.cds");
  if (name == "Listener") scope.Add("listener_manager.lds");
  return scope.Add("control_plane");
}

}  // namespace

XdsClient::XdsClient(const Options& options, std::unique_ptr<Transport> transport)
    : stats_(options.stats),
      ads_(options.ads),
      transport_(std::move(transport)),
      thread_(options.loop),
      memory_(options.loop, thread_),
      store_(options.state_directory.empty()
                 ? nullptr
                 : std::make_unique<StateStore>(options.state_directory, options.loop, thread_)),
      services_{options.loop, options.stats, options.random,         thread_,
                memory_,      *transport_,   store_.get(),           options.node,
                options.unknown_fields,      options.dynamic_unknown_fields} {}

XdsClient::~XdsClient() { Stop(); }

void XdsClient::Stop() {
  for (const Entry& entry : sources_) entry.source->Stop();
  store_.reset();
  thread_.Stop();
}

std::unique_ptr<config::Subscription> XdsClient::Subscribe(const config::ConfigSource& source,
                                                           const config::ResourceType& type,
                                                           config::ResourceNames names,
                                                           config::ResourceWatcher& watcher) {
  return Find(source, type).Subscribe(source, type, std::move(names), watcher);
}

Source& XdsClient::Find(const config::ConfigSource& source, const config::ResourceType& type) {
  const std::string_view type_url =
      std::holds_alternative<config::GrpcSource>(source.kind) ? type.type_url() : std::string_view();
  for (const Entry& entry : sources_) {
    if (entry.kind == source.kind && entry.type_url == type_url) return *entry.source;
  }
  // Configurations come and go, and with them their sources.
  std::erase_if(sources_, [](const Entry& entry) { return entry.source->idle(); });
  sources_.push_back({source.kind, std::string(type_url), Make(source, type.type_url())});
  return *sources_.back().source;
}

std::unique_ptr<Source> XdsClient::Make(const config::ConfigSource& source, std::string_view type_url) {
  if (const auto* file = std::get_if<config::FileSource>(&source.kind)) {
    return std::make_unique<FileResources>(services_, *file);
  }
  if (const auto* grpc = std::get_if<config::GrpcSource>(&source.kind)) return MakeStream(*grpc, type_url);
  if (!ads_.has_value()) {
    return std::make_unique<NoSource>(services_, "its source is `ads`, and the bootstrap has no ads_config");
  }
  return std::make_unique<StreamSource>(
      services_, StreamSource::Options{"ads", *ads_, /*aggregated=*/true, std::string(kAggregated),
                                       stats_.GetScope(telemetry::ScopeName().Add("control_plane"))});
}

std::unique_ptr<Source> XdsClient::MakeStream(const config::GrpcSource& grpc, std::string_view type_url) {
  const std::string_view service = ServiceOf(type_url);
  if (service.empty()) {
    return std::make_unique<NoSource>(services_,
                                      StrCat("there is no discovery service for ", type_url, " alone; use `ads`"));
  }
  std::string name = StrCat("grpc:", grpc.target.cluster, "/", grpc.target.authority);
  return std::make_unique<StreamSource>(
      services_, StreamSource::Options{std::move(name), grpc, /*aggregated=*/false, std::string(service),
                                       stats_.GetScope(ControlPlaneScope(type_url))});
}

std::vector<ResourceStatus> XdsClient::Statuses(std::string_view type_url) const {
  std::vector<ResourceStatus> out;
  for (const Entry& entry : sources_) entry.source->AppendStatuses(type_url, out);
  return out;
}

}  // namespace nuncio::xds
