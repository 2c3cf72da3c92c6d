#include "source/proxy/upstream_request.h"

#include <memory>
#include <string>

#include "test/grpc/grpc_fixture.h"
#include "test/proxy/manager_fixture.h"

namespace nuncio::proxy {
namespace {

class UpstreamRequestTest : public ManagerFixture {
 protected:
  UpstreamRequestTest() { cluster_->protocol = upstream::UpstreamProtocol::kHttp2; }
  void Pump() override {
    if (mute_) return;
    first_.Pump();
    second_.Pump();
  }

  // Its windows are refilled by nobody.
  grpc::GrpcServer first_{{.stream_window = 1000, .credit = false}};
  grpc::GrpcServer second_;
  bool mute_ = false;
};

TEST_F(UpstreamRequestTest, TheHostOfTheClientsChoiceIsToldToEveryHostThatIsTried) {
  SetRoutes(
      "[{match: {prefix: /}, route: {cluster: backend, auto_host_rewrite: true, append_x_forwarded_host: true}}]");
  PutCluster({first_.address(), second_.address()});
  auto client = Connect();
  client->Send("GET / HTTP/1.1\r\nHost: asked.test\r\n\r\n");
  const auto asked = [](grpc::GrpcServer& server) {
    return server.connections() == 1 && !server.peer().requests.empty();
  };
  ASSERT_TRUE(Until([&] { return asked(first_) || asked(second_); }));
  grpc::GrpcServer& one = asked(first_) ? first_ : second_;
  grpc::GrpcServer& other = &one == &first_ ? second_ : first_;
  one.peer().Reset(1, NGHTTP2_REFUSED_STREAM);
  ASSERT_TRUE(Until([&] { return asked(other); }));
  for (grpc::GrpcServer* server : {&one, &other}) {
    const auto& request = server->peer().requests[1];
    EXPECT_EQ(request.Header(":authority"), server == &first_ ? "a.host" : "b.host");
    EXPECT_EQ(request.Header("x-forwarded-host"), "asked.test");
  }
  other.peer().Respond(1, {{":status", "204"}}, true);
  EXPECT_TRUE(Until([&] { return client->Received().starts_with("HTTP/1.1 204"); }));
}

TEST_F(UpstreamRequestTest, ABodyThatWaitedFillsAHostThatTakesLittleAndNoMoreIsRead) {
  constexpr size_t kLimit = 65536;
  cluster_->per_connection_buffer_limit_bytes = kLimit;
  SetRoutes("[{match: {prefix: /}, route: {cluster: backend, timeout: 0s}}]");
  PutCluster({first_.address()});
  // Until the host's SETTINGS are here its connection carries one stream; the next one waits.
  mute_ = true;
  auto earlier = Connect();
  earlier->Send("GET /earlier HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(Until([&] { return Stat("cluster.backend.upstream_rq_active") == 1; }));
  auto client = Connect();
  client->Send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  const auto upload = [&] {
    for (int i = 0; i < 200; ++i) {
      client->TrySend(std::string(kLimit, 'b'));
      Pump();
      loop_.RunOnce();
    }
    Settle();
  };
  upload();
  EXPECT_EQ(Stat("cluster.backend.upstream_rq_active"), 1);
  EXPECT_LT(slices_.bytes_in_use(), 16 * kLimit) << "while it waits";
  mute_ = false;
  ASSERT_TRUE(Until([&] { return first_.connections() == 1 && first_.peer().requests.size() == 2; }));
  upload();
  EXPECT_EQ(first_.peer().requests[3].body.size(), 1000u);
  EXPECT_LT(slices_.bytes_in_use(), 16 * kLimit) << "while the host takes nothing";
  EXPECT_EQ(Stat("cluster.backend.upstream_rq_active"), 2);
}

}  // namespace
}  // namespace nuncio::proxy
