#include "source/net/connection.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::net {
namespace {

using std::chrono::seconds;

// What the connection told, in order, and what to do when it does.
struct Recorder final : ConnectionEvents {
  void OnConnected() override { log += "connected "; }
  void OnData(buffer::Buffer& data, bool end) override {
    if (take) {
      data.ForEachRun([&](std::string_view run) { received.append(run); });
      data.Clear();
    }
    if (end) log += "end ";
    if (on_data) on_data();
  }
  void OnClosed(CloseReason reason) override {
    log += "closed ";
    closed_by = reason;
  }
  void OnWriteBufferHigh() override { log += "high "; }
  void OnWriteBufferLow() override { log += "low "; }

  std::string log;
  std::string received;
  bool take = true;
  std::function<void()> on_data;
  CloseReason closed_by = CloseReason::kLocal;
};

class ConnectionTest : public testing::Test {
 protected:
  // A connection over one end of a TCP connection on loopback; peer_ is the other, in the test's hands.
  void Open(uint32_t buffer_limit = 1 << 20) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    // Before connecting, so that windows are small from the start.
    const int small = 16384;
    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(0, bind(listener, reinterpret_cast<sockaddr*>(&address), length));
    ASSERT_EQ(0, listen(listener, 1));
    ASSERT_EQ(0, getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length));
    peer_ = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(peer_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ASSERT_EQ(0, connect(peer_, reinterpret_cast<sockaddr*>(&address), length));
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ASSERT_GE(fd, 0);
    close(listener);
    ConnectionLimits limits;
    limits.buffer_limit = buffer_limit;
    connection_ = std::make_unique<Connection>(loop_, pool_, events_, fd, Address(), limits);
    ASSERT_TRUE(connection_->Start());
    Turns();
  }

  void TearDown() override {
    if (peer_ >= 0) close(peer_);
    connection_.reset();
    loop_.RunOnce();
    EXPECT_EQ(pool_.bytes_in_use(), 0u);
  }

  // Loopback delivers within the sender's call, so that a few turns see everything there is.
  void Turns(int count = 4) {
    for (int i = 0; i < count; ++i) loop_.RunOnce();
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    Turns();
  }
  void PeerSends(std::string_view text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), send(peer_, text.data(), text.size(), MSG_NOSIGNAL));
    Turns();
  }
  // What has arrived at the peer. `*end`: the FIN too.
  std::string PeerReads(bool* end = nullptr) {
    std::string out;
    char data[65536];
    ssize_t n;
    while ((n = recv(peer_, data, sizeof(data), MSG_DONTWAIT)) > 0) out.append(data, static_cast<size_t>(n));
    if (end != nullptr) *end = n == 0;
    return out;
  }
  void PeerResets() {
    const linger reset{1, 0};
    setsockopt(peer_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(peer_);
    peer_ = -1;
    Turns();
  }
  void Write(std::string_view text) {
    connection_->write_buffer().Append(text);
    connection_->FlushSoon();
    Turns();
  }
  // More than the kernel takes.
  void FillUp() {
    Write(std::string(8 << 20, 'w'));
    ASSERT_FALSE(connection_->write_buffer().empty());
  }
  // Lets the peer read until the connection has written all.
  size_t DrainAtPeer() {
    size_t total = 0;
    for (int i = 0; i < 100'000 && !connection_->closed() && !connection_->write_buffer().empty(); ++i) {
      total += PeerReads().size();
      Turns(1);
    }
    return total + PeerReads().size();
  }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  buffer::SlicePool pool_;
  Recorder events_;
  std::unique_ptr<Connection> connection_;
  int peer_ = -1;
};

TEST_F(ConnectionTest, BytesArriveInOrderAndTheEndAfterThem) {
  Open();
  PeerSends("one ");
  PeerSends("two");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(events_.received, "one two");
  EXPECT_EQ(events_.log, "end ");
  EXPECT_EQ(connection_->bytes_read(), 7u);
}

TEST_F(ConnectionTest, BytesAndEndInOneEventAreBothSeen) {
  Open();
  ASSERT_EQ(4, send(peer_, "last", 4, 0));
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(events_.received, "last");
  EXPECT_EQ(events_.log, "end ");
}

