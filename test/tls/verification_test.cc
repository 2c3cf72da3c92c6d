#include <openssl/base64.h>
#include <openssl/sha.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

using matcher::StringMatcher;
using Kind = StringMatcher::Kind;
using San = SanMatcher::Type;

std::string Base64(std::string_view bytes) {
  size_t size = 0;
  EVP_EncodedLength(&size, bytes.size());
  std::string out(size, '\0');
  out.resize(EVP_EncodeBlock(reinterpret_cast<uint8_t*>(out.data()), reinterpret_cast<const uint8_t*>(bytes.data()),
                             bytes.size()));
  return out;
}

std::string Sha256(std::string_view bytes) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

std::string SpkiPin(const Identity& identity) {
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(identity.key.get(), &der);
  const std::string pin = Base64(Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)}));
  OPENSSL_free(der);
  return pin;
}

std::string HashPin(const Identity& identity, bool colons) {
  std::string out;
  char pair[4];
  for (const char c : Sha256(identity.Der())) {
    if (colons && !out.empty()) out += ':';
    snprintf(pair, sizeof(pair), colons ? "%02X" : "%02x", static_cast<uint8_t>(c));
    out += pair;
  }
  return out;
}

class VerificationTest : public TlsPairTest {
 protected:
  // The server asks for certificates, by `authority_`.
  ValidationConfig& Judge() {
    if (!server_config_.common.validation.has_value()) {
      server_config_.common.validation.emplace();
      server_config_.common.validation->trusted_ca = authority_.Pem();
    }
    return *server_config_.common.validation;
  }
  void Present(const Identity& identity) { client_config_.common.certificates = {ConfigOf(identity)}; }
  void Present(const Wanted& wanted, const Identity* issuer = nullptr) {
    presented_ = Issue(wanted, issuer == nullptr ? &authority_ : issuer, kEpoch);
    Present(presented_);
  }
  // Whether the server lets the client in, each time by new contexts.
  bool Accepted() {
    server_context_ = nullptr;
    client_context_ = nullptr;
    sessions_ = std::make_shared<ClientSessions>();
    Reopen();
    // In TLS 1.3 the client is done before the server has judged it.
    return server_.connected();
  }
  std::string ServerFailure() { return std::string(server_.connection->transport_failure()); }
  std::string ClientFailure() { return std::string(client_.connection->transport_failure()); }

  Identity presented_;
};

TEST_F(VerificationTest, ARequiredCertificateMustCome) {
  Judge();
  server_config_.require_client_certificate = true;
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(server_counters().fail_verify_no_cert.value(), 1u);
  EXPECT_EQ(server_counters().connection_error.value(), 0u);
  Present({.name = "client"});
  EXPECT_TRUE(Accepted());
  EXPECT_TRUE(server_.security().peer_certificate_validated());
  EXPECT_EQ(server_.security().peer_certificate()->subject, "CN=client,O=Nuncio");
  EXPECT_EQ(server_.security().peer_certificate()->issuer, "CN=Test CA,O=Nuncio");
}

TEST_F(VerificationTest, AnOptionalCertificateMayStayAwayButNotBeWrong) {
  Judge();
  EXPECT_TRUE(Accepted());
  EXPECT_FALSE(server_.security().peer_certificate_presented());
  EXPECT_FALSE(server_.security().peer_certificate_validated());
  EXPECT_EQ(server_.security().peer_certificate(), nullptr);
  EXPECT_EQ(server_counters().no_certificate.value(), 1u);
  const Identity stranger = Issue({.name = "Other CA", .ca = true}, nullptr, kEpoch);
  Present({.name = "client"}, &stranger);
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(server_counters().fail_verify_error.value(), 1u);
  EXPECT_EQ(server_counters().connection_error.value(), 0u);
  EXPECT_NE(ServerFailure().find("CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert"), std::string::npos)
      << ServerFailure();
  EXPECT_NE(ClientFailure().find("UNKNOWN_CA"), std::string::npos) << ClientFailure();
}

