#pragma once

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nuncio/control/v1/config_service.grpc.pb.h"
#include "nuncio/control/v1/fleet_service.grpc.pb.h"
#include "source/control/server/control_server.h"
#include "source/control/store/sqlite_store.h"
#include "test/control/support/temporary_directory.h"

namespace nuncio::control::test {

// A whole control plane in this process, on ports of its own, and clients of it.
class RunningServer {
 public:
  explicit RunningServer(const std::function<void(Options&)>& adjust = [](Options&) {}) {
    options_.listen = "127.0.0.1:0";
    options_.http_listen = "127.0.0.1:0";
    options_.store = directory_.File("store");
    options_.drain_time = std::chrono::seconds(1);
    adjust(options_);
    Start();
  }

  void Start() {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(options_.store);
    EXPECT_TRUE(store.ok()) << store.status();
    absl::StatusOr<std::unique_ptr<ControlServer>> server =
        ControlServer::Start(options_, Clock::Real(), *std::move(store));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Ends the server, and with it its hold on the store.
  void Release() { server_.reset(); }

  ControlServer& server() { return *server_; }
  const TemporaryDirectory& directory() const { return directory_; }

  std::shared_ptr<grpc::Channel> Channel() {
    return grpc::CreateChannel(server_->listen_address(), grpc::InsecureChannelCredentials());
  }
  std::unique_ptr<v1::ConfigService::Stub> Config() { return v1::ConfigService::NewStub(Channel()); }
  std::unique_ptr<v1::FleetService::Stub> Fleet() { return v1::FleetService::NewStub(Channel()); }

  static v1::PushRequest PushOf(const std::string& group, const std::vector<google::protobuf::Any>& resources) {
    v1::PushRequest request;
    request.set_group(group);
    for (const google::protobuf::Any& resource : resources) *request.add_resources()->mutable_resource() = resource;
    return request;
  }

  grpc::Status Push(const v1::PushRequest& request, v1::PushResponse* response = nullptr) {
    grpc::ClientContext context;
    v1::PushResponse ignored;
    return Config()->Push(&context, request, response == nullptr ? &ignored : response);
  }

  // Waits until the one proxy with this node id is as `wanted` says, by watching.
  v1::Proxy AwaitProxy(const std::string& node_id, const std::function<bool(const v1::Proxy&)>& wanted) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const auto fleet = Fleet();
    const auto watch = fleet->WatchProxies(&context, {});
    v1::WatchProxiesResponse event;
    v1::Proxy last;
    while (watch->Read(&event)) {
      if (event.proxy().node_id() != node_id) continue;
      last = event.proxy();
      if (!wanted(last)) continue;
      context.TryCancel();
      return last;
    }
    ADD_FAILURE() << "the proxy never came to be as expected: " << last.DebugString();
    return last;
  }

 private:
  TemporaryDirectory directory_;
  Options options_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace nuncio::control::test