TEST_F(ConnectionTest, WhatIsLeftComesAgainWithTheNextBytes) {
  Open();
  events_.take = false;
  PeerSends("one ");
  events_.take = true;
  PeerSends("two");
  EXPECT_EQ(events_.received, "one two");
}

TEST_F(ConnectionTest, RedeliverySendsWhatIsLeftWithoutNewBytes) {
  Open();
  events_.take = false;
  PeerSends("held");
  events_.take = true;
  connection_->RedeliverSoon();
  EXPECT_EQ(events_.received, "");
  Turns();
  EXPECT_EQ(events_.received, "held");
}

TEST_F(ConnectionTest, PausesAreCounted) {
  Open();
  connection_->PauseReading();
  connection_->PauseReading();
  PeerSends("x");
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.received, "");
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.received, "x");
}

TEST_F(ConnectionTest, APauseWithinAnEventStopsReadingAtOnce) {
  Open();
  events_.on_data = [&] { connection_->PauseReading(); };
  const std::string large(200'000, 'x');
  std::string rest = large;
  for (int i = 0; i < 50 && !rest.empty(); ++i) {
    const ssize_t n = send(peer_, rest.data(), rest.size(), MSG_DONTWAIT);
    if (n > 0) rest.erase(0, static_cast<size_t>(n));
    Turns(1);
  }
  EXPECT_LT(events_.received.size(), large.size());
  EXPECT_TRUE(connection_->reading_paused());
}

TEST_F(ConnectionTest, TheEndWaitsForReadingToResume) {
  Open();
  connection_->PauseReading();
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(events_.log, "");
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.log, "end ");
}

TEST_F(ConnectionTest, MarksAreToldOnceEachAndFarApart) {
  Open(/*buffer_limit=*/100'000);
  FillUp();
  EXPECT_EQ(events_.log, "high ");
  Write("more");
  EXPECT_EQ(events_.log, "high ");
  DrainAtPeer();
  EXPECT_EQ(events_.log, "high low ");
  EXPECT_FALSE(connection_->above_high_mark());
}

TEST_F(ConnectionTest, WithoutALimitThereAreNoMarks) {
  Open(/*buffer_limit=*/0);
  FillUp();
  DrainAtPeer();
  EXPECT_EQ(events_.log, "");
}

TEST_F(ConnectionTest, AllThatWasWrittenArrives) {
  Open();
  FillUp();
  EXPECT_EQ(DrainAtPeer(), size_t{8} << 20);
  EXPECT_EQ(connection_->bytes_written(), uint64_t{8} << 20);
}

TEST_F(ConnectionTest, HalfCloseKeepsReading) {
  Open();
  connection_->write_buffer().Append("bye");
  connection_->ShutdownWriteAfterFlush();
  Turns();
  bool end = false;
  EXPECT_EQ(PeerReads(&end), "bye");
  EXPECT_TRUE(end);
  PeerSends("still here");
  EXPECT_EQ(events_.received, "still here");
  EXPECT_FALSE(connection_->closed());
}

TEST_F(ConnectionTest, CloseWithoutLingerEndsWhenWritten) {
  Open();
  connection_->write_buffer().Append("bye");
  connection_->CloseAfterFlush(Duration::zero());
  Turns();
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
  bool end = false;
  EXPECT_EQ(PeerReads(&end), "bye");
  EXPECT_TRUE(end);
}

TEST_F(ConnectionTest, CloseWaitsForTheOutput) {
  Open();
  FillUp();
  connection_->CloseAfterFlush(Duration::zero());
  Turns();
  EXPECT_FALSE(connection_->closed());
  EXPECT_EQ(DrainAtPeer(), size_t{8} << 20);
  Turns();
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, LingeringDropsWhatComesUntilThePeersEnd) {
  Open();
  connection_->write_buffer().Append("no");
  connection_->CloseAfterFlush(seconds(1));
  Turns();
  bool end = false;
  EXPECT_EQ(PeerReads(&end), "no");
  EXPECT_TRUE(end);
  PeerSends("late bytes");
  EXPECT_FALSE(connection_->closed());
  EXPECT_EQ(events_.received, "");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
}

TEST_F(ConnectionTest, LingeringHasAnEnd) {
  Open();
  connection_->CloseAfterFlush(seconds(1));
  Turns();
  Advance(std::chrono::milliseconds(999));
  EXPECT_FALSE(connection_->closed());
  Advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, LingeringTakesBytesThatCameDuringAPause) {
  Open();
  connection_->PauseReading();
  PeerSends("unread");
  connection_->CloseAfterFlush(seconds(1));
  Turns();
  // Unread bytes in the kernel at close(2) would turn into a RST.
  int unread = -1;
  ASSERT_EQ(0, ioctl(connection_->fd(), FIONREAD, &unread));
  EXPECT_EQ(unread, 0);
}

TEST_F(ConnectionTest, AResetIsTold) {
  Open();
  PeerResets();
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kRemoteReset);
  EXPECT_EQ(connection_->last_error(), ECONNRESET);
}

