#include <openssl/nid.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

class NegotiationTest : public TlsPairTest {
 protected:
  int64_t Stat(std::string_view name) { return store_.Find(name).value_or(0); }
  void ExpectRefused() {
    EXPECT_FALSE(server_.connected());
    EXPECT_TRUE(server_.connection->closed());
    EXPECT_EQ(server_.closed_by, net::CloseReason::kConnectFailed);
    EXPECT_FALSE(server_.connection->transport_failure().empty());
  }
  Identity MakeServer(const std::string& dns, bool ecdsa, int curve = 0) {
    return Issue({.name = dns, .dns = {dns}, .ecdsa = ecdsa, .curve_nid = curve}, &authority_, kEpoch);
  }
};

TEST_F(NegotiationTest, WhatWasAgreedOnIsKnownAndCounted) {
  server_config_.common.alpn = {"h2", "http/1.1"};
  client_config_.common.alpn = {"http/1.1", "h2"};
  Open();
  ExpectConnected();
  for (const End* end : {&server_, &client_}) {
    EXPECT_EQ(end->security().version(), "TLSv1.3");
    EXPECT_EQ(end->security().alpn(), "h2");
    EXPECT_EQ(end->security().cipher(), "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(end->security().cipher_id(), 0x1301);
    EXPECT_EQ(end->security().sni(), "server.example");
  }
  EXPECT_EQ(Stat("server.ssl.handshake"), 1);
  EXPECT_EQ(Stat("server.ssl.no_certificate"), 1);
  EXPECT_EQ(Stat("server.ssl.versions.TLSv1.3"), 1);
  EXPECT_EQ(Stat("server.ssl.ciphers.TLS_AES_128_GCM_SHA256"), 1);
  EXPECT_EQ(Stat("server.ssl.curves.X25519"), 1);
  EXPECT_EQ(Stat("client.ssl.sigalgs.ecdsa_secp256r1_sha256"), 1);
  EXPECT_EQ(Stat("client.ssl.no_certificate"), 0);
}

TEST_F(NegotiationTest, Versions) {
  using V = ProtocolVersion;
  struct Case {
    V server_min, server_max, client_min, client_max;
    std::string version;  // Empty: none in common.
  };
  for (const Case& c : std::vector<Case>{{V::kAuto, V::kAuto, V::kAuto, V::kAuto, "TLSv1.3"},
                                         {V::kAuto, V::kTls12, V::kAuto, V::kAuto, "TLSv1.2"},
                                         {V::kTls10, V::kAuto, V::kTls10, V::kTls10, "TLSv1"},
                                         {V::kTls10, V::kAuto, V::kTls11, V::kTls11, "TLSv1.1"},
                                         {V::kAuto, V::kAuto, V::kTls10, V::kTls11, ""},
                                         {V::kTls13, V::kAuto, V::kAuto, V::kTls12, ""}}) {
    server_config_.common.protocol = {.min_version = c.server_min, .max_version = c.server_max};
    client_config_.common.protocol = {.min_version = c.client_min, .max_version = c.client_max};
    const std::string old = "ECDHE-ECDSA-AES128-SHA";
    if (c.client_max == V::kTls10 || c.client_max == V::kTls11) {
      server_config_.common.protocol.cipher_suites = client_config_.common.protocol.cipher_suites = {old};
    }
    server_context_ = nullptr;
    client_context_ = nullptr;
    Reopen();
    if (c.version.empty()) {
      ExpectRefused();
      continue;
    }
    ExpectConnected();
    EXPECT_EQ(server_.security().version(), c.version);
    Send(client_, "one byte and the rest");
    EXPECT_EQ(server_.received, "one byte and the rest");
  }
}

TEST_F(NegotiationTest, CipherSuitesInTheServersOrderUnlessTheClientsIsPreferred) {
  server_config_.common.protocol.max_version = ProtocolVersion::kTls12;
  server_config_.common.protocol.cipher_suites = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"};
  client_config_.common.protocol.cipher_suites = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"};
  Open();
  EXPECT_EQ(server_.security().cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
  server_config_.prefer_client_ciphers = true;
  server_context_ = nullptr;
  Reopen();
  EXPECT_EQ(server_.security().cipher(), "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(NegotiationTest, AmongCiphersOfEqualPreferenceTheClientChooses) {
  server_config_.common.protocol.max_version = ProtocolVersion::kTls12;
  server_config_.common.protocol.cipher_suites = {"[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]"};
  client_config_.common.protocol.cipher_suites = {"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"};
  Open();
  EXPECT_EQ(server_.security().cipher(), "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_F(NegotiationTest, CurvesAndSignatureAlgorithms) {
  server_config_.common.protocol.curves = {"P-384"};
  client_config_.common.protocol.curves = {"X25519", "P-384"};
  client_config_.common.protocol.signature_algorithms = {"ecdsa_secp256r1_sha256"};
  Open();
  ExpectConnected();
  EXPECT_EQ(Stat("client.ssl.curves.P-384"), 1);
  EXPECT_EQ(Stat("client.ssl.sigalgs.ecdsa_secp256r1_sha256"), 1);
}

TEST_F(NegotiationTest, NoCurveInCommonIsAFailure) {
  server_config_.common.protocol.curves = {"P-521"};
  Open();
  ExpectRefused();
  EXPECT_EQ(Stat("server.ssl.connection_error"), 1);
  EXPECT_EQ(Stat("client.ssl.connection_error"), 1);
  EXPECT_NE(client_.connection->transport_failure().find("HANDSHAKE_FAILURE"), std::string_view::npos)
      << client_.connection->transport_failure();
}

TEST_F(NegotiationTest, FipsLeavesWhatItAllows) {
  server_config_.common.protocol.fips_202205 = true;
  client_config_.common.protocol.curves = {"X25519", "P-256"};
  Open();
  ExpectConnected();
  EXPECT_EQ(Stat("server.ssl.curves.P-256"), 1);
}

TEST_F(NegotiationTest, WithoutAnAlpnInCommonNoneIsChosen) {
  server_config_.common.alpn = {"h2"};
  client_config_.common.alpn = {"http/1.1"};
  Open();
  ExpectConnected();
  EXPECT_EQ(server_.security().alpn(), "");
  ClientContext::SocketOptions options;
  options.alpn = std::vector<std::string>{"http/1.1", "h2"};
  Reopen(std::move(options));
  EXPECT_EQ(client_.security().alpn(), "h2");
}

TEST_F(NegotiationTest, TheSniOfAConnectionComesBeforeTheContexts) {
  ClientContext::SocketOptions options;
  options.sni = "Other.Example";
  Open(std::move(options));
  EXPECT_EQ(server_.security().sni(), "other.example");
}

TEST_F(NegotiationTest, FingerprintsOfTheListenerAreHandedOn) {
  ServerContext::SocketOptions options;
  options.ja3 = "three";
  options.ja4 = "four";
  Open({}, std::move(options));
  EXPECT_EQ(server_.security().ja3(), "three");
  EXPECT_EQ(server_.security().ja4(), "four");
  EXPECT_EQ(client_.security().ja3(), "");
}

// RSA and ECDSA under one name: the ECDSA key is for those who can verify it.
TEST_F(NegotiationTest, TheKeyIsChosenByWhatTheClientCanVerify) {
  const Identity rsa = MakeServer("server.example", false);
  server_config_.common.certificates = {ConfigOf(rsa), ConfigOf(identity_)};
  const auto presented = [&] {
    ExpectConnected();
    return client_.security().peer_certificate()->sha256;
  };
  Open();
  const std::string ecdsa_hash = presented();
  EXPECT_EQ(server_.security().local_certificate()->sha256, ecdsa_hash);
  client_config_.common.protocol.signature_algorithms = {"rsa_pss_rsae_sha256"};
  client_context_ = nullptr;
  Reopen();
  const std::string rsa_hash = presented();
  EXPECT_NE(rsa_hash, ecdsa_hash);
  EXPECT_EQ(server_.security().local_certificate()->sha256, rsa_hash);
  // TLS 1.2: by ciphers and curves too.
  client_config_.common.protocol = {.max_version = ProtocolVersion::kTls12};
  client_context_ = nullptr;
  Reopen();
  EXPECT_EQ(presented(), ecdsa_hash);
  client_config_.common.protocol.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256"};
  client_context_ = nullptr;
  Reopen();
  EXPECT_EQ(presented(), rsa_hash);
}

TEST_F(NegotiationTest, AKeyOnACurveThatTheClientCannotVerifyIsNotChosen) {
  const Identity p384 = MakeServer("server.example", true, NID_secp384r1);
  const Identity rsa = MakeServer("server.example", false);
  server_config_.common.certificates = {ConfigOf(p384), ConfigOf(rsa)};
  client_config_.common.protocol.signature_algorithms = {"ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"};
  Open();
  ExpectConnected();
  EXPECT_EQ(client_.security().peer_certificate()->sha256, server_.security().local_certificate()->sha256);
  EXPECT_EQ(Stat("client.ssl.sigalgs.rsa_pss_rsae_sha256"), 1);
}

TEST_F(NegotiationTest, TheCertificateIsChosenByTheName) {
  const Identity first = MakeServer("first.example", true);
  const Identity wild = MakeServer("*.wild.example", true);
  const Identity exact = MakeServer("exact.wild.example", true);
  server_config_.common.certificates = {ConfigOf(first), ConfigOf(wild), ConfigOf(exact)};
  const auto presented = [&](const std::string& sni) {
    ClientContext::SocketOptions options;
    options.sni = sni;
    Reopen(std::move(options));
    return client_.connected() ? client_.security().peer_certificate()->dns_sans.at(0) : std::string("none");
  };
  EXPECT_EQ(presented("first.example"), "first.example");
  EXPECT_EQ(presented("any.wild.example"), "*.wild.example");
  EXPECT_EQ(presented("EXACT.wild.example"), "exact.wild.example");
  // One label only, and one at least.
  EXPECT_EQ(presented("a.b.wild.example"), "first.example");
  EXPECT_EQ(presented("wild.example"), "first.example");
  EXPECT_EQ(presented("elsewhere.example"), "first.example");
}

TEST_F(NegotiationTest, OnAnotherNameTheKeysKindDecidesOnlyWhereAllAreScanned) {
  const Identity ecdsa = MakeServer("ecdsa.example", true);
  const Identity rsa = MakeServer("rsa.example", false);
  server_config_.common.certificates = {ConfigOf(ecdsa), ConfigOf(rsa)};
  client_config_.common.protocol.signature_algorithms = {"rsa_pss_rsae_sha256"};
  Open();
  EXPECT_FALSE(client_.connected());
  server_config_.full_scan_on_sni_mismatch = true;
  server_context_ = nullptr;
  Reopen();
  ExpectConnected();
  EXPECT_EQ(client_.security().peer_certificate()->dns_sans, std::vector<std::string>{"rsa.example"});
}

TEST_F(NegotiationTest, AnRsaKeyWithoutSignaturesIsRefusedWhereThatIsEnforced) {
  server_config_.common.certificates = {ConfigOf(Issue(
      {.name = "s", .dns = {"server.example"}, .ecdsa = false, .key_usage = "keyEncipherment"}, &authority_, kEpoch))};
  server_config_.common.protocol.max_version = ProtocolVersion::kTls12;
  client_config_.enforce_rsa_key_usage = true;
  Open();
  EXPECT_FALSE(client_.connected());
  client_config_.enforce_rsa_key_usage = false;
  client_context_ = nullptr;
  Reopen();
  ExpectConnected();
  EXPECT_EQ(Stat("client.ssl.was_key_usage_invalid"), 1);
}

// Lines of a key log.
struct Lines final : KeyLogSink {
  void Write(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST_F(NegotiationTest, SecretsAreLoggedForTheAddressesAskedFor) {
  const auto sink = std::make_shared<Lines>();
  KeyLogConfig log;
  log.sink = sink;
  log.remote = {net::CidrRange::Create("10.0.0.0", 8).value()};
  server_config_.common.key_log = log;
  ServerContext::SocketOptions inside;
  inside.remote = net::Address::FromIp("10.1.2.3", 1).value();
  ServerContext::SocketOptions outside;
  outside.remote = net::Address::FromIp("192.0.2.1", 1).value();
  Open({}, std::move(outside));
  EXPECT_TRUE(sink->lines.empty());
  Reopen({}, std::move(inside));
  ASSERT_FALSE(sink->lines.empty());
  EXPECT_EQ(sink->lines.front().substr(0, 32), "CLIENT_HANDSHAKE_TRAFFIC_SECRET ");
}

TEST_F(NegotiationTest, SecretsAreLoggedByTheAddressThatTheClientConnectedTo) {
  const auto sink = std::make_shared<Lines>();
  KeyLogConfig log;
  log.sink = sink;
  log.local = {net::CidrRange::Create("127.0.0.2", 32).value()};
  server_config_.common.key_log = log;
  // On all addresses: which one it was is the connection's to tell.
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const net::Address all = net::Address::FromIp("0.0.0.0", 0).value();
  ASSERT_EQ(0, bind(listener_, all.sockaddr_ptr(), all.length()));
  ASSERT_EQ(0, listen(listener_, 16));
  connect_to_ = "127.0.0.1";
  Open();
  ExpectConnected();
  EXPECT_TRUE(sink->lines.empty());
  connect_to_ = "127.0.0.2";
  Reopen();
  ExpectConnected();
  EXPECT_FALSE(sink->lines.empty());
}

}  // namespace
}  // namespace nuncio::tls
