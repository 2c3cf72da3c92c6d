#include <openssl/pem.h>
#include <openssl/nid.h>

#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

class ContextFaultsTest : public TlsPairTest {
 protected:
  CertificateConfig& certificate() { return server_config_.common.certificates[0]; }
  ValidationConfig& validation() { return *client_config_.common.validation; }
  static std::string Encrypted(const Identity& identity, std::string password) {
    const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), identity.key.get(), EVP_aes_256_cbc(), password.data(),
                                  static_cast<int>(password.size()), nullptr, nullptr);
    const uint8_t* data = nullptr;
    size_t size = 0;
    BIO_mem_contents(bio.get(), &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
};

TEST_F(ContextFaultsTest, WhatIsRightHasNone) {
  EXPECT_EQ(ServerFault(), "none");
  EXPECT_EQ(ClientFault(), "none");
}

TEST_F(ContextFaultsTest, Certificates) {
  certificate().chain = "";
  EXPECT_EQ(ServerFault(), "tls_certificates[0].certificate_chain: is missing");
  certificate().chain = "no PEM";
  EXPECT_EQ(ServerFault(), "tls_certificates[0].certificate_chain: holds no certificate in PEM form");
  certificate().chain = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(ServerFault(), "tls_certificates[0].certificate_chain: is no PEM that could be read: BAD_BASE64_DECODE");
  certificate().chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(ServerFault().substr(0, 91),
            "tls_certificates[0].certificate_chain: certificate 1 of it is no X.509 certificate: DECODE_");
  server_config_.common.certificates.clear();
  EXPECT_EQ(ServerFault(), "tls_certificates: a server needs at least one");
}

TEST_F(ContextFaultsTest, TheSecondCertificateIsCalledSo) {
  server_config_.common.certificates.push_back(certificate());
  server_config_.common.certificates[1].private_key = "";
  EXPECT_EQ(ServerFault(), "tls_certificates[1].private_key: is missing");
}

TEST_F(ContextFaultsTest, KeysAreRefusedWithoutTheirBytes) {
  const Identity other = Issue({.name = "other"}, nullptr, kEpoch);
  certificate().private_key = other.KeyPem();
  EXPECT_EQ(ServerFault(),
            "tls_certificates[0].private_key: does not belong to the first certificate of certificate_chain");
  std::string broken = other.KeyPem();
  broken[broken.size() / 2] = '!';
  certificate().private_key = broken;
  EXPECT_EQ(ServerFault(), "tls_certificates[0].private_key: is no private key in PEM form that could be read");
}

TEST_F(ContextFaultsTest, EncryptedKeysNeedTheirPassword) {
  certificate().private_key = Encrypted(identity_, "secret");
  EXPECT_EQ(ServerFault(), "tls_certificates[0].private_key: is encrypted, and no password is given");
  certificate().password = "wrong";
  EXPECT_EQ(ServerFault(), "tls_certificates[0].password: does not open the private key");
  certificate().password = "secret";
  EXPECT_EQ(ServerFault(), "none");
}

TEST_F(ContextFaultsTest, WeakAndForeignKeysAreRefused) {
  server_config_.common.certificates = {
      ConfigOf(Issue({.name = "weak", .ecdsa = false, .rsa_bits = 1024}, nullptr, kEpoch))};
  EXPECT_EQ(ServerFault(),
            "tls_certificates[0].certificate_chain: has an RSA key of 1024 bits; at least 2048 are needed");
  server_config_.common.certificates = {ConfigOf(Issue({.name = "odd", .curve_nid = NID_secp224r1}, nullptr, kEpoch))};
  EXPECT_EQ(ServerFault(),
            "tls_certificates[0].certificate_chain: has an ECDSA key on another curve than P-256, P-384 or P-521");
}

TEST_F(ContextFaultsTest, KeysThatMayNotSignAreRefused) {
  server_config_.common.certificates = {ConfigOf(Issue({.name = "signer of others", .ca = true}, nullptr, kEpoch))};
  EXPECT_EQ(ServerFault(),
            "tls_certificates[0].certificate_chain: has a key usage that does not allow digital signatures");
}

TEST_F(ContextFaultsTest, ExpiredCertificatesAreRefused) {
  server_config_.common.certificates = {
      ConfigOf(Issue({.name = "old", .not_before = -7200, .not_after = -3600}, nullptr, kEpoch))};
  EXPECT_EQ(ServerFault(),
            "tls_certificates[0].certificate_chain: expired at 2025-12-31T23:00:00Z (subject CN=old,O=Nuncio)");
}