TEST_F(ConnectionTest, AnAnswerIsReadThoughWritingFailed) {
  Open();
  FillUp();
  ASSERT_EQ(6, send(peer_, "answer", 6, MSG_NOSIGNAL));
  // The same event tells that there is room to write, and the reset.
  PeerResets();
  EXPECT_EQ(events_.received, "answer");
  EXPECT_TRUE(events_.log.ends_with("closed ")) << events_.log;
  EXPECT_EQ(events_.closed_by, CloseReason::kRemoteReset);
}

TEST_F(ConnectionTest, AnAnswerIsReadAfterAPauseThoughWritingFailed) {
  Open();
  FillUp();
  connection_->PauseReading();
  ASSERT_EQ(6, send(peer_, "answer", 6, MSG_NOSIGNAL));
  PeerResets();
  EXPECT_EQ(events_.received, "");
  EXPECT_EQ(events_.log.find("closed"), std::string::npos);
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.received, "answer");
  EXPECT_TRUE(events_.log.ends_with("closed ")) << events_.log;
}

TEST_F(ConnectionTest, AResetIsToldDuringAPauseToo) {
  Open();
  connection_->PauseReading();
  PeerResets();
  EXPECT_EQ(events_.log, "closed ");
}

TEST_F(ConnectionTest, AResetIsToldAfterThePeersEndToo) {
  Open();
  shutdown(peer_, SHUT_WR);
  Turns();
  PeerResets();
  EXPECT_EQ(events_.log, "end closed ");
}

TEST_F(ConnectionTest, ClosingByTheOwnerIsSilent) {
  Open();
  FillUp();
  events_.log.clear();
  connection_->Close();
  Turns();
  EXPECT_EQ(events_.log, "");
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, TheOwnerMayCloseWithinAnEvent) {
  Open();
  events_.on_data = [&] { connection_->Close(); };
  PeerSends("x");
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(events_.log, "");
}

TEST_F(ConnectionTest, AbortIsARst) {
  Open();
  connection_->Abort();
  char byte;
  EXPECT_EQ(-1, recv(peer_, &byte, 1, 0));
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(ConnectionTest, AResetAfterFlushComesWhenTheOutputIsWritten) {
  Open();
  FillUp();
  connection_->ResetAfterFlush();
  size_t read = 0;
  int error = 0;
  std::string scratch(65536, '\0');
  for (int i = 0; i < 100'000 && error == 0; ++i) {
    const ssize_t n = recv(peer_, scratch.data(), scratch.size(), MSG_DONTWAIT);
    ASSERT_NE(n, 0) << "it looks whole";
    if (n > 0) read += static_cast<size_t>(n);
    if (n < 0 && errno != EAGAIN) error = errno;
    Turns(1);
  }
  EXPECT_EQ(error, ECONNRESET);
  // The kernel drops what it has not sent by then.
  EXPECT_GT(read, 1u << 20);
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
}

TEST_F(ConnectionTest, AnIdleConnectionHoldsNoMemory) {
  Open();
  PeerSends(std::string(10'000, 'x'));
  Write("answer");
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(ConnectionTest, ARefusedConnectIsToldFromTheLoop) {
  // A port that was free a moment ago.
  Open();
  const Address gone = LocalAddress(connection_->fd());
  connection_->Close();
  int error = 0;
  Recorder events;
  auto refused = Connection::Connect(loop_, pool_, events, gone, {}, {}, nullptr, &error);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(events.log, "");
  Turns();
  EXPECT_EQ(events.log, "closed ");
  EXPECT_EQ(events.closed_by, CloseReason::kConnectFailed);
  EXPECT_EQ(refused->last_error(), ECONNREFUSED);
}

}  // namespace
}  // namespace nuncio::net
