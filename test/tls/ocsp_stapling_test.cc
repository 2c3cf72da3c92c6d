#include <string>

#include "gtest/gtest.h"
#include "source/tls/ocsp_response.h"
#include "source/tls/ssl_security_info.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

using Policy = ServerContextConfig::OcspPolicy;

// A client that asks for a staple, over memory: what the server stapled.
class OcspStaplingTest : public TlsPairTest {
 protected:
  void Staple(std::string response, Policy policy = Policy::kLenient) {
    server_config_.common.certificates[0].ocsp_staple = std::move(response);
    server_config_.ocsp_policy = policy;
    server_context_ = nullptr;
    client_context_ = nullptr;
    MakeContexts();
    if (client_context_ != nullptr) SSL_CTX_enable_ocsp_stapling(client_context_->ssl_ctx());
    Reopen();
  }
  std::string Received() {
    const uint8_t* bytes = nullptr;
    size_t size = 0;
    const auto& info = dynamic_cast<const SslSecurityInfo&>(client_.security());
    SSL_get0_ocsp_response(info.ssl(), &bytes, &size);
    return std::string(reinterpret_cast<const char*>(bytes), size);
  }
};

TEST_F(OcspStaplingTest, AFreshResponseIsStapledForThoseWhoAsk) {
  const std::string response = MakeOcspResponse(identity_, kEpoch, 3600);
  Staple(response);
  ExpectConnected();
  EXPECT_EQ(Received(), response);
  EXPECT_EQ(server_counters().ocsp_staple_requests.value(), 1u);
  EXPECT_EQ(server_counters().ocsp_staple_responses.value(), 1u);
  client_context_ = nullptr;
  sessions_ = std::make_shared<ClientSessions>();
  Reopen();
  ExpectConnected();
  EXPECT_EQ(Received(), "");
  EXPECT_EQ(server_counters().ocsp_staple_requests.value(), 1u);
}

TEST_F(OcspStaplingTest, AnExpiredResponseIsLeftOutOrRefusedByPolicy) {
  const std::string response = MakeOcspResponse(identity_, kEpoch, -30);
  Staple(response);
  ExpectConnected();
  EXPECT_EQ(Received(), "");
  EXPECT_EQ(server_counters().ocsp_staple_omitted.value(), 1u);
  Staple(response, Policy::kStrict);
  EXPECT_FALSE(server_.connected());
  EXPECT_EQ(server_counters().ocsp_staple_failed.value(), 1u);
  EXPECT_NE(server_.connection->transport_failure().find("no fresh OCSP response"), std::string_view::npos);
  Staple(response, Policy::kMustStaple);
  EXPECT_FALSE(server_.connected());
}

TEST_F(OcspStaplingTest, WithoutAResponseStrictGoesOn) {
  Staple("", Policy::kStrict);
  ExpectConnected();
  EXPECT_EQ(server_counters().ocsp_staple_omitted.value(), 1u);
}

TEST_F(OcspStaplingTest, AResponseEndsWithTime) {
  Staple(MakeOcspResponse(identity_, kEpoch, 3600), Policy::kMustStaple);
  ExpectConnected();
  clock_.Advance(std::chrono::hours(2));
  Turns();
  sessions_ = std::make_shared<ClientSessions>();
  Reopen();
  EXPECT_FALSE(server_.connected());
}

TEST_F(OcspStaplingTest, ConfigurationsThatCannotStapleAreRefused) {
  server_config_.ocsp_policy = Policy::kMustStaple;
  EXPECT_EQ(ServerFault(), "tls_certificates[0].ocsp_staple: is missing, and ocsp_staple_policy is MUST_STAPLE");
  server_config_.ocsp_policy = Policy::kLenient;
  const Identity other = Issue({.name = "other"}, &authority_, kEpoch);
  server_config_.common.certificates[0].ocsp_staple = MakeOcspResponse(other, kEpoch, 60);
  EXPECT_EQ(ServerFault(), "tls_certificates[0].ocsp_staple: is for another certificate");
  server_config_.common.certificates[0].ocsp_staple = MakeOcspResponse(identity_, kEpoch, 60, /*status=*/6);
  EXPECT_EQ(ServerFault(), "tls_certificates[0].ocsp_staple: is an OCSP response without success, status 6");
  server_config_.common.certificates[0].ocsp_staple = "rubbish";
  EXPECT_EQ(ServerFault(), "tls_certificates[0].ocsp_staple: is no OCSP response in DER form");
  const Identity must = Issue({.name = "must", .must_staple = true}, &authority_, kEpoch);
  server_config_.common.certificates = {ConfigOf(must)};
  EXPECT_EQ(ServerFault(), "tls_certificates[0].ocsp_staple: is missing, and the certificate says must-staple");
}

TEST_F(OcspStaplingTest, NoPartOfAResponseIsReadPastItsEnd) {
  const std::string response = MakeOcspResponse(identity_, kEpoch, 3600);
  for (size_t n = 0; n < response.size(); ++n) EXPECT_FALSE(OcspResponse::Parse(response.substr(0, n)).ok()) << n;
  EXPECT_FALSE(OcspResponse::Parse(response + "x").ok());
  const auto whole = OcspResponse::Parse(response);
  ASSERT_TRUE(whole.ok());
  EXPECT_TRUE(whole->FreshAt(clock_.System()));
  EXPECT_FALSE(whole->FreshAt(clock_.System() - std::chrono::hours(1)));
  EXPECT_FALSE(whole->FreshAt(clock_.System() + std::chrono::hours(1)));
}

}  // namespace
}  // namespace nuncio::tls
