#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nuncio/control/v1/config_service.grpc.pb.h"
#include "nuncio/control/v1/fleet_service.grpc.pb.h"
#include "source/ctl/options.h"

namespace nuncio::ctl {

// The control plane's services as nuncioctl calls them.
class Client {
 public:
  // Does not connect yet. InvalidArgument where a TLS file cannot be read.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const Options& options);

  control::v1::ConfigService::Stub& config() { return *config_; }
  control::v1::FleetService::Stub& fleet() { return *fleet_; }
  // Gives a call the deadline that the options say.
  void SetDeadline(grpc::ClientContext& context) const;

 private:
  Client(const Options& options, const std::shared_ptr<grpc::Channel>& channel);

  const std::chrono::seconds timeout_;
  const std::unique_ptr<control::v1::ConfigService::Stub> config_;
  const std::unique_ptr<control::v1::FleetService::Stub> fleet_;
};

}  // namespace nuncio::ctl
