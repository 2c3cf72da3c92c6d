#include "source/net/transport_socket.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/net/connection.h"

namespace nuncio::net {
namespace {

using std::chrono::seconds;
using State = TransportSocket::State;

// A transport simple enough to be read from outside: the client says "hi", the server "ho"; then records of a length
// byte (1 to 255) and that many bytes in the other case of letters; a zero byte is the end.
class SwappingSocket final : public TransportSocket {
 public:
  explicit SwappingSocket(bool client) : client_(client) {}

  static std::string Swap(std::string_view text) {
    std::string out(text);
    for (char& c : out) c ^= 0x20;
    return out;
  }
  static std::string Record(std::string_view text) {
    return std::string(1, static_cast<char>(text.size())) + Swap(text);
  }

  void Attach(int fd, event::EventLoop&, buffer::SlicePool&) override { fd_ = fd; }
  Result Handshake() override {
    if (client_ && !greeted_) Send("hi");
    greeted_ = true;
    const State state = Fill(65536);
    if (in_.size() < 2) return state == State::kEnd ? Fail("the peer left") : Result{.state = State::kBlocked};
    if (in_.substr(0, 2) != (client_ ? "ho" : "hi")) return Fail("no greeting");
    in_.erase(0, 2);
    if (!client_) Send("ho");
    security_ = nullptr;
    return {};
  }
  Result Read(buffer::Buffer& into, size_t size) override {
    Result result;
    if (in_.empty()) {
      const size_t before = in_.size();
      result.state = Fill(size);
      result.wire_bytes = in_.size() - before;
      result.drained = result.wire_bytes < size;
    }
    while (!in_.empty()) {
      const size_t length = static_cast<unsigned char>(in_[0]);
      if (length == 0) {
        if (result.bytes == 0) return {.state = State::kEnd};
        result.drained = false;
        return result;
      }
      if (in_.size() <= length) break;
      into.Append(Swap(in_.substr(1, length)));
      in_.erase(0, 1 + length);
      result.bytes += length;
    }
    if (in_.size() > 1 && in_[1] == '!') return Fail("a broken record");
    return result;
  }
  Result Write(buffer::Buffer& from, bool end) override {
    ++writes;
    Result result;
    result.bytes = from.length();
    while (!from.empty()) {
      const size_t n = std::min<size_t>(from.length(), 255);
      out_ += Record(from.Linearize(n));
      from.Drain(n);
    }
    if (end && !ended_) {
      out_ += '\0';
      ended_ = true;
    }
    result.state = Flush();
    return result;
  }
  size_t output_length() const override { return out_.length(); }
  void BeforeClose() override { Send(std::string(1, '\0')); }
  const std::shared_ptr<const SecurityInfo>& security() const override { return security_; }
  std::string_view failure() const override { return failure_; }

  int writes = 0;

 private:
  Result Fail(std::string_view why) {
    failure_ = why;
    return {.state = State::kFailed};
  }
  void Send(std::string text) {
    out_ += text;
    Flush();
  }
  State Flush() {
    const ssize_t n = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n > 0) out_.erase(0, static_cast<size_t>(n));
    return out_.empty() ? State::kDone : State::kBlocked;
  }
  State Fill(size_t size) {
    std::string data(size, 0);
    const ssize_t n = recv(fd_, data.data(), size, 0);
    if (n > 0) in_.append(data, 0, static_cast<size_t>(n));
    return n > 0 ? State::kDone : n == 0 ? State::kEnd : State::kBlocked;
  }

