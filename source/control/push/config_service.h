#pragma once

#include "nuncio/control/v1/config_service.grpc.pb.h"
#include "source/control/access/operator_access.h"
#include "source/control/fleet/fleet.h"
#include "source/control/push/publisher.h"
#include "source/control/store/store.h"

namespace nuncio::control {

// ConfigService over the publisher and the store. Its methods block for checks and disk, so they run on gRPC's pool of
// synchronous threads, which is bounded, and never hold up an xDS stream.
class ConfigService final : public v1::ConfigService::Service {
 public:
  static constexpr int kMaxResources = 200'000;

  // All must outlive the service.
  ConfigService(Publisher& publisher, Store& store, const Fleet& fleet, const OperatorAccess& access)
      : publisher_(publisher), store_(store), fleet_(fleet), access_(access) {}

  grpc::Status Push(grpc::ServerContext* context, const v1::PushRequest* request, v1::PushResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request, v1::GetResponse* response) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* request, v1::ListResponse* response) override;
  grpc::Status History(grpc::ServerContext* context, const v1::HistoryRequest* request,
                       v1::HistoryResponse* response) override;
  grpc::Status Diff(grpc::ServerContext* context, const v1::DiffRequest* request, v1::DiffResponse* response) override;
  grpc::Status Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                        v1::RollbackResponse* response) override;
  grpc::Status Validate(grpc::ServerContext* context, const v1::ValidateRequest* request,
                        v1::ValidateResponse* response) override;

 private:
  // The latest revision from memory, others from the store. 0: the latest.
  absl::StatusOr<std::shared_ptr<const StoredRevision>> Revision(const std::string& group, uint64_t revision);

  Publisher& publisher_;
  Store& store_;
  const Fleet& fleet_;
  const OperatorAccess& access_;
};

}  // namespace nuncio::control
