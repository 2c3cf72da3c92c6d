#include <sys/ioctl.h>

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

// Every test in both versions: their records differ.
class TlsConnectionTest : public TlsPairTest, public testing::WithParamInterface<ProtocolVersion> {
 protected:
  TlsConnectionTest() {
    server_config_.common.protocol.min_version = GetParam();
    server_config_.common.protocol.max_version = GetParam();
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsConnectionTest, testing::Values(ProtocolVersion::kTls12, ProtocolVersion::kTls13),
                         [](const auto& info) {
                           return std::string(info.param == ProtocolVersion::kTls12 ? "Tls12" : "Tls13");
                         });

TEST_P(TlsConnectionTest, BytesGoBothWays) {
  Open();
  ExpectConnected();
  Send(client_, "request");
  Send(server_, "answer");
  EXPECT_EQ(server_.received, "request");
  EXPECT_EQ(client_.received, "answer");
  EXPECT_EQ(server_.connection->bytes_read(), 7u);
  EXPECT_EQ(server_.connection->bytes_written(), 6u);
}

TEST_P(TlsConnectionTest, WhatIsWrittenBeforeTheHandshakeIsSentAfterIt) {
  early_ = "first";
  Open();
  EXPECT_EQ(server_.received, "first");
}

TEST_P(TlsConnectionTest, ManySizesArriveWhole) {
  Open();
  std::string sent;
  for (const size_t size : {1u, 1399u, 1400u, 1401u, 16383u, 16384u, 16385u, 32744u, 40960u, 100'000u, 300'000u}) {
    std::string part(size, '\0');
    for (size_t i = 0; i < size; ++i) part[i] = static_cast<char>(i * 7 + size);
    sent += part;
    Send(client_, part);
  }
  for (int i = 0; i < 200 && server_.received.size() < sent.size(); ++i) Turns(1);
  EXPECT_TRUE(server_.received == sent);
}

TEST_P(TlsConnectionTest, OutputOutOfManySlicesIsGathered) {
  Open();
  std::string sent;
  buffer::Buffer& out = client_.connection->write_buffer();
  for (int i = 0; i < 300; ++i) {
    const std::string part(static_cast<size_t>(1 + i * 37 % 3000), static_cast<char>('a' + i % 26));
    buffer::Buffer piece(pool_);
    piece.Append(part);
    out.MoveFrom(piece);
    sent += part;
  }
  client_.connection->FlushSoon();
  for (int i = 0; i < 200 && server_.received.size() < sent.size(); ++i) Turns(1);
  EXPECT_TRUE(server_.received == sent);
}

TEST_P(TlsConnectionTest, ThousandsOfSmallRecords) {
  Open();
  std::string sent;
  for (int i = 0; i < 5000; ++i) {
    const std::string part = std::to_string(i) + ";";
    sent += part;
    client_.connection->write_buffer().Append(part);
    client_.connection->FlushSoon();
    loop_.RunOnce();
  }
  Turns();
  EXPECT_TRUE(server_.received == sent);
}

TEST_P(TlsConnectionTest, AnIdleConnectionHoldsNoSlice) {
  Open();
  Send(client_, std::string(50'000, 'x'));
  Send(server_, std::string(50'000, 'y'));
  Turns();
  EXPECT_EQ(client_.received.size(), 50'000u);
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_P(TlsConnectionTest, HalfCloseIsAnEndAndReadingGoesOn) {
  Open();
  client_.connection->write_buffer().Append("bye");
  client_.connection->ShutdownWriteAfterFlush();
  Turns();
  EXPECT_EQ(server_.received, "bye");
  EXPECT_EQ(server_.log, "connected end ");
  Send(server_, "still here");
  EXPECT_EQ(client_.received, "still here");
  EXPECT_FALSE(server_.connection->closed());
}

TEST_P(TlsConnectionTest, AFinWithoutCloseNotifyIsAnEndToo) {
  Open();
  ASSERT_EQ(0, shutdown(client_.connection->fd(), SHUT_WR));
  Turns();
  EXPECT_EQ(server_.log, "connected end ");
  EXPECT_EQ(server_.connection->transport_failure(), "");
}

TEST_P(TlsConnectionTest, CloseAfterFlushBringsAllAndTheEnd) {
  Open();
  const std::string large(3 << 20, 'z');
  server_.connection->write_buffer().Append(large);
  server_.connection->CloseAfterFlush(std::chrono::seconds(1));
  for (int i = 0; i < 2000 && client_.log != "connected end "; ++i) Turns(1);
  EXPECT_EQ(client_.received.size(), large.size());
  EXPECT_EQ(client_.log, "connected end ");
  client_.connection->Close();
  Turns();
  EXPECT_TRUE(server_.connection->closed());
  EXPECT_EQ(server_.closed_by, net::CloseReason::kLinger);
}

TEST_P(TlsConnectionTest, CloseTellsThePeer) {
  Open();
  client_.connection->Close();
  Turns();
  EXPECT_EQ(server_.log, "connected end ");
}

TEST_P(TlsConnectionTest, AResetIsTold) {
  Open();
  client_.connection->Abort();
  Turns();
  EXPECT_EQ(server_.log, "connected closed ");
  EXPECT_EQ(server_.closed_by, net::CloseReason::kRemoteReset);
}

TEST_P(TlsConnectionTest, AnAnswerIsReadThoughWritingFailed) {
  Open();
  server_.connection->PauseReading();
  Send(client_, std::string(16 << 20, 'u'));
  ASSERT_GT(client_.connection->unsent(), 0u);
  server_.connection->write_buffer().Append("answer");
  server_.connection->ResetAfterFlush();
  // One event tells the client that there is room to write, what came, and the reset.
  Turns();
  EXPECT_EQ(client_.received, "answer");
  EXPECT_EQ(client_.log, "connected closed ");
  EXPECT_EQ(client_.closed_by, net::CloseReason::kRemoteReset);
}

TEST_P(TlsConnectionTest, APauseLeavesRecordsInTheKernel) {
  Open();
  server_.connection->PauseReading();
  Send(client_, "held");
  int unread = 0;
  ASSERT_EQ(0, ioctl(server_.connection->fd(), FIONREAD, &unread));
  EXPECT_GT(unread, 4);
  EXPECT_EQ(server_.received, "");
  server_.connection->ResumeReading();
  Turns();
  EXPECT_EQ(server_.received, "held");
}

// Into a reader that stalls again and again go 64 MiB, and memory stays within what the two connections may hold: the
// owner's mark, the batch of records in flight, and one read.
TEST_P(TlsConnectionTest, AStalledReaderHoldsTheWriterUpAndNothingGrows) {
  limits_.buffer_limit = 256 * 1024;
  Open();
  for (End* const from : {&client_, &server_}) {
    End& to = from == &client_ ? server_ : client_;
    constexpr size_t kTotal = size_t{64} << 20;
    const std::string chunk(64 * 1024, 'b');
    size_t written = 0;
    size_t received = 0;
    size_t most = 0;
    to.received.clear();
    for (int turn = 0; received < kTotal && turn < 100'000; ++turn) {
      while (written < kTotal && !from->high) {
        from->connection->write_buffer().Append(chunk);
        written += chunk.size();
        if (from->connection->write_buffer().length() > limits_.buffer_limit) from->high = true;
      }
      from->connection->FlushSoon();
      if (turn % 16 == 0) to.connection->PauseReading();
      if (turn % 16 == 8) to.connection->ResumeReading();
      loop_.RunOnce();
      if (from->connection->write_buffer().length() < limits_.buffer_limit / 2) from->high = false;
      received += to.received.size();
      to.received.clear();
      most = std::max(most, pool_.bytes_in_use());
    }
    EXPECT_EQ(received, kTotal);
    EXPECT_LT(most, size_t{1} << 20);
    from->high = false;
  }
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_P(TlsConnectionTest, TheFirstRecordsAreSmallAndSoAreThoseAfterAPause) {
  Open();
  // Sizes of records as they stand in the server's kernel buffer.
  const auto records = [&](size_t bytes) {
    server_.connection->PauseReading();
    client_.connection->write_buffer().Append(std::string(bytes, 'r'));
    client_.connection->FlushSoon();
    Turns();
    std::string wire(bytes * 2, '\0');
    const ssize_t n = recv(server_.connection->fd(), wire.data(), wire.size(), MSG_PEEK | MSG_DONTWAIT);
    std::vector<size_t> sizes;
    for (size_t at = 0; at + 5 <= static_cast<size_t>(n);) {
      sizes.push_back(static_cast<uint8_t>(wire[at + 3]) * 256u + static_cast<uint8_t>(wire[at + 4]));
      at += 5 + sizes.back();
    }
    server_.connection->ResumeReading();
    Turns();
    return sizes;
  };
  const auto largest = [](const std::vector<size_t>& sizes) { return *std::max_element(sizes.begin(), sizes.end()); };
  EXPECT_LT(largest(records(20'000)), 1460u);
  records(30'000);
  EXPECT_GT(largest(records(40'000)), 16'000u);
  clock_.Advance(std::chrono::milliseconds(900));
  EXPECT_GT(largest(records(40'000)), 16'000u);
  clock_.Advance(std::chrono::milliseconds(1100));
  Turns();
  EXPECT_LT(largest(records(20'000)), 1460u);
}

TEST_P(TlsConnectionTest, WhatIsKnownOutlivesTheConnection) {
  Open();
  const std::shared_ptr<const net::SecurityInfo> known = client_.connection->shared_security();
  client_.connection->Close();
  client_.connection.reset();
  client_context_.reset();
  EXPECT_EQ(known->sni(), "server.example");
  EXPECT_EQ(known->version(), GetParam() == ProtocolVersion::kTls12 ? "TLSv1.2" : "TLSv1.3");
  ASSERT_NE(known->peer_certificate(), nullptr);
  EXPECT_EQ(known->peer_certificate()->dns_sans, std::vector<std::string>{"server.example"});
}

}  // namespace
}  // namespace nuncio::tls
