#include "source/control/xds_server/xds_services.h"

#include <algorithm>

#include "envoy/service/cluster/v3/cds.grpc.pb.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "envoy/service/endpoint/v3/eds.grpc.pb.h"
#include "envoy/service/listener/v3/lds.grpc.pb.h"
#include "envoy/service/route/v3/rds.grpc.pb.h"
#include "envoy/service/secret/v3/sds.grpc.pb.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

using ByteReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

}  // namespace

// Each service below differs from the others only in the name of its method. The raw interface hands requests and
// responses over as bytes.
#define NUNCIO_XDS_SERVICE(ClassName, Base, Method, type)                                               \
  class ClassName final : public Base::WithRawCallbackMethod_##Method<Base::Service> {                  \
   public:                                                                                              \
    explicit ClassName(std::function<ByteReactor*(grpc::CallbackServerContext*, std::string_view)> o)   \
        : open_(std::move(o)) {}                                                                        \
    ByteReactor* Method(grpc::CallbackServerContext* context) override { return open_(context, type); } \
                                                                                                        \
   private:                                                                                             \
    const std::function<ByteReactor*(grpc::CallbackServerContext*, std::string_view)> open_;            \
  }

namespace {

NUNCIO_XDS_SERVICE(AggregatedService, ::envoy::service::discovery::v3::AggregatedDiscoveryService,
                   StreamAggregatedResources, "");
NUNCIO_XDS_SERVICE(ClusterService, ::envoy::service::cluster::v3::ClusterDiscoveryService, StreamClusters,
                   kClusterType);
NUNCIO_XDS_SERVICE(EndpointService, ::envoy::service::endpoint::v3::EndpointDiscoveryService, StreamEndpoints,
                   kEndpointType);
NUNCIO_XDS_SERVICE(ListenerService, ::envoy::service::listener::v3::ListenerDiscoveryService, StreamListeners,
                   kListenerType);
NUNCIO_XDS_SERVICE(RouteService, ::envoy::service::route::v3::RouteDiscoveryService, StreamRoutes, kRouteType);
NUNCIO_XDS_SERVICE(SecretService, ::envoy::service::secret::v3::SecretDiscoveryService, StreamSecrets, kSecretType);

}  // namespace

#undef NUNCIO_XDS_SERVICE

XdsServices::XdsServices(XdsEnvironment environment) : environment_(std::move(environment)) {
  const auto open = [this](grpc::CallbackServerContext* context, std::string_view only_type) {
    return Open(context, only_type);
  };
  services_.push_back(std::make_unique<AggregatedService>(open));
  services_.push_back(std::make_unique<ClusterService>(open));
  services_.push_back(std::make_unique<EndpointService>(open));
  services_.push_back(std::make_unique<ListenerService>(open));
  services_.push_back(std::make_unique<RouteService>(open));
  services_.push_back(std::make_unique<SecretService>(open));
}

XdsServices::~XdsServices() = default;

void XdsServices::Register(grpc::ServerBuilder& builder) {
  for (const std::unique_ptr<grpc::Service>& service : services_) builder.RegisterService(service.get());
}

XdsStream* XdsServices::Open(grpc::CallbackServerContext* context, std::string_view only_type) {
  auto stream = std::make_shared<XdsStream>(environment_, context->peer(), std::string(only_type));
  XdsStream* const reactor = stream.get();
  bool stopped;
  {
    const std::lock_guard lock(mutex_);
    stopped = stopped_;
    if (streams_.size() >= sweep_at_) {
      std::erase_if(streams_, [](const std::weak_ptr<XdsStream>& other) { return other.expired(); });
      sweep_at_ = std::max<size_t>(64, 2 * streams_.size());
    }
    streams_.push_back(stream);
  }
  reactor->Start(std::move(stream));
  if (stopped) reactor->Stop();
  return reactor;
}

std::vector<std::shared_ptr<XdsStream>> XdsServices::Streams() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<XdsStream>> alive;
  for (const std::weak_ptr<XdsStream>& stream : streams_) {
    if (std::shared_ptr<XdsStream> strong = stream.lock()) alive.push_back(std::move(strong));
  }
  return alive;
}

void XdsServices::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  for (const std::shared_ptr<XdsStream>& stream : Streams()) stream->Stop();
}

void XdsServices::Tick() {
  for (const std::shared_ptr<XdsStream>& stream : Streams()) stream->Tick();
}

size_t XdsServices::open_streams() { return Streams().size(); }

}  // namespace nuncio::control
