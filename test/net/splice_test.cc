#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/net/connection.h"

namespace nuncio::net {
namespace {

// A TCP connection on loopback; `second` does not block.
void Connect(int* first, int* second) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(0, bind(listener, reinterpret_cast<sockaddr*>(&address), length));
  ASSERT_EQ(0, listen(listener, 1));
  ASSERT_EQ(0, getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length));
  *first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(0, connect(*first, reinterpret_cast<sockaddr*>(&address), length));
  *second = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  ASSERT_GE(*second, 0);
  close(listener);
}

// One side of what joins two connections, as its users do it.
struct Side final : ConnectionEvents {
  void OnConnected() override {}
  void OnData(buffer::Buffer& data, bool end) override {
    if (other->connection->closed()) return data.Clear();
    if (!data.empty()) {
      other->connection->write_buffer().MoveFrom(data);
      other->connection->FlushSoon();
    }
    if (end) other->connection->ShutdownWriteAfterFlush();
  }
  void OnClosed(CloseReason reason) override { closed_by = reason; }
  void OnWriteBufferHigh() override { other->connection->PauseReading(); }
  void OnWriteBufferLow() override { other->connection->ResumeReading(); }

  std::unique_ptr<Connection> connection;
  Side* other = nullptr;
  int peer = -1;
  CloseReason closed_by = CloseReason::kLocal;
};

class SpliceTest : public testing::Test {
 protected:
  void Open() {
    const ConnectionLimits limits;
    left_.other = &right_;
    right_.other = &left_;
    for (Side* side : {&left_, &right_}) {
      int fd = -1;
      Connect(&side->peer, &fd);
      side->connection = std::make_unique<Connection>(loop_, pool_, *side, fd, Address(), limits);
      ASSERT_TRUE(side->connection->Start());
    }
    left_.connection->LeaveInKernel(Connection::kAllInput);
    right_.connection->LeaveInKernel(Connection::kAllInput);
  }

  void TearDown() override {
    for (Side* side : {&left_, &right_}) {
      if (side->peer >= 0) close(std::exchange(side->peer, -1));
      side->connection.reset();
    }
    loop_.RunOnce();
    EXPECT_EQ(pool_.bytes_in_use(), 0u);
  }

