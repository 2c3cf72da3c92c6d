#include "api/linked.h"
#include "envoy/admin/v3/certs.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "test/admin/admin_fixture.h"
#include "test/tls/test_pki.h"

namespace nuncio::admin {
namespace {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;
using testing::HasSubstr;
using testing::Not;
using tls::Identity;
using tls::Issue;

class CertsTest : public AdminFixture {
 protected:
  static constexpr int64_t kEpoch = 1767225600;  // Where SimulatedClock begins.
  static constexpr int64_t kYears = int64_t{3650} * 86400;

  CertsTest() { api::LinkAllMessages(); }

  static void Fill(const Identity& identity, v3::TlsCertificate& out) {
    out.mutable_certificate_chain()->set_inline_string(identity.Pem());
    out.mutable_private_key()->set_inline_string(identity.KeyPem());
  }
  // Held by the caller, as listeners and clusters do.
  std::shared_ptr<tls::LiveServerContext> Acquire(const v3::DownstreamTlsContext& message) {
    config::Faults faults;
    auto config = tls::CompileDownstreamTls(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    return contexts_.AcquireServer(config, "l", "l", faults);
  }
  envoy::admin::v3::Certificates Certs(size_t slice = 4096) {
    envoy::admin::v3::Certificates out;
    const std::string json = Body(Ask("/certs"), slice);
    const auto status = google::protobuf::util::JsonStringToMessage(json, &out);
    EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
    return out;
  }

  const Identity authority_ = Issue({.name = "authority", .ca = true, .not_after = kYears}, nullptr, kEpoch);
  const Identity own_ = Issue({.name = "own",
                               .dns = {"own.test", "*.own.test"},
                               .uris = {"spiffe://own"},
                               .ips = {"10.0.0.1"},
                               .not_after = kYears},
                              &authority_, kEpoch);
};

TEST_F(CertsTest, WithoutTls) {
  EXPECT_EQ("{\n \"certificates\": []\n}\n", Get("/certs"));
  EXPECT_EQ("application/json", Ask("/certs").content_type);
}

TEST_F(CertsTest, AnEntryForEachChainWithWhatIsTrusted) {
  v3::DownstreamTlsContext message;
  auto& common = *message.mutable_common_tls_context();
  Fill(own_, *common.add_tls_certificates());
  common.mutable_tls_certificates(0)->mutable_certificate_chain()->set_inline_string(own_.Pem() + authority_.Pem());
  common.mutable_tls_certificates(0)->mutable_ocsp_staple()->set_inline_bytes(
      tls::MakeOcspResponse(own_, kEpoch, 86400));
  Fill(Issue({.name = "other", .not_after = kYears}, &authority_, kEpoch), *common.add_tls_certificates());
  common.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(authority_.Pem());
  const auto context = Acquire(message);
  const auto certs = Certs();
  ASSERT_EQ(2, certs.certificates_size());
  EXPECT_EQ(2, certs.certificates(0).cert_chain_size());
  EXPECT_EQ(1, certs.certificates(1).cert_chain_size());
  for (const auto& each : certs.certificates()) {
    ASSERT_EQ(1, each.ca_cert_size());
    EXPECT_EQ("<inline>", each.ca_cert(0).path());
  }
  const auto& leaf = certs.certificates(0).cert_chain(0);
  EXPECT_EQ("<inline>", leaf.path());
  EXPECT_FALSE(leaf.serial_number().empty());
  ASSERT_EQ(4, leaf.subject_alt_names_size());
  EXPECT_EQ("own.test", leaf.subject_alt_names(0).dns());
  EXPECT_EQ("*.own.test", leaf.subject_alt_names(1).dns());
  EXPECT_EQ("spiffe://own", leaf.subject_alt_names(2).uri());
  EXPECT_EQ("10.0.0.1", leaf.subject_alt_names(3).ip_address());
  EXPECT_EQ(3650u, leaf.days_until_expiration());
  EXPECT_EQ(kEpoch - 3600, leaf.valid_from().seconds());
  EXPECT_EQ(kEpoch + kYears, leaf.expiration_time().seconds());
  EXPECT_EQ(kEpoch + 86400, leaf.ocsp_details().expiration().seconds());
  EXPECT_FALSE(certs.certificates(0).cert_chain(1).has_ocsp_details());
  // The same in small pieces.
  EXPECT_EQ(certs.SerializeAsString(), Certs(1).SerializeAsString());
}

TEST_F(CertsTest, DaysEndAtNought) {
  v3::DownstreamTlsContext message;
  Fill(own_, *message.mutable_common_tls_context()->add_tls_certificates());
  const auto context = Acquire(message);
  clock_.Advance(std::chrono::days(3649) + std::chrono::hours(1));
  EXPECT_EQ(0u, Certs().certificates(0).cert_chain(0).days_until_expiration());
  clock_.Advance(std::chrono::days(10));
  EXPECT_EQ(0u, Certs().certificates(0).cert_chain(0).days_until_expiration());
}

TEST_F(CertsTest, WhatIsTrustedAlone) {
  config::Faults faults;
  v3::UpstreamTlsContext message;
  message.mutable_common_tls_context()->mutable_validation_context()->mutable_trusted_ca()->set_inline_string(
      authority_.Pem());
  const auto context = contexts_.AcquireClient(
      tls::CompileUpstreamTls(message, config::DataSourceAccess::kRead, faults), "c", "c", faults);
  const auto certs = Certs();
  ASSERT_EQ(1, certs.certificates_size());
  EXPECT_EQ(0, certs.certificates(0).cert_chain_size());
  EXPECT_EQ(1, certs.certificates(0).ca_cert_size());
  const std::string json = Get("/certs");
  EXPECT_THAT(json, HasSubstr("\"cert_chain\": []"));
  EXPECT_THAT(json, HasSubstr("\"subject_alt_names\": []"));
}

TEST_F(CertsTest, ContextsThatAreGoneAreNotShown) {
  v3::DownstreamTlsContext message;
  Fill(own_, *message.mutable_common_tls_context()->add_tls_certificates());
  auto context = Acquire(message);
  EXPECT_EQ(1, Certs().certificates_size());
  context.reset();
  EXPECT_EQ(0, Certs().certificates_size());
}

TEST_F(CertsTest, KeysAreNowhereToBeSeen) {
  v3::Secret secret;
  secret.set_name("own");
  Fill(own_, *secret.mutable_tls_certificate());
  secret.mutable_tls_certificate()->mutable_password()->set_inline_string("sesame-one");
  config::Faults faults;
  contexts_.secrets().AddStatic(tls::CompileSecret(secret, config::DataSourceAccess::kRead, faults),
                                std::make_shared<const std::string>(secret.SerializeAsString()));
  v3::DownstreamTlsContext socket;
  Fill(own_, *socket.mutable_common_tls_context()->add_tls_certificates());
  socket.mutable_session_ticket_keys()->add_keys()->set_inline_string(std::string(70, 't') + "sesame-two");
  envoy::config::listener::v3::Listener listener;
  config::LoadText(
      "{name: in, address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: {filters: "
      "{name: t, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3."
      "TcpProxy, stat_prefix: t, cluster: c}}}}",
      config::TextFormat::kYaml, listener, faults);
  auto& transport = *listener.mutable_filter_chains(0)->mutable_transport_socket();
  transport.set_name("tls");
  transport.mutable_typed_config()->PackFrom(socket);
  ASSERT_EQ("", faults.ToString());
  listeners_.AddStatic(listener::CompileListener(listener, config::DataSourceAccess::kRead, faults),
                       std::make_shared<const std::string>(listener.SerializeAsString()), faults);
  ASSERT_EQ("", faults.ToString());
  listeners_.StartAccepting();
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  *bootstrap.mutable_static_resources()->add_secrets() = secret;
  *bootstrap.mutable_static_resources()->add_listeners() = listener;
  bootstrap_.bytes = std::make_shared<const std::string>(bootstrap.SerializeAsString());

  const std::string key = own_.KeyPem();
  for (const char* path : {"/config_dump", "/config_dump?include_eds", "/config_dump?resource=static_secrets",
                           "/config_dump?resource=static_listeners", "/config_dump?mask=bootstrap", "/certs", "/stats",
                           "/listeners?format=json"}) {
    const std::string text = Get(path);
    for (size_t at = key.find('\n') + 1; at + 16 < key.find("-----END"); at += 8) {
      EXPECT_THAT(text, Not(HasSubstr(key.substr(at, 16)))) << path;
    }
    EXPECT_THAT(text, Not(HasSubstr("sesame"))) << path;
  }
  EXPECT_THAT(Get("/config_dump?resource=static_secrets"), HasSubstr("\"inline_string\": \"[redacted]\""));
  EXPECT_THAT(Get("/config_dump?resource=static_listeners"), HasSubstr("\"inline_string\": \"[redacted]\""));
}

}  // namespace
}  // namespace nuncio::admin
