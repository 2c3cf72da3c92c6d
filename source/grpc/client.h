#pragma once

#include <string_view>

#include "source/config/config_source.h"
#include "source/grpc/call.h"
#include "source/upstream/worker_clusters.h"
#include "source/upstream/worker_services.h"

namespace nuncio::grpc {

// Begins calls to gRPC servers behind this thread's clusters; balancing, circuit breakers and statistics are the
// cluster's. Belongs to its thread; what it is made of outlives it and its calls.
class Client {
 public:
  Client(const upstream::WorkerServices& services, upstream::WorkerClusters& clusters)
      : services_(services), clusters_(clusters) {}

  // `path`: "/package.Service/Method". Never null: whatever is wrong is told by OnEnd, later. `events` stays until the
  // call is destroyed; `target` and `path` are copied.
  CallPtr Start(const config::GrpcTarget& target, std::string_view path, const CallOptions& options,
                CallEvents& events);

  const upstream::WorkerServices& services() const { return services_; }

 private:
  const upstream::WorkerServices& services_;
  upstream::WorkerClusters& clusters_;
};

}  // namespace nuncio::grpc
