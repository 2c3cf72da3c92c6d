#include "source/net/acceptor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::net {
namespace {

struct Recorder final : AcceptEvents {
  ~Recorder() {
    for (int fd : fds) close(fd);
  }
  void OnAccept(int fd, const Address& peer, const ListenSocket&) override {
    fds.push_back(fd);
    peers.push_back(peer);
  }
  void OnAcceptPaused(int error) override { paused_by = error; }
  std::vector<int> fds;
  std::vector<Address> peers;
  int paused_by = 0;
};

class AcceptorTest : public testing::Test {
 protected:
  void TearDown() override {
    for (int fd : clients_) close(fd);
  }
  std::shared_ptr<ListenSocket> Listen() {
    auto socket = ListenSocket::Create(*Address::FromIp("127.0.0.1", 0), {});
    EXPECT_TRUE(socket.ok()) << socket.status();
    return *std::move(socket);
  }
  void Connect(const Address& to) {
    const int fd = socket(to.family(), SOCK_STREAM, 0);
    ASSERT_EQ(0, connect(fd, to.sockaddr_ptr(), to.length()));
    clients_.push_back(fd);
  }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  Recorder events_;
  std::vector<int> clients_;
};

TEST_F(AcceptorTest, AcceptsWhatComesWithItsPeer) {
  Acceptor acceptor(loop_, Listen(), events_, 0);
  EXPECT_NE(acceptor.socket().local().port(), 0);
  acceptor.Start();
  Connect(acceptor.socket().local());
  Connect(acceptor.socket().local());
  loop_.RunOnce();
  ASSERT_EQ(events_.fds.size(), 2u);
  EXPECT_EQ(events_.peers[0], LocalAddress(clients_[0]));
}

TEST_F(AcceptorTest, ALimitPerEventSpreadsAQueueOverTurns) {
  Acceptor acceptor(loop_, Listen(), events_, 1);
  acceptor.Start();
  for (int i = 0; i < 3; ++i) Connect(acceptor.socket().local());
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 1u);
  loop_.RunOnce();
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 3u);
}

TEST_F(AcceptorTest, StoppedItLeavesTheQueueUntilItIsDrained) {
  Acceptor acceptor(loop_, Listen(), events_, 1);
  acceptor.Start();
  acceptor.Stop();
  for (int i = 0; i < 3; ++i) Connect(acceptor.socket().local());
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 0u);
  acceptor.DrainQueue();
  EXPECT_EQ(events_.fds.size(), 3u);
}

TEST_F(AcceptorTest, OutOfDescriptorsItPausesAndGoesOn) {
  Acceptor acceptor(loop_, Listen(), events_, 0);
  acceptor.Start();
  Connect(acceptor.socket().local());
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  // The next descriptor would be the first free one.
  const int next = dup(clients_[0]);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
  loop_.RunOnce();
  EXPECT_EQ(events_.paused_by, EMFILE);
  events_.paused_by = 0;
  // Nothing spins: until the pause is over accept is not even tried.
  loop_.RunOnce();
  EXPECT_EQ(events_.paused_by, 0);
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 0u);
  clock_.Advance(Acceptor::kPause);
  loop_.RunOnce();
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 1u);
}

TEST_F(AcceptorTest, StoppedDuringThePauseItStaysStopped) {
  Acceptor acceptor(loop_, Listen(), events_, 0);
  acceptor.Start();
  Connect(acceptor.socket().local());
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  const int next = dup(clients_[0]);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
  loop_.RunOnce();
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
  acceptor.Stop();
  clock_.Advance(Acceptor::kPause);
  loop_.RunOnce();
  loop_.RunOnce();
  EXPECT_EQ(events_.fds.size(), 0u);
}

TEST(ListenSocketTest, AnAddressInUseIsNamed) {
  ListenSocket::Options alone;
  alone.reuse_port = false;
  auto first = ListenSocket::Create(*Address::FromIp("127.0.0.1", 0), alone);
  ASSERT_TRUE(first.ok());
  auto second = ListenSocket::Create((*first)->local(), alone);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find((*first)->local().ToString()), std::string::npos);
}

TEST(ListenSocketTest, SocketsOfOneAddressShareIt) {
  auto first = ListenSocket::Create(*Address::FromIp("127.0.0.1", 0), {});
  ASSERT_TRUE(first.ok());
  auto second = ListenSocket::Create((*first)->local(), {});
  EXPECT_TRUE(second.ok()) << second.status();
}

TEST(ListenSocketTest, AStaleSocketPathIsReplacedAndAnotherFileIsNot) {
  // Not below TempDir(): the path would be too long for a socket.
  char directory[] = "/tmp/acceptor_XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/s";
  ListenSocket::Options options;
  options.unix_mode = 0600;
  { ASSERT_TRUE(ListenSocket::Create(*Address::FromPath(path), options).ok()); }
  ASSERT_TRUE(ListenSocket::Create(*Address::FromPath(path), options).ok());
  struct stat info;
  ASSERT_EQ(0, stat(path.c_str(), &info));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  unlink(path.c_str());
  fclose(fopen(path.c_str(), "w"));
  EXPECT_FALSE(ListenSocket::Create(*Address::FromPath(path), options).ok());
  EXPECT_EQ(0, stat(path.c_str(), &info));
  unlink(path.c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace nuncio::net
