#include "source/admin/admin_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "test/admin/admin_fixture.h"

namespace nuncio::admin {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

// A client's side of a connection to the interface.
class Client {
 public:
  explicit Client(const net::Address& to, int receive_buffer = 0)
      : fd_(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    EXPECT_EQ(0, connect(fd_, to.sockaddr_ptr(), to.length()));
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Client() { close(fd_); }
  void Send(std::string_view bytes) {
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()), send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  // Takes what is there; what was received so far is `text`.
  void Receive() {
    char bytes[65536];
    for (;;) {
      const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
      if (got > 0) text.append(bytes, static_cast<size_t>(got));
      if (got == 0 || (got < 0 && errno != EAGAIN)) closed = true;
      if (got <= 0) return;
    }
  }
  std::string text;
  bool closed = false;

 private:
  const int fd_;
};

class AdminServerTest : public AdminFixture {
 protected:
  AdminServerTest() {
    bootstrap_.admin.emplace();
    bootstrap_.admin->address.address = *net::Address::FromIp("127.0.0.1", 0);
  }
  void Start() {
    admin_ = std::make_unique<AdminServer>(services());
    const absl::Status status = admin_->Start();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  template <typename Done>
  void TurnUntil(Client& client, Done done) {
    // Loopback delivers within a few turns; the bound only ends a test that would hang.
    for (int i = 0; i < 100000 && !done(); ++i) {
      loop_.RunOnce();
      client.Receive();
    }
    EXPECT_TRUE(done()) << client.text.substr(0, 2000);
  }
  // The whole answer, the connection being closed after it.
  std::string Exchange(std::string_view request) {
    Client client(admin_->address());
    client.Send(request);
    TurnUntil(client, [&] { return client.closed; });
    return client.text;
  }
  void Turn(int times) {
    for (int i = 0; i < times; ++i) loop_.RunOnce();
  }

  std::unique_ptr<AdminServer> admin_;
};

TEST_F(AdminServerTest, AnswersWithTheFieldsThatKeepAnswersFromBeingKept) {
  Start();
  const std::string answer = Exchange("GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("cache-control: no-cache, max-age=0\r\n"));
  EXPECT_THAT(answer, HasSubstr("x-content-type-options: nosniff\r\n"));
  EXPECT_THAT(answer, HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nLIVE\n"));
}

TEST_F(AdminServerTest, HeadHasNoBodyAndChangesNothing) {
  Start();
  const std::string answer = Exchange("HEAD /stats HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(Exchange("HEAD /quitquitquit HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(server_.calls.empty());
}

TEST_F(AdminServerTest, RequestsSentAheadAreAnsweredInOrder) {
  Start();
  const std::string answer =
      Exchange("GET /ready HTTP/1.1\r\nhost: a\r\n\r\nGET /hot_restart_version HTTP/1.1\r\nhost: a\r\n\r\n"
               "GET /nope HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  const size_t first = answer.find("LIVE\n");
  const size_t second = answer.find("disabled\n");
  const size_t third = answer.find("HTTP/1.1 404");
  ASSERT_NE(std::string::npos, third);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST_F(AdminServerTest, ABodyIsReadAndDroppedUpToALimit) {
  Start();
  EXPECT_THAT(
      Exchange("POST /healthcheck/fail HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc"),
      StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(1u, server_.calls.size());
  const std::string body(70000, 'x');
  EXPECT_THAT(Exchange(StrCat("POST /quitquitquit HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n", body)),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(1u, server_.calls.size());
}

TEST_F(AdminServerTest, MalformedRequestsAreRefused) {
  Start();
  EXPECT_THAT(Exchange("GET /ready HTTP/1.1\r\nhost : a\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminServerTest, ALongAnswerGoesNoFasterThanItIsTaken) {
  for (int i = 0; i < 3000; ++i) AddStaticCluster(ClusterText(StrCat("cluster_with_a_rather_long_name_", i)));
  Start();
  Client client(admin_->address(), 4096);
  client.Send("GET /clusters HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  Turn(2000);
  // The rest is not made yet, so that a cluster which comes only now is part of it.
  AddStaticCluster(ClusterText("z_added_while_the_client_waits"));
  TurnUntil(client, [&] { return client.closed; });
  EXPECT_THAT(client.text, HasSubstr("cluster_with_a_rather_long_name_999::"));
  EXPECT_THAT(client.text, HasSubstr("z_added_while_the_client_waits::"));
  EXPECT_THAT(client.text, testing::EndsWith("0\r\n\r\n"));
}

TEST_F(AdminServerTest, AClientThatTakesNothingIsClosed) {
  for (int i = 0; i < 3000; ++i) AddStaticCluster(ClusterText(StrCat("cluster_with_a_rather_long_name_", i)));
  Start();
  Client client(admin_->address(), 4096);
  client.Send("GET /clusters HTTP/1.1\r\nhost: a\r\n\r\n");
  Turn(2000);
  EXPECT_EQ(1u, limit_.active());
  clock_.Advance(seconds(31));
  Turn(3);
  EXPECT_EQ(0u, limit_.active());
}

TEST_F(AdminServerTest, ARequestMustComeInTime) {
  Start();
  Client client(admin_->address());
  client.Send("GET /ready HTTP/1.1\r\nhost:");
  Turn(20);
  clock_.Advance(seconds(11));
  TurnUntil(client, [&] { return !client.text.empty(); });
  EXPECT_THAT(client.text, StartsWith("HTTP/1.1 408 "));
}

TEST_F(AdminServerTest, IdleConnectionsAreClosed) {
  Start();
  Client client(admin_->address());
  Turn(20);
  EXPECT_EQ(1u, limit_.active());
  clock_.Advance(std::chrono::minutes(3));
  TurnUntil(client, [&] { return client.closed; });
  EXPECT_EQ(0u, limit_.active());
}

TEST_F(AdminServerTest, AnIdleConnectionMakesRoomForANewOne) {
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < AdminServer::kMaxConnections; ++i) {
    clients.push_back(std::make_unique<Client>(admin_->address()));
    Turn(4);
  }
  EXPECT_EQ(AdminServer::kMaxConnections, limit_.active());
  EXPECT_THAT(Exchange("GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), HasSubstr("LIVE"));
  clients.front()->Receive();
  EXPECT_TRUE(clients.front()->closed);
  clients.back()->Receive();
  EXPECT_FALSE(clients.back()->closed);
}

TEST_F(AdminServerTest, TheGlobalLimitHoldsUnlessItIsIgnored) {
  limit_.SetMax(1);
  limit_.ForceTake();
  Start();
  Client refused(admin_->address());
  TurnUntil(refused, [&] { return refused.closed; });
  admin_.reset();
  bootstrap_.admin->ignore_global_limit = true;
  Start();
  EXPECT_THAT(Exchange("GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), HasSubstr("LIVE"));
}

TEST_F(AdminServerTest, AnAddressInUseIsAFaultOfItsField) {
  Start();
  bootstrap_.admin->address.address = admin_->address();
  AdminServer second(services());
  const absl::Status status = second.Start();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(ToStd(status.message())), StartsWith("admin.address: "));
}

}  // namespace
}  // namespace nuncio::admin