TEST_F(VerificationTest, WithoutValidationNothingIsAskedFor) {
  Present({.name = "client"});
  EXPECT_TRUE(Accepted());
  EXPECT_FALSE(server_.security().peer_certificate_presented());
}

TEST_F(VerificationTest, UntrustedCertificatesMayBeAccepted) {
  const Identity stranger = Issue({.name = "Other CA", .ca = true}, nullptr, kEpoch);
  Judge().accept_untrusted = true;
  Present({.name = "client"}, &stranger);
  EXPECT_TRUE(Accepted());
  EXPECT_TRUE(server_.security().peer_certificate_presented());
  EXPECT_FALSE(server_.security().peer_certificate_validated());
  EXPECT_EQ(server_counters().fail_verify_error.value(), 1u);
  Present({.name = "client"});
  EXPECT_TRUE(Accepted());
  EXPECT_TRUE(server_.security().peer_certificate_validated());
}

TEST_F(VerificationTest, ResumedSessionsAreJudgedAgainWhereTheUntrustedAreAccepted) {
  const Identity stranger = Issue({.name = "Other CA", .ca = true}, nullptr, kEpoch);
  Judge().accept_untrusted = true;
  Present({.name = "client"}, &stranger);
  Open();
  Send(server_, "tickets too");
  Reopen();
  ASSERT_TRUE(server_.security().session_reused());
  EXPECT_TRUE(server_.security().peer_certificate_presented());
  EXPECT_FALSE(server_.security().peer_certificate_validated());
}

TEST_F(VerificationTest, ExpiryCountsUnlessAllowed) {
  Judge();
  Present({.name = "client", .not_after = 3600});
  MakeContexts();
  clock_.Advance(std::chrono::hours(2));
  Turns();
  Open();
  EXPECT_FALSE(server_.connected());
  EXPECT_NE(ServerFailure().find("certificate has expired"), std::string::npos) << ServerFailure();
  Judge().allow_expired = true;
  server_context_ = nullptr;
  Reopen();
  EXPECT_TRUE(server_.connected());
}

TEST_F(VerificationTest, UsesOfTheKeyCount) {
  Judge();
  Present({.name = "client", .extended_key_usage = "serverAuth"});
  EXPECT_FALSE(Accepted());
  EXPECT_NE(ServerFailure().find("unsupported certificate purpose"), std::string::npos) << ServerFailure();
  Present({.name = "client", .extended_key_usage = "clientAuth"});
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, ChainsAreFollowedAsDeepAsAllowed) {
  const Identity middle = Issue({.name = "Middle CA", .ca = true}, &authority_, kEpoch);
  const Identity leaf = Issue({.name = "client"}, &middle, kEpoch);
  Judge();
  Present(leaf);
  EXPECT_FALSE(Accepted());
  client_config_.common.certificates[0].chain = leaf.Pem() + middle.Pem();
  EXPECT_TRUE(Accepted());
  EXPECT_NE(server_.security().peer_chain_pem(), server_.security().peer_certificate_pem());
  EXPECT_EQ(server_.security().peer_certificate_pem().substr(0, 35), "-----BEGIN%20CERTIFICATE-----%0AMII");
  EXPECT_EQ(server_.security().peer_certificate_pem().find_first_of(" \n+/="), std::string_view::npos);
  Judge().max_verify_depth = 1;
  EXPECT_FALSE(Accepted());
  EXPECT_NE(ServerFailure().find("at depth 1"), std::string::npos) << ServerFailure();
  Judge().max_verify_depth = 2;
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, AnIntermediateMayBeAllThatIsTrusted) {
  const Identity middle = Issue({.name = "Middle CA", .ca = true}, &authority_, kEpoch);
  Judge().trusted_ca = middle.Pem();
  Present({.name = "client"}, &middle);
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, RevokedCertificatesAreRefused) {
  const Identity good = Issue({.name = "good"}, &authority_, kEpoch);
  const Identity bad = Issue({.name = "bad"}, &authority_, kEpoch);
  Judge().crl = IssueCrl(authority_, {&bad}, kEpoch);
  Present(good);
  EXPECT_TRUE(Accepted());
  Present(bad);
  EXPECT_FALSE(Accepted());
  EXPECT_NE(ServerFailure().find("certificate revoked"), std::string::npos) << ServerFailure();
}

