#include "source/listener/worker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "api/linked.h"
#include "test/admin/admin_fixture.h"

namespace nuncio::listener {
namespace {

constexpr Duration kDrain = std::chrono::seconds(10);

// Connections that another worker accepted before it was told that their listener is removed.
class WorkerTest : public admin::AdminFixture {
 protected:
  WorkerTest() {
    api::LinkAllMessages();
    envoy::config::listener::v3::Listener message;
    config::Faults faults;
    config::LoadText(
        "{name: l, address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: {filters: {name: h, "
        "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
        "HttpConnectionManager, stat_prefix: h, route_config: {virtual_hosts: {name: v, domains: ['*'], routes: "
        "{match: {prefix: /}, direct_response: {status: 200}}}}, http_filters: {name: r, typed_config: {'@type': "
        "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}}}",
        config::TextFormat::kYaml, message, faults);
    ListenerUpdate update;
    update.config = CompileListener(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    update.routes.resize(1);
    update.tls.resize(1);
    update.access_logs.resize(1);
    update.balance = balance_;
    worker_.ApplyListener(std::move(update), {});
  }
  ~WorkerTest() override {
    worker_.loop().RunOnce();
    if (client_ >= 0) close(client_);
  }

  void HandOver() {
    int ends[2];
    ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    client_ = ends[0];
    ASSERT_TRUE(limit_.Take());
    balance_->Choose(0, clock_.Monotonic(), ConnectionBalance::Aim::kExact);
    filter::AcceptedConnection connection;
    connection.fd = ends[1];
    worker_.AdoptConnection("l", std::move(connection), *balance_);
    worker_.loop().RunOnce();
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    for (int i = 0; i < 3; ++i) worker_.loop().RunOnce();
  }
  bool Open() {
    char byte;
    return recv(client_, &byte, 1, 0) < 0 && errno == EAGAIN;
  }

  Worker& worker_ = workers_.at(0);
  std::shared_ptr<ConnectionBalance> balance_ = std::make_shared<ConnectionBalance>(1);
  int client_ = -1;
};

TEST_F(WorkerTest, OneThatComesAfterTheRemovalEndsWithTheDrainTime) {
  worker_.RemoveListener("l", {.time = kDrain});
  HandOver();
  Advance(kDrain - std::chrono::milliseconds(1));
  EXPECT_TRUE(Open());
  Advance(std::chrono::milliseconds(1));
  EXPECT_FALSE(Open());
  EXPECT_EQ(0u, limit_.active());
  EXPECT_EQ(0u, balance_->connections(0));
}

TEST_F(WorkerTest, OneThatComesAfterTheDrainTimeIsClosed) {
  worker_.RemoveListener("l", {.time = Duration::zero()});
  Advance(std::chrono::milliseconds(1));
  HandOver();
  EXPECT_FALSE(Open());
  EXPECT_EQ(0u, limit_.active());
  EXPECT_EQ(0u, balance_->connections(0));
}

TEST_F(WorkerTest, OneThatComesAfterEverythingIsGoneIsClosed) {
  worker_.RemoveListener("l", {.time = kDrain});
  Advance(std::chrono::seconds(1));
  HandOver();
  EXPECT_FALSE(Open());
  EXPECT_EQ(0u, limit_.active());
}

}  // namespace
}  // namespace nuncio::listener
