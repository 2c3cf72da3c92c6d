#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace {

struct Calls {
  int receives = 0;
  int sends = 0;
};
Calls calls;

ssize_t Outcome(long result) { return static_cast<ssize_t>(result); }

}  // namespace

// In place of the C library's: what the connections ask of the kernel, counted.
extern "C" ssize_t recv(int fd, void* data, size_t size, int flags) {
  ++calls.receives;
  return Outcome(syscall(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr));
}
extern "C" ssize_t readv(int fd, const iovec* parts, int count) {
  ++calls.receives;
  return Outcome(syscall(SYS_readv, fd, parts, count));
}
extern "C" ssize_t send(int fd, const void* data, size_t size, int flags) {
  ++calls.sends;
  return Outcome(syscall(SYS_sendto, fd, data, size, flags, nullptr, 0));
}
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  ++calls.sends;
  return Outcome(syscall(SYS_sendmsg, fd, message, flags));
}

namespace nuncio::tls {
namespace {

// A descriptor with an event in each turn.
class AlwaysReady final : private event::FdHandler {
 public:
  explicit AlwaysReady(event::EventLoop& loop) : loop_(loop), fd_(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)) {
    EXPECT_EQ(loop_.RegisterReadOnly(fd_, *this, /*level=*/true), 0);
  }
  ~AlwaysReady() {
    loop_.Unregister(fd_, *this);
    close(fd_);
  }

 private:
  void OnFdEvents(uint32_t) override {}

  event::EventLoop& loop_;
  const int fd_;
};

class SyscallTest : public TlsPairTest {
 protected:
  void SetUp() override {
    server_.on_data = [this] {
      if (server_.received.size() < expected_) return;
      server_.received.clear();
      server_.connection->write_buffer().Append(answer_);
      server_.connection->FlushSoon();
    };
    Open();
    Exchange();
    Exchange();
  }
  void Exchange() {
    client_.received.clear();
    client_.connection->write_buffer().Append(std::string(expected_, 'q'));
    client_.connection->FlushSoon();
    Turns();
    ASSERT_EQ(client_.received.size(), answer_.size());
  }

  // Of an answer of that size, whose calls are counted.
  void ExchangeOf(size_t answer) {
    answer_ = std::string(answer, 'a');
    calls = {};
    Exchange();
  }

  size_t expected_ = 200;
  std::string answer_ = std::string(1000, 'a');
};

TEST_F(SyscallTest, AnExchangeIsOneReceiveAndOneSendOnEachSide) {
  calls = {};
  Exchange();
  EXPECT_EQ(calls.receives, 2);
  EXPECT_EQ(calls.sends, 2);
}

TEST_F(SyscallTest, ManyRecordsAreOneSendAndOneReceive) {
  // More than a record, and within the first, small ones. Of what is more than a full one, see below.
  ExchangeOf(16'000);
  EXPECT_EQ(calls.receives, 2);
  EXPECT_EQ(calls.sends, 2);
}

TEST_F(SyscallTest, WhereNothingElseIsToBeDoneTheFirstFullRecordGoesAhead) {
  ExchangeOf(20'000);
  EXPECT_EQ(calls.sends, 3);
}

TEST_F(SyscallTest, WhereTheLoopIsBusyNoRecordGoesAhead) {
  AlwaysReady other(loop_);
  ExchangeOf(20'000);
  EXPECT_EQ(calls.receives, 2);
  EXPECT_EQ(calls.sends, 2);
}

TEST_F(SyscallTest, NorOfWhatIsManySegmentsAnyway) {
  ExchangeOf(100'000);
  EXPECT_EQ(calls.sends, 2);
}

TEST_F(SyscallTest, TheHandshakeIsAFewCalls) {
  server_.connection.reset();
  client_.connection.reset();
  calls = {};
  Reopen();
  ExpectConnected();
  // Client: hello, Finished. Server: its flight, and tickets with the first answer.
  EXPECT_EQ(calls.sends, 3);
  EXPECT_LE(calls.receives, 8);
}

}  // namespace
}  // namespace nuncio::tls