TEST_F(VerificationTest, EveryIssuerNeedsItsListUnlessOnlyTheLeafIsLookedUp) {
  const Identity middle = Issue({.name = "Middle CA", .ca = true}, &authority_, kEpoch);
  const Identity leaf = Issue({.name = "client"}, &middle, kEpoch);
  Judge().crl = IssueCrl(middle, {}, kEpoch);
  Present(leaf);
  client_config_.common.certificates[0].chain = leaf.Pem() + middle.Pem();
  EXPECT_FALSE(Accepted());
  EXPECT_NE(ServerFailure().find("unable to get certificate CRL"), std::string::npos) << ServerFailure();
  Judge().only_verify_leaf_crl = true;
  EXPECT_TRUE(Accepted());
  Judge().only_verify_leaf_crl = false;
  Judge().crl += IssueCrl(authority_, {}, kEpoch);
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, NamesAreMatchedByTheirKind) {
  Present({.name = "client",
           .dns = {"client.example", "*.wild.example"},
           .uris = {"spiffe://cluster/ns/a"},
           .ips = {"192.0.2.7", "2001:db8::7"},
           .emails = {"who@client.example"},
           .others = {"1.3.6.1.4.1.311.20.2.3;UTF8:upn@client.example"}});
  const auto accepted = [&](San type, StringMatcher matcher, std::string oid = "") {
    Judge().sans = {SanMatcher{type, std::move(matcher), std::move(oid)}};
    return Accepted();
  };
  EXPECT_TRUE(accepted(San::kDns, {Kind::kExact, "client.example", false}));
  EXPECT_TRUE(accepted(San::kDns, {Kind::kExact, "CLIENT.example", false}));
  EXPECT_TRUE(accepted(San::kDns, {Kind::kExact, "any.wild.example", false}));
  EXPECT_FALSE(accepted(San::kDns, {Kind::kExact, "a.b.wild.example", false}));
  EXPECT_TRUE(accepted(San::kDns, {Kind::kSuffix, ".example", false}));
  EXPECT_TRUE(accepted(San::kDns, {Kind::kContains, "ient.ex", false}));
  EXPECT_FALSE(accepted(San::kDns, {Kind::kExact, "spiffe://cluster/ns/a", false}));
  EXPECT_TRUE(accepted(San::kUri, {Kind::kPrefix, "spiffe://cluster/", false}));
  EXPECT_TRUE(accepted(San::kUri, StringMatcher(matcher::Regex::Compile("spiffe://[a-z]+/ns/.").value())));
  EXPECT_FALSE(accepted(San::kUri, StringMatcher(matcher::Regex::Compile("spiffe://[a-z]+").value())));
  EXPECT_TRUE(accepted(San::kIp, {Kind::kExact, "192.0.2.7", false}));
  EXPECT_TRUE(accepted(San::kIp, {Kind::kExact, "2001:db8::7", false}));
  EXPECT_FALSE(accepted(San::kIp, {Kind::kExact, "192.0.2.8", false}));
  EXPECT_TRUE(accepted(San::kEmail, {Kind::kExact, "who@client.example", false}));
  EXPECT_TRUE(accepted(San::kOther, {Kind::kExact, "upn@client.example", false}, "1.3.6.1.4.1.311.20.2.3"));
  EXPECT_FALSE(accepted(San::kOther, {Kind::kExact, "upn@client.example", false}, "1.3.6.1.4.1.311.20.2.4"));
  EXPECT_EQ(server_counters().fail_verify_san.value(), 5u);
  EXPECT_NE(ServerFailure().find("SAN matcher"), std::string::npos) << ServerFailure();
}

