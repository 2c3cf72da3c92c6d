#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "source/base/clock.h"
#include "source/control/access/operator_access.h"
#include "source/control/fleet/fleet.h"
#include "source/control/fleet/fleet_service.h"
#include "source/control/metrics/counters.h"
#include "source/control/push/config_service.h"
#include "source/control/push/publisher.h"
#include "source/control/server/http_endpoint.h"
#include "source/control/server/options.h"
#include "source/control/server/tls_files.h"
#include "source/control/snapshot/group_rule.h"
#include "source/control/snapshot/snapshot_cache.h"
#include "source/control/snapshot/state_history.h"
#include "source/control/store/store.h"
#include "source/control/xds_server/xds_services.h"

namespace nuncio::control {

// All of nuncio-control but its process: built from options, serves until stopped.
class ControlServer {
 public:
  // Reads the store, opens all sockets and serves. Nothing is left half-open where it fails.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(const Options& options, const Clock& clock,
                                                              std::unique_ptr<Store> store);
  ~ControlServer();

  // Says no to newcomers, ends streams and watches, lets other calls under way end for as long as the drain time, then
  // cuts them off. Once.
  void Stop();
  // To be called about once a second.
  void Tick();

  // Addresses with the ports that they have; empty for what is not served.
  const std::string& listen_address() const { return listen_address_; }
  const std::string& xds_address() const { return xds_address_; }
  std::string http_address() const { return http_ == nullptr ? std::string() : http_->address(); }

 private:
  ControlServer(const Options& options, const Clock& clock, std::unique_ptr<Store> store, GroupRule rule);
  absl::Status Open();
  // Opens `address` with the services wanted; sets `bound` to the address with its port.
  absl::Status OpenGrpc(const std::string& flag, const std::string& address, bool operators, bool xds,
                        std::string& bound);
  HttpEndpoint::Answer OnHttp(const std::string& path);

  const Options options_;
  const Clock& clock_;
  const std::unique_ptr<Store> store_;
  const GroupRule group_rule_;
  Counters counters_;
  SnapshotCache snapshots_;
  StateHistory history_;
  Fleet fleet_;
  const OperatorAccess access_;
  Publisher publisher_;
  ConfigService config_service_;
  FleetService fleet_service_;
  XdsServices xds_services_;

  std::atomic<bool> ready_{false};
  std::string listen_address_;
  std::string xds_address_;
  // Null: plain text.
  std::shared_ptr<TlsFiles> tls_;
  // Of each port; used by the servers until their end.
  std::vector<std::shared_ptr<grpc::ServerCredentials>> credentials_;
  std::vector<std::unique_ptr<grpc::Server>> servers_;
  std::unique_ptr<HttpEndpoint> http_;
};

}  // namespace nuncio::control
