// The client against gRPC C++'s own server, over a cluster's real pool.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "source/xds/grpc_transport.h"
#include "test/grpc/grpc_fixture.h"
#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

namespace discovery_v3 = envoy::service::discovery::v3;

// Answers the first request of a stream with what it was told, and notes all requests.
class Ads final : public discovery_v3::AggregatedDiscoveryService::Service {
 public:
  explicit Ads(DiscoveryResponse answer) : answer_(std::move(answer)) {}

  ::grpc::Status StreamAggregatedResources(
      ::grpc::ServerContext*, ::grpc::ServerReaderWriter<DiscoveryResponse, DiscoveryRequest>* stream) override {
    DiscoveryRequest request;
    while (stream->Read(&request)) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (request.response_nonce().empty()) stream->Write(answer_);
    }
    return ::grpc::Status::OK;
  }
  std::vector<DiscoveryRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const DiscoveryResponse answer_;
  std::mutex mutex_;
  std::vector<DiscoveryRequest> requests_;
};

class GrpcServerTest : public grpc::GrpcFixture {
 protected:
  // The server has threads of its own: what it does takes real time, if little. The limit only ends a test that fails.
  template <typename Done>
  bool Eventually(Done&& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop_.RunOnce();
      std::this_thread::yield();
    }
    return true;
  }

  int64_t connected() const { return control_plane_->Total(&telemetry::ControlPlaneStats::connected_state); }

  const telemetry::ScopePtr control_plane_ = store_.GetScope(telemetry::ScopeName().Add("control_plane"));
  const WordType words_{"type.googleapis.com/google.protobuf.StringValue", true};
  telemetry::Counter unknown_;
};

TEST_F(GrpcServerTest, AnswersAreTakenAndTheFaultyRefused) {
  DiscoveryResponse answer;
  answer.set_type_url(std::string(words_.type_url()));
  answer.set_version_info("1");
  answer.set_nonce("n");
  for (const char* word : {"a=x", "b=bad"}) {
    google::protobuf::StringValue value;
    value.set_value(word);
    answer.add_resources()->PackFrom(value);
  }
  Ads ads(answer);
  ::grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", ::grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&ads);
  const std::unique_ptr<::grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(nullptr, server);
  const auto address = net::Address::FromIp("127.0.0.1", static_cast<uint16_t>(port));
  ASSERT_TRUE(address.ok());
  PutCluster(&*address);

  config::GrpcSource source;
  source.target = target_;
  XdsClient::Options options{loop_, random_, store_, unknown_, {}, std::make_shared<const std::string>(), source, ""};
  XdsClient client(options, std::make_unique<GrpcTransport>(services_, clusters_));
  Watcher watcher;
  const auto words =
      client.Subscribe({config::AdsSource{}}, words_, config::ResourceNames::All(), watcher);
  ASSERT_TRUE(Eventually([&] { return ads.requests().size() >= 2; }));
  EXPECT_EQ(Texts{"+a=x@1"}, watcher.Take());
  const DiscoveryRequest refusal = ads.requests().at(1);
  EXPECT_EQ("n", refusal.response_nonce());
  EXPECT_EQ("", refusal.version_info());
  EXPECT_EQ("StringValue \"b\": value: is bad", refusal.error_detail().message());
  EXPECT_EQ(1, connected());

  // The server goes: nothing changes but that.
  server->Shutdown(std::chrono::system_clock::now());
  ASSERT_TRUE(Eventually([&] { return connected() == 0; }));
  EXPECT_EQ(Texts{}, watcher.Take());
  client.Stop();
}

}  // namespace
}  // namespace nuncio::xds