  const bool client_;
  int fd_ = -1;
  bool greeted_ = false;
  bool ended_ = false;
  std::string in_;
  std::string out_;
  std::string failure_;
  std::shared_ptr<const SecurityInfo> security_;
};

struct Recorder final : ConnectionEvents {
  void OnConnected() override {
    log += "connected ";
    if (on_connected) on_connected();
  }
  void OnData(buffer::Buffer& data, bool end) override {
    received += data.ToString();
    data.Clear();
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
  std::function<void()> on_connected;
  std::function<void()> on_data;
  CloseReason closed_by = CloseReason::kLocal;
};

class TransportSocketTest : public testing::Test {
 protected:
  // The server's end is the connection, the other end in the test's hands.
  void Open() {
    int fds[2];
    ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    peer_ = fds[1];
    auto transport = std::make_unique<SwappingSocket>(/*client=*/false);
    transport_ = transport.get();
    connection_ = std::make_unique<Connection>(loop_, pool_, events_, fds[0], Address(), ConnectionLimits(),
                                               std::move(transport));
    ASSERT_TRUE(connection_->Start());
    Turns();
  }
  void OpenAndGreet() {
    Open();
    PeerSends("hi");
    ASSERT_EQ(PeerReads(), "ho");
    ASSERT_EQ(events_.log, "connected ");
    events_.log.clear();
  }
  void TearDown() override {
    if (peer_ >= 0) close(peer_);
    connection_.reset();
    EXPECT_EQ(pool_.bytes_in_use(), 0u);
  }
  void Turns() {
    for (int i = 0; i < 4; ++i) loop_.RunOnce();
  }
  void PeerSends(std::string_view text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), send(peer_, text.data(), text.size(), MSG_NOSIGNAL));
    Turns();
  }
  void PeerEnds() {
    shutdown(peer_, SHUT_WR);
    Turns();
  }
  std::string PeerReads(bool* fin = nullptr) {
    std::string out;
    char data[65536];
    ssize_t n;
    while ((n = recv(peer_, data, sizeof(data), MSG_DONTWAIT)) > 0) out.append(data, static_cast<size_t>(n));
    if (fin != nullptr) *fin = n == 0;
    return out;
  }
  static std::string Record(std::string_view text) { return SwappingSocket::Record(text); }
  static std::string End() { return std::string(1, '\0'); }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  buffer::SlicePool pool_;
  Recorder events_;
  SwappingSocket* transport_ = nullptr;
  std::unique_ptr<Connection> connection_;
  int peer_ = -1;
};

TEST_F(TransportSocketTest, ConnectedComesAfterTheHandshake) {
  Open();
  EXPECT_EQ(events_.log, "");
  EXPECT_TRUE(connection_->connecting());
  PeerSends("h");
  EXPECT_EQ(events_.log, "");
  PeerSends("i");
  EXPECT_EQ(events_.log, "connected ");
  EXPECT_FALSE(connection_->connecting());
  EXPECT_EQ(PeerReads(), "ho");
}

TEST_F(TransportSocketTest, DataThatCameWithTheHandshakeIsDelivered) {
  Open();
  PeerSends("hi" + Record("early"));
  EXPECT_EQ(events_.log, "connected ");
  EXPECT_EQ(events_.received, "early");
}

TEST_F(TransportSocketTest, WhatWasWrittenBeforeIsSentAfterTheHandshake) {
  Open();
  connection_->write_buffer().Append("first");
  connection_->FlushSoon();
  Turns();
  EXPECT_EQ(PeerReads(), "");
  PeerSends("hi");
  EXPECT_EQ(PeerReads(), "ho" + Record("first"));
}

TEST_F(TransportSocketTest, AnAnswerGoesOutInOneWrite) {
  OpenAndGreet();
  events_.on_data = [&] {
    connection_->write_buffer().Append("one ");
    connection_->FlushSoon();
    connection_->write_buffer().Append("two");
    connection_->FlushSoon();
  };
  PeerSends(Record("ask"));
  EXPECT_EQ(PeerReads(), Record("one two"));
  EXPECT_EQ(transport_->writes, 1);
  EXPECT_EQ(connection_->bytes_read(), 3u);
  EXPECT_EQ(connection_->bytes_written(), 7u);
}

TEST_F(TransportSocketTest, AFailedHandshakeIsAFailedConnect) {
  Open();
  PeerSends("GET / HTTP/1.1\r\n");
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kConnectFailed);
  EXPECT_EQ(connection_->transport_failure(), "no greeting");
}

TEST_F(TransportSocketTest, AnEndWithinTheHandshakeIsAFailure) {
  Open();
  PeerSends("h");
  PeerEnds();
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kConnectFailed);
  EXPECT_EQ(connection_->transport_failure(), "the peer left");
}

TEST_F(TransportSocketTest, ABrokenRecordEndsTheConnection) {
  OpenAndGreet();
  PeerSends("\x05!");
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kRemoteReset);
  EXPECT_EQ(connection_->transport_failure(), "a broken record");
}

TEST_F(TransportSocketTest, TheTransportsEndIsTheEnd) {
  OpenAndGreet();
  PeerSends(Record("last") + End());
  EXPECT_EQ(events_.received, "last");
  EXPECT_EQ(events_.log, "end ");
  // What follows means nothing, the FIN included.
  PeerSends(Record("more"));
  PeerEnds();
  EXPECT_EQ(events_.received, "last");
  EXPECT_EQ(events_.log, "end ");
  EXPECT_FALSE(connection_->closed());
}

TEST_F(TransportSocketTest, AFinWithoutTheTransportsEndIsTheEndToo) {
  OpenAndGreet();
  ASSERT_EQ(5, send(peer_, Record("last").data(), 5, 0));
  PeerEnds();
  EXPECT_EQ(events_.received, "last");
  EXPECT_EQ(events_.log, "end ");
}

