#pragma once

#include <grpcpp/server_builder.h>

#include <memory>
#include <mutex>
#include <vector>

#include "source/control/xds_server/xds_stream.h"

namespace nuncio::control {

// The discovery services: aggregated, and one per type. Must outlive the server they are registered with.
class XdsServices {
 public:
  explicit XdsServices(XdsEnvironment environment);
  ~XdsServices();

  void Register(grpc::ServerBuilder& builder);
  // Ends all streams, and those to come at once.
  void Stop();
  // To be called about once a second.
  void Tick();
  size_t open_streams();

 private:
  template <typename Service>
  class Registered;

  // Makes the reactor of a call.
  XdsStream* Open(grpc::CallbackServerContext* context, std::string_view only_type);
  std::vector<std::shared_ptr<XdsStream>> Streams();

  const XdsEnvironment environment_;
  std::vector<std::unique_ptr<grpc::Service>> services_;

  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<XdsStream>> streams_;  // guarded by mutex_
  size_t sweep_at_ = 64;                           // guarded by mutex_
};

}  // namespace nuncio::control
