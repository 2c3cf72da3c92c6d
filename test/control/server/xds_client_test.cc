// gRPC's own xDS client, which knows nothing of this project, driven by the control plane: an application's calls to
// `xds:///service` go where the pushed configuration says.
#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "source/base/strings.h"
#include "test/control/support/resources.h"
#include "test/control/support/running_server.h"

namespace nuncio::control {
namespace {

using test::ApiListener;
using test::EdsCluster;
using test::Endpoints;
using test::Routes;
using test::RunningServer;

// Any service will do for the application's calls; this one answers with its own name.
class Backend : public v1::ConfigService::Service {
 public:
  explicit Backend(std::string name) : name_(std::move(name)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  grpc::Status List(grpc::ServerContext*, const v1::ListRequest*, v1::ListResponse* response) override {
    response->add_groups()->set_name(name_);
    return grpc::Status::OK;
  }
  int port() const { return port_; }

 private:
  const std::string name_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::string Call(v1::ConfigService::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  v1::ListResponse response;
  const grpc::Status status = stub.List(&context, {}, &response);
  return status.ok() ? response.groups(0).name() : "error: " + status.error_message();
}

TEST(XdsClientTest, AnApplicationsCallsGoWhereTheConfigurationSays) {
  RunningServer running;
  Backend one("one");
  Backend two("two");
  // Read once per process, when the first channel of the kind is made.
  const std::string bootstrap =
      StrCat(R"({"xds_servers": [{"server_uri": ")", running.server().listen_address(),
             R"(", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}],)",
             R"( "node": {"id": "app-1", "cluster": "app"}})");
  setenv("GRPC_XDS_BOOTSTRAP_CONFIG", bootstrap.c_str(), 1);

  const auto push = [&](const std::vector<google::protobuf::Any>& resources) {
    const grpc::Status status = running.Push(RunningServer::PushOf("app", resources));
    EXPECT_TRUE(status.ok()) << status.error_message();
  };
  push({EdsCluster("one"), Endpoints("one", one.port()), ApiListener("service", "routes"), Routes("routes", "one")});
  const auto stub =
      v1::ConfigService::NewStub(grpc::CreateChannel("xds:///service", grpc::InsecureChannelCredentials()));
  EXPECT_EQ(Call(*stub), "one");
  const v1::Proxy client =
      running.AwaitProxy("app-1", [](const v1::Proxy& proxy) { return proxy.synced() && proxy.types_size() == 4; });
  EXPECT_NE(client.user_agent().find("gRPC"), std::string::npos) << client.user_agent();

  // The old cluster goes together with the routes to it; no call may notice.
  push({EdsCluster("two"), Endpoints("two", two.port()), ApiListener("service", "routes"), Routes("routes", "two")});
  std::string answer;
  int calls = 0;
  do {
    answer = Call(*stub);
    ++calls;
    ASSERT_TRUE(answer == "one" || answer == "two") << answer;
  } while (answer != "two" && calls < 100'000);
  EXPECT_EQ(answer, "two");
  running.AwaitProxy("app-1", [](const v1::Proxy& proxy) { return proxy.synced() && proxy.target_revision() == 2; });
  EXPECT_EQ(Call(*stub), "two");

  // Only the endpoints change: the backends trade places.
  push({EdsCluster("two"), Endpoints("two", one.port()), ApiListener("service", "routes"), Routes("routes", "two")});
  calls = 0;
  do {
    answer = Call(*stub);
    ++calls;
    ASSERT_TRUE(answer == "one" || answer == "two") << answer;
  } while (answer != "one" && calls < 100'000);
  EXPECT_EQ(answer, "one");
}

}  // namespace
}  // namespace nuncio::control
