#pragma once

#include <memory>
#include <string_view>

#include "source/grpc/client.h"
#include "source/xds/transport.h"

namespace nuncio::xds {

// Streams as gRPC calls over main's clusters.
class GrpcTransport final : public Transport {
 public:
  GrpcTransport(const upstream::WorkerServices& services, upstream::WorkerClusters& clusters)
      : client_(services, clusters) {}

  std::unique_ptr<Stream> Open(const config::GrpcTarget& target, std::string_view path,
                               StreamEvents& events) override;

 private:
  grpc::Client client_;
};

}  // namespace nuncio::xds
