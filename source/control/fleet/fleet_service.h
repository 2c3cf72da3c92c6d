#pragma once

#include "nuncio/control/v1/fleet_service.grpc.pb.h"
#include "source/control/access/operator_access.h"
#include "source/control/fleet/fleet.h"

namespace nuncio::control {

// FleetService on gRPC's callback interface: a watcher costs no thread.
class FleetService final : public v1::FleetService::CallbackService {
 public:
  // All must outlive the service.
  FleetService(Fleet& fleet, const OperatorAccess& access) : fleet_(fleet), access_(access) {}

  grpc::ServerUnaryReactor* ListProxies(grpc::CallbackServerContext* context, const v1::ListProxiesRequest* request,
                                        v1::ListProxiesResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchProxiesResponse>* WatchProxies(grpc::CallbackServerContext* context,
                                                                   const v1::WatchProxiesRequest* request) override;

  // Ends all watches; clients are told to come back.
  void Stop();

 private:
  class Watch;

  Fleet& fleet_;
  const OperatorAccess& access_;

  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<Watch>> watches_;  // guarded by mutex_
};

}  // namespace nuncio::control
