#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

std::string TicketKeyText(char c) { return std::string(TicketKey::kSize, c); }

class SessionTest : public TlsPairTest, public testing::WithParamInterface<ProtocolVersion> {
 protected:
  SessionTest() {
    server_config_.common.protocol.min_version = GetParam();
    server_config_.common.protocol.max_version = GetParam();
  }
  bool tls13() const { return GetParam() == ProtocolVersion::kTls13; }
  // Opens a connection with some traffic, so that tickets of TLS 1.3 arrive. Whether it resumed a session.
  bool Resumes(std::string host = "10.0.0.1:443") {
    ClientContext::SocketOptions options;
    options.host = std::move(host);
    Reopen(std::move(options));
    ExpectConnected();
    if (!server_.connected() || !client_.connected()) return false;
    Send(server_, "x");
    EXPECT_EQ(client_.received, "x");
    EXPECT_EQ(server_.security().session_reused(), client_.security().session_reused());
    return server_.security().session_reused();
  }
  void NewServer() {
    server_context_ = nullptr;
    MakeContexts();
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest, testing::Values(ProtocolVersion::kTls12, ProtocolVersion::kTls13),
                         [](const auto& info) {
                           return std::string(info.param == ProtocolVersion::kTls12 ? "Tls12" : "Tls13");
                         });

TEST_P(SessionTest, TheSecondConnectionResumes) {
  EXPECT_FALSE(Resumes());
  EXPECT_TRUE(Resumes());
  EXPECT_EQ(server_counters().session_reused.value(), 1u);
  EXPECT_EQ(client_counters().session_reused.value(), 1u);
  EXPECT_EQ(client_.security().peer_certificate()->subject, "CN=server,O=Nuncio");
}

TEST_P(SessionTest, SessionsBelongToTheirHostAndName) {
  EXPECT_FALSE(Resumes("10.0.0.1:443"));
  EXPECT_FALSE(Resumes("10.0.0.2:443"));
  EXPECT_TRUE(Resumes("10.0.0.1:443"));
  ClientContext::SocketOptions options;
  options.host = "10.0.0.1:443";
  options.sni = "other.example";
  Reopen(std::move(options));
  EXPECT_FALSE(client_.security().session_reused());
}

TEST_P(SessionTest, AnotherContextOfTheClientBeginsAnew) {
  EXPECT_FALSE(Resumes());
  client_context_ = nullptr;
  EXPECT_FALSE(Resumes());
}

TEST_P(SessionTest, NoneAreKeptWhereNoneAreWanted) {
  client_config_.max_sessions = 0;
  EXPECT_FALSE(Resumes());
  EXPECT_FALSE(Resumes());
  EXPECT_EQ(sessions_->size(), 0u);
}

TEST_P(SessionTest, OfOneHostAsManyAreKeptAsAllowed) {
  client_config_.max_sessions = 3;
  for (int i = 0; i < 10; ++i) Resumes();
  // TLS 1.2 goes on with one session; TLS 1.3 gets new ones each time.
  EXPECT_EQ(sessions_->size(), tls13() ? 3u : 1u);
}

TEST_P(SessionTest, SessionsAreBounded) {
  Resumes("host");
  const bssl::UniquePtr<SSL_SESSION> session = sessions_->Take(*client_context_, "host\nserver.example");
  ASSERT_NE(session, nullptr);
  // One session under many names.
  for (size_t i = 0; i < ClientSessions::kMax + 20; ++i) {
    sessions_->Put(*client_context_, std::to_string(i), bssl::UpRef(session));
  }
  EXPECT_EQ(sessions_->size(), ClientSessions::kMax);
  EXPECT_EQ(sessions_->Take(*client_context_, "5"), nullptr);
  EXPECT_NE(sessions_->Take(*client_context_, std::to_string(ClientSessions::kMax)), nullptr);
}

TEST_P(SessionTest, ResumptionOutlivesAnUpdateOfTheServer) {
  EXPECT_FALSE(Resumes());
  server_config_.common.alpn = {"h2"};
  NewServer();
  EXPECT_TRUE(Resumes());
}

TEST_P(SessionTest, ButNotAnotherCertificateOrAnotherJudgement) {
  EXPECT_FALSE(Resumes());
  server_config_.common.validation.emplace();
  server_config_.common.validation->trusted_ca = authority_.Pem();
  NewServer();
  EXPECT_FALSE(Resumes());
  identity_ = Issue({.name = "server", .dns = {"server.example"}}, &authority_, kEpoch);
  server_config_.common.certificates = {ConfigOf(identity_)};
  NewServer();
  EXPECT_FALSE(Resumes());
  EXPECT_TRUE(Resumes());
}

TEST_P(SessionTest, GivenKeysAreRotated) {
  const auto with = [&](std::vector<std::string> keys) {
    server_config_.ticket_keys = std::move(keys);
    NewServer();
    return Resumes();
  };
  EXPECT_FALSE(with({TicketKeyText('a')}));
  EXPECT_TRUE(with({TicketKeyText('a')}));
  // The new one encrypts, the old one still opens.
  EXPECT_TRUE(with({TicketKeyText('b'), TicketKeyText('a')}));
  // What was encrypted by the first of them.
  EXPECT_TRUE(with({TicketKeyText('b')}));
  EXPECT_FALSE(with({TicketKeyText('c')}));
}

TEST_P(SessionTest, TicketsCanBeTurnedOff) {
  server_config_.disable_tickets = true;
  server_config_.disable_session_cache = true;
  EXPECT_FALSE(Resumes());
  EXPECT_FALSE(Resumes());
  // TLS 1.2 has another way: the server keeps the session.
  server_config_.disable_session_cache = false;
  NewServer();
  EXPECT_FALSE(Resumes());
  EXPECT_EQ(Resumes(), !tls13());
}

TEST_P(SessionTest, SessionsEndAfterTheirTimeout) {
  server_config_.session_timeout = std::chrono::seconds(60);
  EXPECT_FALSE(Resumes());
  clock_.Advance(std::chrono::seconds(30));
  EXPECT_TRUE(Resumes());
  clock_.Advance(std::chrono::seconds(100));
  EXPECT_FALSE(Resumes());
}

TEST_P(SessionTest, ASessionOfTls13ServesOnce) {
  client_config_.max_sessions = 1;
  EXPECT_FALSE(Resumes());
  ASSERT_EQ(sessions_->size(), 1u);
  ClientContext::SocketOptions options;
  options.host = "10.0.0.1:443";
  Reopen(std::move(options));
  // Before the server's new tickets came.
  EXPECT_EQ(sessions_->size(), tls13() ? 0u : 1u);
}

TEST_P(SessionTest, AnIdOfTheSessionIsShownInHex) {
  Resumes();
  const std::string id(server_.security().session_id());
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace nuncio::tls