  void Turns(int count = 4) {
    for (int i = 0; i < count; ++i) loop_.RunOnce();
  }
  // As much as the kernel takes of the bytes from `at` on; returns where it stopped.
  size_t Send(Side& side, const std::string& text, size_t at) {
    const ssize_t n = send(side.peer, text.data() + at, text.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? at + static_cast<size_t>(n) : at;
  }
  bool Receive(Side& side, std::string* out) {
    const ssize_t n = recv(side.peer, scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (n > 0) out->append(scratch_.data(), static_cast<size_t>(n));
    return n != 0;
  }
  // All of `text` from one side's peer to the other's.
  std::string Pass(Side& from, const std::string& text) {
    std::string out;
    size_t sent = 0;
    for (int i = 0; i < 100'000 && out.size() < text.size(); ++i) {
      if (sent < text.size()) sent = Send(from, text, sent);
      Turns(1);
      Receive(*from.other, &out);
    }
    return out;
  }
  // Nobody reads: what is on its way fills all there is.
  size_t Stuff(Side& from, const std::string& text) {
    size_t sent = 0;
    for (int i = 0; i < 2000; ++i) {
      sent = Send(from, text, sent);
      Turns(1);
    }
    return sent;
  }
  static std::string Text(size_t size) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
    return text;
  }

  event::EventLoop loop_;
  buffer::SlicePool pool_;
  Side left_;
  Side right_;
  std::string scratch_ = std::string(1 << 20, '\0');
};

TEST_F(SpliceTest, MuchGoesThroughAPipeInEitherDirection) {
  Open();
  const std::string text = Text(32 << 20);
  EXPECT_TRUE(Pass(left_, text) == text);
  EXPECT_EQ(pool_.pipes().made(), 1u);
  EXPECT_EQ(left_.connection->bytes_read(), text.size());
  EXPECT_EQ(right_.connection->bytes_written(), text.size());
  EXPECT_TRUE(Pass(right_, text) == text);
  EXPECT_EQ(pool_.pipes().made(), 1u) << "it is returned and lent again";
  EXPECT_EQ(left_.connection->bytes_written(), text.size());
}

TEST_F(SpliceTest, LittleIsCopied) {
  Open();
  const std::string text = Text(20'000);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Pass(left_, text) == text);
  EXPECT_EQ(pool_.pipes().made(), 0u);
}

TEST_F(SpliceTest, MuchAndLittleByTurnsStayInOrder) {
  Open();
  for (const size_t size : {1u << 20, 100u, 8u << 20, 1u, 300'000u, 40'000u, 4u << 20}) {
    const std::string text = Text(size);
    ASSERT_TRUE(Pass(left_, text) == text) << size;
    ASSERT_TRUE(Pass(right_, text) == text) << size;
  }
  EXPECT_GT(pool_.pipes().made(), 0u);
}

TEST_F(SpliceTest, AReaderThatStallsStopsTheSender) {
  Open();
  const std::string text = Text(64 << 20);
  const size_t sent = Stuff(left_, text);
  EXPECT_LT(sent, text.size());
  EXPECT_TRUE(left_.connection->reading_paused());
  EXPECT_GT(right_.connection->unsent(), 0u);
  EXPECT_LT(pool_.bytes_in_use(), 2u << 20);
  EXPECT_EQ(pool_.pipes().made(), 1u) << "what is slow has one pipe and no more";
  std::string out;
  size_t at = sent;
  for (int i = 0; i < 100'000 && out.size() < text.size(); ++i) {
    Receive(right_, &out);
    at = Send(left_, text, at);
    Turns(1);
  }
  EXPECT_TRUE(out == text);
  EXPECT_FALSE(left_.connection->reading_paused());
}

TEST_F(SpliceTest, TheEndComesAfterWhatIsInThePipe) {
  Open();
  const std::string text = Text(64 << 20);
  const size_t sent = Stuff(left_, text);
  shutdown(left_.peer, SHUT_WR);
  Turns();
  std::string out;
  for (int i = 0; i < 100'000 && Receive(right_, &out); ++i) Turns(1);
  EXPECT_EQ(out.size(), sent);
  EXPECT_EQ(out, text.substr(0, sent));
}

TEST_F(SpliceTest, UrgentDataBehindMuchHoldsNothingUp) {
  const std::string text = Text(4 << 20);
  for (const size_t before : {200'000, 230'000, 260'000, 290'000, 320'000, 350'000, 380'000}) {
    for (const bool end : {false, true}) {
      SCOPED_TRACE(testing::Message() << before << " " << end);
      Open();
      ASSERT_TRUE(Pass(left_, text) == text);
      // All of it is there before anything is read.
      const std::string first = text.substr(0, before);
      const std::string second = text.substr(before, 100'000);
      ASSERT_EQ(Send(left_, first, 0), first.size());
      ASSERT_EQ(send(left_.peer, "!", 1, MSG_OOB), 1);
      ASSERT_EQ(Send(left_, second, 0), second.size());
      if (end) shutdown(left_.peer, SHUT_WR);
      std::string out;
      bool open = true;
      for (int i = 0; i < 1000 && open && (end || out.size() < before + second.size()); ++i) {
        Turns(1);
        open = Receive(right_, &out);
      }
      EXPECT_EQ(out.size(), before + second.size());
      EXPECT_TRUE(out == first + second);
      EXPECT_EQ(open, !end);
      TearDown();
    }
  }
}

TEST_F(SpliceTest, UrgentDataAmongLittleHoldsNothingUp) {
  Open();
  std::string expected;
  std::string out;
  for (const std::string& text : {std::string("abc"), std::string(3000, 'x'), std::string("d")}) {
    ASSERT_EQ(Send(left_, text, 0), text.size());
    ASSERT_EQ(send(left_.peer, "!", 1, MSG_OOB), 1);
    ASSERT_EQ(Send(left_, text, 0), text.size());
    expected += text + text;
    for (int i = 0; i < 100 && out.size() < expected.size(); ++i) {
      Turns(1);
      Receive(right_, &out);
    }
    ASSERT_EQ(out, expected);
  }
}

TEST_F(SpliceTest, AReaderThatResetsTakesItsPipeWithIt) {
  Open();
  Stuff(left_, Text(64 << 20));
  const linger reset{1, 0};
  setsockopt(right_.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(right_.peer);
  right_.peer = -1;
  Turns();
  EXPECT_EQ(right_.closed_by, CloseReason::kRemoteReset);
  EXPECT_EQ(right_.connection->unsent(), 0u);
  EXPECT_FALSE(left_.connection->closed());
}

TEST_F(SpliceTest, WhatASourceLeftIsStillWrittenAfterItsEnd) {
  Open();
  const std::string text = Text(64 << 20);
  Stuff(left_, text);
  const size_t read = left_.connection->bytes_read();
  left_.connection->Close();
  right_.connection->CloseAfterFlush(Duration::zero());
  std::string out;
  for (int i = 0; i < 100'000 && Receive(right_, &out); ++i) Turns(1);
  EXPECT_EQ(out.size(), read);
  EXPECT_EQ(right_.closed_by, CloseReason::kLinger);
}

}  // namespace
}  // namespace nuncio::net