TEST_F(VerificationTest, OneOfManyNamesIsEnough) {
  Present({.name = "client", .dns = {"client.example"}});
  Judge().sans = {{San::kUri, {Kind::kExact, "spiffe://x", false}, ""},
                  {San::kDns, {Kind::kExact, "client.example", false}, ""}};
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, ARuleAboutNamesDemandsACertificate) {
  Judge().sans = {{San::kDns, {Kind::kExact, "client.example", false}, ""}};
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(server_counters().fail_verify_no_cert.value(), 1u);
}

TEST_F(VerificationTest, PinsOfEitherKind) {
  const Identity known = Issue({.name = "known"}, &authority_, kEpoch);
  Judge().spki_pins = {SpkiPin(known)};
  Present(known);
  EXPECT_TRUE(Accepted());
  Present({.name = "another"});
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(server_counters().fail_verify_cert_hash.value(), 1u);
  Judge().hash_pins = {HashPin(presented_, true)};
  EXPECT_TRUE(Accepted());
  Judge().hash_pins = {HashPin(presented_, false)};
  EXPECT_TRUE(Accepted());
}

TEST_F(VerificationTest, APinNeedsNoAuthority) {
  const Identity self = Issue({.name = "self"}, nullptr, kEpoch);
  Judge().trusted_ca.clear();
  Judge().hash_pins = {HashPin(self, true)};
  Present(self);
  EXPECT_TRUE(Accepted());
  EXPECT_TRUE(server_.security().peer_certificate_validated());
}

TEST_F(VerificationTest, AClientJudgesItsServer) {
  client_config_.common.validation->trusted_ca = Issue({.name = "Other CA", .ca = true}, nullptr, kEpoch).Pem();
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(client_counters().fail_verify_error.value(), 1u);
  EXPECT_EQ(client_.closed_by, net::CloseReason::kConnectFailed);
  EXPECT_NE(ServerFailure().find("UNKNOWN_CA"), std::string::npos) << ServerFailure();
  client_config_.common.validation.reset();
  EXPECT_TRUE(Accepted());
  EXPECT_FALSE(client_.security().peer_certificate_validated());
}

TEST_F(VerificationTest, AServersCertificateMayHaveToBeForTheNameThatWasSent) {
  client_config_.auto_sni_san_validation = true;
  EXPECT_TRUE(Accepted());
  client_config_.sni = "other.example";
  EXPECT_FALSE(Accepted());
  EXPECT_EQ(client_counters().fail_verify_san.value(), 1u);
  EXPECT_NE(ClientFailure().find("verify SAN list"), std::string::npos) << ClientFailure();
}

TEST_F(VerificationTest, NamesOfAConnectionComeBeforeTheContexts) {
  client_config_.common.validation->sans = {{San::kDns, {Kind::kExact, "never.example", false}, ""}};
  ClientContext::SocketOptions options;
  options.subject_alt_names = {"10.0.0.1", "server.example"};
  Open(std::move(options));
  EXPECT_TRUE(client_.connected());
  ClientContext::SocketOptions others;
  others.subject_alt_names = {"10.0.0.1"};
  sessions_ = std::make_shared<ClientSessions>();
  Reopen(std::move(others));
  EXPECT_FALSE(client_.connected());
}

TEST_F(VerificationTest, AddressesAndUrisAreNamesToo) {
  server_config_.common.certificates = {
      ConfigOf(Issue({.name = "s", .uris = {"spiffe://s"}, .ips = {"10.0.0.1", "::1"}}, &authority_, kEpoch))};
  for (const char* const name : {"10.0.0.1", "::1", "0:0:0:0:0:0:0:1", "spiffe://s"}) {
    ClientContext::SocketOptions options;
    options.subject_alt_names = {name};
    sessions_ = std::make_shared<ClientSessions>();
    Reopen(std::move(options));
    EXPECT_TRUE(client_.connected()) << name;
  }
}

}  // namespace
}  // namespace nuncio::tls
