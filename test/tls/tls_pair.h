#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/net/connection.h"
#include "source/net/socket_options.h"
#include "source/telemetry/scope_name.h"
#include "source/telemetry/ssl_stats.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/client_context.h"
#include "source/tls/server_context.h"
#include "test/tls/test_pki.h"

namespace nuncio::tls {

// One end of a connection, what it was told and what it received.
struct End final : net::ConnectionEvents {
  void OnConnected() override { log += "connected "; }
  void OnData(buffer::Buffer& data, bool end) override {
    if (!keep) {
      data.ForEachRun([&](std::string_view run) { received.append(run); });
      data.Clear();
    }
    if (end) log += "end ";
    if (on_data) on_data();
  }
  void OnClosed(net::CloseReason reason) override {
    log += "closed ";
    closed_by = reason;
  }
  void OnWriteBufferHigh() override { high = true; }
  void OnWriteBufferLow() override { high = false; }

  const net::SecurityInfo& security() const { return *connection->security(); }
  bool connected() const { return log.find("connected") != std::string::npos; }

  std::string log;
  std::string received;
  bool keep = false;
  bool high = false;
  std::function<void()> on_data;
  net::CloseReason closed_by = net::CloseReason::kLocal;
  std::unique_ptr<net::Connection> connection;
};

// A server and a client of ours on one loop, over a socket pair.
class TlsPairTest : public testing::Test {
 protected:
  static constexpr int64_t kEpoch = 1767225600;  // Where SimulatedClock begins.

  TlsPairTest() {
    authority_ = Issue({.name = "Test CA", .ca = true}, nullptr, kEpoch);
    identity_ = Issue({.name = "server", .dns = {"server.example"}}, &authority_, kEpoch);
    server_config_.common.certificates = {ConfigOf(identity_)};
    client_config_.common.validation.emplace();
    client_config_.common.validation->trusted_ca = authority_.Pem();
    client_config_.sni = "server.example";
  }
  ~TlsPairTest() override {
    server_.connection.reset();
    client_.connection.reset();
    loop_.RunOnce();
    if (listener_ >= 0) close(listener_);
    EXPECT_EQ(pool_.bytes_in_use(), 0u);
  }

  static CertificateConfig ConfigOf(const Identity& identity) {
    CertificateConfig config;
    config.chain = identity.Pem();
    config.private_key = identity.KeyPem();
    return config;
  }

  // Contexts of the configurations, unless the test has made some already.
  void MakeContexts() {
    const SystemTime now = clock_.System();
    if (server_context_ == nullptr) {
      auto context = ServerContext::Create(server_config_, now);
      ASSERT_TRUE(context.ok()) << context.status();
      server_context_ = *std::move(context);
    }
    if (client_context_ == nullptr) {
      auto context = ClientContext::Create(client_config_, now);
      ASSERT_TRUE(context.ok()) << context.status();
      client_context_ = *std::move(context);
    }
  }

  void Open(ClientContext::SocketOptions client = {}, ServerContext::SocketOptions server = {}) {
    MakeContexts();
    if (testing::Test::HasFatalFailure()) return;
    if (listener_ < 0) {
      listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const net::Address any = net::Address::FromIp("127.0.0.1", 0).value();
      ASSERT_EQ(0, bind(listener_, any.sockaddr_ptr(), any.length()));
      ASSERT_EQ(0, listen(listener_, 16));
    }
    server.stats = &server_stats_;
    client.stats = &client_stats_;
    client.sessions = sessions_;
    int error = 0;
    const net::Address to = net::Address::FromIp(connect_to_, net::LocalAddress(listener_).port()).value();
    client_.connection = net::Connection::Connect(loop_, pool_, client_, to, {}, limits_,
                                                  client_context_->NewSocket(std::move(client)), &error);
    ASSERT_NE(client_.connection, nullptr) << error;
    client_.connection->write_buffer().Append(early_);
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_TRUE(net::SetNoDelay(fd));
    server_.connection = std::make_unique<net::Connection>(loop_, pool_, server_, fd, net::Address(), limits_,
                                                           server_context_->NewSocket(std::move(server)));
    ASSERT_TRUE(server_.connection->Start());
    Turns();
  }
  // A fresh pair of the same contexts.
  void Reopen(ClientContext::SocketOptions client = {}, ServerContext::SocketOptions server = {}) {
    server_.connection.reset();
    client_.connection.reset();
    server_.log.clear();
    client_.log.clear();
    server_.received.clear();
    client_.received.clear();
    Open(std::move(client), std::move(server));
  }
  void ExpectConnected() {
    EXPECT_TRUE(server_.connected()) << server_.connection->transport_failure();
    EXPECT_TRUE(client_.connected()) << client_.connection->transport_failure();
  }

  void Turns(int count = 12) {
    for (int i = 0; i < count; ++i) loop_.RunOnce();
  }
  void Send(End& from, std::string_view text) {
    from.connection->write_buffer().Append(text);
    from.connection->FlushSoon();
    Turns();
  }
  // The fault that Create has, of the server's configuration.
  std::string ServerFault() {
    const auto context = ServerContext::Create(server_config_, clock_.System());
    return context.ok() ? "none" : std::string(ToStd(context.status().message()));
  }
  std::string ClientFault() {
    const auto context = ClientContext::Create(client_config_, clock_.System());
    return context.ok() ? "none" : std::string(ToStd(context.status().message()));
  }
  telemetry::SslCounters& server_counters() { return server_stats_.counters(); }
  telemetry::SslCounters& client_counters() { return client_stats_.counters(); }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  buffer::SlicePool pool_;
  telemetry::StatsStore store_;
  telemetry::SslStats server_stats_{store_.GetScope(telemetry::ScopeName().Add("server")), 0};
  telemetry::SslStats client_stats_{store_.GetScope(telemetry::ScopeName().Add("client")), 0};
  net::ConnectionLimits limits_;
  Identity authority_;
  Identity identity_;
  ServerContextConfig server_config_;
  ClientContextConfig client_config_;
  std::shared_ptr<const ServerContext> server_context_;
  std::shared_ptr<const ClientContext> client_context_;
  std::shared_ptr<ClientSessions> sessions_ = std::make_shared<ClientSessions>();
  End server_;
  End client_;
  std::string early_;  // Written by the client before its handshake.
  int listener_ = -1;
  std::string connect_to_ = "127.0.0.1";
};

}  // namespace nuncio::tls