TEST_F(TransportSocketTest, APauseStopsTheTransportToo) {
  OpenAndGreet();
  connection_->PauseReading();
  PeerSends(Record("held"));
  int unread = 0;
  ASSERT_EQ(0, ioctl(connection_->fd(), FIONREAD, &unread));
  EXPECT_EQ(unread, 5);
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.received, "held");
}

TEST_F(TransportSocketTest, APauseDoesNotHoldUpTheHandshake) {
  Open();
  connection_->PauseReading();
  PeerSends("hi" + Record("held"));
  EXPECT_EQ(events_.log, "connected ");
  EXPECT_EQ(events_.received, "");
  connection_->ResumeReading();
  Turns();
  EXPECT_EQ(events_.received, "held");
}

TEST_F(TransportSocketTest, HalfCloseEndsTheTransportThenTheSocket) {
  OpenAndGreet();
  connection_->write_buffer().Append("bye");
  connection_->ShutdownWriteAfterFlush();
  Turns();
  bool fin = false;
  EXPECT_EQ(PeerReads(&fin), Record("bye") + End());
  EXPECT_TRUE(fin);
  EXPECT_EQ(transport_->writes, 1);
  PeerSends(Record("still here"));
  EXPECT_EQ(events_.received, "still here");
}

TEST_F(TransportSocketTest, CloseAfterFlushWaitsForWhatTheTransportHolds) {
  OpenAndGreet();
  connection_->write_buffer().Append(std::string(4 << 20, 'w'));
  connection_->CloseAfterFlush(Duration::zero());
  Turns();
  EXPECT_TRUE(connection_->write_buffer().empty());
  EXPECT_GT(connection_->unsent(), 0u);
  EXPECT_FALSE(connection_->closed());
  size_t taken = 0;
  for (int i = 0; i < 100'000 && !connection_->closed(); ++i) {
    taken += PeerReads().size();
    Turns();
  }
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
  EXPECT_GT(taken + PeerReads().size(), size_t{4} << 20);
}

TEST_F(TransportSocketTest, LingeringReadsNothingThroughTheTransport) {
  OpenAndGreet();
  connection_->CloseAfterFlush(seconds(1));
  Turns();
  EXPECT_EQ(PeerReads(), End());
  PeerSends("no record at all");
  EXPECT_EQ(events_.received, "");
  PeerEnds();
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
}

TEST_F(TransportSocketTest, ClosingWithinTheHandshakeIsQuiet) {
  Open();
  connection_->CloseAfterFlush(seconds(1));
  Turns();
  EXPECT_EQ(PeerReads(), "");
  EXPECT_EQ(events_.log, "closed ");
  EXPECT_EQ(events_.closed_by, CloseReason::kLinger);
}

TEST_F(TransportSocketTest, CloseTellsThePeerUnlessOutputIsLost) {
  OpenAndGreet();
  connection_->Close();
  EXPECT_EQ(PeerReads(), End());
}

TEST_F(TransportSocketTest, ACloseThatLosesOutputIsNoEnd) {
  OpenAndGreet();
  connection_->write_buffer().Append("lost");
  connection_->Close();
  bool fin = false;
  EXPECT_EQ(PeerReads(&fin), "");
  EXPECT_TRUE(fin);
}

TEST_F(TransportSocketTest, TheOwnerMayCloseWhenConnected) {
  Open();
  events_.on_connected = [&] { connection_->Close(); };
  PeerSends("hi" + Record("never seen"));
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(events_.received, "");
}

TEST_F(TransportSocketTest, AClientSpeaksFirst) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const Address any = Address::FromIp("127.0.0.1", 0).value();
  ASSERT_EQ(0, bind(listener, any.sockaddr_ptr(), any.length()));
  ASSERT_EQ(0, listen(listener, 1));
  int error = 0;
  connection_ = Connection::Connect(loop_, pool_, events_, LocalAddress(listener), {}, {},
                                    std::make_unique<SwappingSocket>(/*client=*/true), &error);
  ASSERT_NE(connection_, nullptr);
  connection_->write_buffer().Append("ask");
  Turns();
  peer_ = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  close(listener);
  EXPECT_EQ(PeerReads(), "hi");
  EXPECT_EQ(events_.log, "");
  PeerSends("ho" + Record("answer"));
  EXPECT_EQ(events_.log, "connected ");
  EXPECT_EQ(events_.received, "answer");
  EXPECT_EQ(PeerReads(), Record("ask"));
}

}  // namespace
}  // namespace nuncio::net