TEST_F(ContextFaultsTest, Protocol) {
  ProtocolConfig& protocol = server_config_.common.protocol;
  protocol.min_version = ProtocolVersion::kTls13;
  protocol.max_version = ProtocolVersion::kTls12;
  EXPECT_EQ(ServerFault().substr(0, 53), "tls_params.tls_minimum_protocol_version: is above tls");
  protocol = {};
  protocol.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256", "ROT13"};
  EXPECT_EQ(ServerFault(), "tls_params.cipher_suites[1]: no cipher suite is called 'ROT13'");
  protocol.cipher_suites = {"[ECDHE-RSA-AES128-GCM-SHA256|ROT13]"};
  EXPECT_EQ(ServerFault(),
            "tls_params.cipher_suites[0]: no cipher suite is called '[ECDHE-RSA-AES128-GCM-SHA256|ROT13]'");
  protocol.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256", "-ALL"};
  EXPECT_EQ(ServerFault(), "tls_params.cipher_suites: leave no cipher suite: 'ECDHE-RSA-AES128-GCM-SHA256:-ALL'");
  protocol.cipher_suites = {"-ALL", "ECDHE-ECDSA-AES128-GCM-SHA256"};
  EXPECT_EQ(ServerFault(), "none");
  protocol.curves = {"X25519", "P-1"};
  EXPECT_EQ(ServerFault(), "tls_params.ecdh_curves[1]: no curve is called 'P-1'");
  protocol.curves = {"X25519", "P-256"};
  protocol.signature_algorithms = {"ecdsa_secp256r1_sha256", "md5"};
  EXPECT_EQ(ServerFault(), "tls_params.signature_algorithms[1]: no signature algorithm is called 'md5'");
}

TEST_F(ContextFaultsTest, Alpn) {
  server_config_.common.alpn = {"h2", ""};
  EXPECT_EQ(ServerFault(), "alpn_protocols[1]: must have 1 to 255 bytes, has 0");
  server_config_.common.alpn = {std::string(256, 'x')};
  EXPECT_EQ(ServerFault(), "alpn_protocols[0]: must have 1 to 255 bytes, has 256");
}

TEST_F(ContextFaultsTest, Validation) {
  validation().trusted_ca = "nothing";
  EXPECT_EQ(ClientFault(), "validation_context.trusted_ca: holds no certificate in PEM form");
  validation().trusted_ca =
      Issue({.name = "old CA", .ca = true, .not_before = -7200, .not_after = -1}, nullptr, kEpoch).Pem();
  EXPECT_EQ(ClientFault(), "validation_context.trusted_ca: every certificate in it has expired");
  validation().trusted_ca = authority_.Pem();
  validation().crl = "nothing";
  EXPECT_EQ(ClientFault(), "validation_context.crl: holds no certificate revocation list");
  validation().crl = IssueCrl(authority_, {}, kEpoch);
  EXPECT_EQ(ClientFault(), "none");
  validation().spki_pins = {"short"};
  EXPECT_EQ(ClientFault(), "validation_context.verify_certificate_spki[0]: is no SHA-256 digest in base64: 'short'");
  validation().spki_pins = {};
  validation().hash_pins = {std::string(64, 'a'), std::string(64, 'g')};
  EXPECT_EQ(ClientFault(), "validation_context.verify_certificate_hash[1]: is no SHA-256 digest in hex: '" +
                               std::string(64, 'g') + "'");
  validation().hash_pins = {};
  validation().trusted_ca = "";
  EXPECT_EQ(ClientFault(), "validation_context.crl: needs trusted_ca to be given as well");
  validation().crl = "";
  validation().sans = {{SanMatcher::Type::kDns, {matcher::StringMatcher::Kind::kExact, "a", false}, ""}};
  EXPECT_EQ(ClientFault(), "validation_context.match_typed_subject_alt_names: needs trusted_ca to be given as well");
}

TEST_F(ContextFaultsTest, RolesOwn) {
  server_config_.ticket_keys = {std::string(80, 'a'), std::string(48, 'b')};
  EXPECT_EQ(ServerFault(), "session_ticket_keys.keys[1]: is 48 bytes long, not 80");
  client_config_.sni = std::string(256, 's');
  EXPECT_EQ(ClientFault(), "sni: must have no more than 255 bytes");
  client_config_.sni = "";
  client_config_.common.certificates = {certificate(), certificate()};
  EXPECT_EQ(ClientFault(), "tls_certificates: a client presents one certificate only");
  client_config_.common.certificates = {};
  client_config_.common.validation.reset();
  client_config_.auto_sni_san_validation = true;
  EXPECT_EQ(ClientFault(), "auto_sni_san_validation: needs validation_context.trusted_ca to be given as well");
}

TEST_F(ContextFaultsTest, AFaultIsTakenApart) {
  const ContextFault fault = ContextFault::Of("tls_certificates[0].private_key: is missing: so it is");
  EXPECT_EQ(fault.field, "tls_certificates[0].private_key");
  EXPECT_EQ(fault.text, "is missing: so it is");
}

}  // namespace
}  // namespace nuncio::tls
