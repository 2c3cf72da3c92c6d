#include "source/tls/context_compiler.h"

#include <unistd.h>

#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/tls/client_context.h"
#include "source/tls/server_context.h"
#include "test/tls/compiler_fixture.h"

namespace nuncio::tls {
namespace {

class ContextCompilerTest : public CompilerFixture {};

TEST_F(ContextCompilerTest, WhatStandsInTheConfigurationMakesAContextAtOnce) {
  EXPECT_EQ("", Fault(Downstream()));
  EXPECT_NE(nullptr, downstream_->ready);
  ASSERT_EQ(1u, downstream_->uses().size());
  EXPECT_EQ("common_tls_context.tls_certificates[0]", downstream_->uses()[0]->path());
  EXPECT_EQ("", Fault(v3::UpstreamTlsContext()));
  EXPECT_NE(nullptr, upstream_->ready);
}

TEST_F(ContextCompilerTest, FilesAreReadAndNamedInFaults) {
  auto message = Downstream();
  auto& certificate = *message.mutable_common_tls_context()->mutable_tls_certificates(0);
  certificate.mutable_certificate_chain()->set_filename(Put("own.pem", own_.Pem()));
  certificate.mutable_private_key()->set_filename(Put("own.key", own_.KeyPem()));
  EXPECT_EQ("", Fault(message));
  EXPECT_NE(nullptr, downstream_->ready);
  const std::string key = "common_tls_context.tls_certificates[0].private_key";
  certificate.mutable_private_key()->set_filename(Put("other.key", other_.KeyPem()));
  EXPECT_EQ(StrCat(key, ": \"", Path("other.key"), "\": does not belong to the first certificate of certificate_chain"),
            Fault(message));
  const std::string missing = Path(std::string(100, 'x'));
  certificate.mutable_private_key()->set_filename(missing);
  EXPECT_EQ(StrCat(key, ".filename: cannot open \"", missing, "\": No such file or directory"), Fault(message));
  certificate.mutable_private_key()->set_filename(directory_);
  EXPECT_EQ(StrCat(key, ".filename: \"", directory_, "\" is not a regular file"), Fault(message));
}

TEST_F(ContextCompilerTest, FilesOfAnotherMachineAreNotLookedAt) {
  v3::DownstreamTlsContext message;
  auto& common = *message.mutable_common_tls_context();
  auto& certificate = *common.add_tls_certificates();
  certificate.mutable_certificate_chain()->set_filename("/no/such/file");
  certificate.mutable_private_key()->set_environment_variable("NO_SUCH_VARIABLE");
  EXPECT_EQ("", Fault(message, kNamesOnly));
  EXPECT_EQ(nullptr, downstream_->ready);
  EXPECT_FALSE(downstream_->certificates[0].inlined->known());
  // What can be told without them is.
  common.mutable_tls_params()->add_ecdh_curves("P-1");
  EXPECT_EQ("common_tls_context.tls_params.ecdh_curves[0]: no curve is called 'P-1'", Fault(message, kNamesOnly));
  certificate.clear_private_key();
  EXPECT_EQ("common_tls_context.tls_certificates[0].private_key: must be set", Fault(message, kNamesOnly));
}

TEST_F(ContextCompilerTest, ExpiredCertificatesAreRefused) {
  auto message = Downstream();
  Fill(old_, *message.mutable_common_tls_context()->mutable_tls_certificates(0));
  EXPECT_EQ("common_tls_context.tls_certificates[0].certificate_chain: expired at 2025-12-31T23:00:00Z (subject "
            "CN=old,O=Nuncio)",
            Fault(message));
}

TEST_F(ContextCompilerTest, ParametersAreRefusedByName) {
  auto message = Downstream();
  auto& parameters = *message.mutable_common_tls_context()->mutable_tls_params();
  parameters.add_ecdh_curves("X25519");
  parameters.add_ecdh_curves("Curve1");
  EXPECT_EQ("common_tls_context.tls_params.ecdh_curves[1]: no curve is called 'Curve1'", Fault(message));
  parameters.Clear();
  parameters.add_cipher_suites("ROT13");
  EXPECT_EQ("common_tls_context.tls_params.cipher_suites[0]: no cipher suite is called 'ROT13'", Fault(message));
  parameters.Clear();
  parameters.set_tls_minimum_protocol_version(v3::TlsParameters::TLSv1_3);
  parameters.set_tls_maximum_protocol_version(v3::TlsParameters::TLSv1_2);
  EXPECT_TRUE(Fault(message).starts_with("common_tls_context.tls_params.tls_minimum_protocol_version: is above"));
}

TEST_F(ContextCompilerTest, AlpnMayStandInOneElement) {
  auto message = Downstream();
  auto& common = *message.mutable_common_tls_context();
  common.add_alpn_protocols("h2,http/1.1");
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ((std::vector<std::string>{"h2", "http/1.1"}), downstream_->base.common.alpn);
  common.add_alpn_protocols("h2,");
  EXPECT_EQ("common_tls_context.alpn_protocols[1]: must name protocols of 1 to 255 bytes, with commas between them",
            Fault(message));
}

TEST_F(ContextCompilerTest, AServerNeedsCertificatesOfOneOrigin) {
  EXPECT_EQ("common_tls_context.tls_certificates: must hold a certificate, or tls_certificate_sds_secret_configs must",
            Fault(v3::DownstreamTlsContext()));
  auto message = Downstream();
  auto& reference = *message.mutable_common_tls_context()->add_tls_certificate_sds_secret_configs();
  reference.set_name("own");
  EXPECT_EQ(
      "common_tls_context.tls_certificate_sds_secret_configs: cannot stand beside tls_certificates: one of the two "
      "only",
      Fault(message));
}

TEST_F(ContextCompilerTest, AClientHasOneCertificateAtMost) {
  v3::UpstreamTlsContext message;
  for (int i = 0; i < 2; ++i) Fill(own_, *message.mutable_common_tls_context()->add_tls_certificates());
  EXPECT_EQ("common_tls_context.tls_certificates: must hold at most one certificate towards servers (there are 2)",
            Fault(message));
}

TEST_F(ContextCompilerTest, SecretsByName) {
  v3::DownstreamTlsContext message;
  auto& common = *message.mutable_common_tls_context();
  common.add_tls_certificate_sds_secret_configs()->set_name("static");
  auto& discovered = *common.add_tls_certificate_sds_secret_configs();
  discovered.set_name("own");
  discovered.mutable_sds_config()->mutable_ads();
  auto& combined = *common.mutable_combined_validation_context();
  combined.mutable_default_validation_context()->mutable_trusted_ca()->set_inline_string(authority_.Pem());
  combined.mutable_validation_context_sds_secret_config()->set_name("roots");
  combined.mutable_validation_context_sds_secret_config()->mutable_sds_config()->mutable_path_config_source()->set_path(
      "/f");
  message.mutable_session_ticket_keys_sds_secret_config()->set_name("tickets");
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ(nullptr, downstream_->ready);
  std::string all;
  for (const SecretUse* use : downstream_->uses()) {
    all += StrCat(use->path(), " ", use->stat_name(), " ", NameOf(use->kind), " ",
                  use->inlined != nullptr ? "here" : use->source.has_value() ? "discovered" : "static", "\n");
  }
  EXPECT_EQ(
      "common_tls_context.tls_certificate_sds_secret_configs[0] static tls_certificate static\n"
      "common_tls_context.tls_certificate_sds_secret_configs[1] own tls_certificate discovered\n"
      "common_tls_context.combined_validation_context.default_validation_context default_validation_context "
      "validation_context here\n"
      "common_tls_context.combined_validation_context.validation_context_sds_secret_config roots validation_context "
      "discovered\n"
      "session_ticket_keys_sds_secret_config tickets session_ticket_keys static\n",
      all);
}

TEST_F(ContextCompilerTest, FaultsOfACombinedContext) {
  v3::UpstreamTlsContext message;
  auto& combined = *message.mutable_common_tls_context()->mutable_combined_validation_context();
  combined.mutable_default_validation_context()->mutable_trusted_ca()->set_inline_string("nothing");
  combined.mutable_validation_context_sds_secret_config()->set_name("roots");
  EXPECT_EQ(
      "common_tls_context.combined_validation_context.default_validation_context.trusted_ca: holds no certificate in "
      "PEM "
      "form",
      Fault(message));
}

TEST_F(ContextCompilerTest, WithAKeyLogItIsTriedOutAndMadeLater) {
  v3::UpstreamTlsContext message;
  auto& common = *message.mutable_common_tls_context();
  common.mutable_key_log()->set_path("/tmp/keys.log");
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ(nullptr, upstream_->ready);
  EXPECT_EQ("/tmp/keys.log", upstream_->key_log_path);
  auto& name = *Validation(message).add_match_typed_subject_alt_names();
  name.set_san_type(v3::SubjectAltNameMatcher::DNS);
  name.mutable_matcher()->set_exact("a");
  EXPECT_EQ("common_tls_context.validation_context.match_typed_subject_alt_names: needs trusted_ca to be given as well",
            Fault(message));
  common.clear_validation_context_type();
  common.mutable_key_log()->add_local_address_range()->set_address_prefix("no address");
  EXPECT_TRUE(Fault(message).starts_with("common_tls_context.key_log.local_address_range[0]: "));
}

TEST_F(ContextCompilerTest, TicketKeys) {
  auto message = Downstream();
  message.mutable_session_ticket_keys()->add_keys()->set_inline_bytes(std::string(80, 'k'));
  EXPECT_EQ("", Fault(message));
  message.mutable_session_ticket_keys()->add_keys()->set_filename(Put("short.key", "short"));
  EXPECT_EQ(StrCat("session_ticket_keys.keys[1]: \"", Path("short.key"), "\": must be of 80 bytes (is of 5)"),
            Fault(message));
}

TEST_F(ContextCompilerTest, TheHashIsTheMessages) {
  EXPECT_EQ("", Fault(Downstream()));
  const uint64_t hash = downstream_->hash;
  EXPECT_EQ("", Fault(Downstream()));
  EXPECT_EQ(hash, downstream_->hash);
  auto other = Downstream();
  other.mutable_require_client_certificate()->set_value(true);
  EXPECT_EQ("", Fault(other));
  EXPECT_NE(hash, downstream_->hash);
}

TEST_F(ContextCompilerTest, SecretsThatAreKnownAreTriedOutTogether) {
  v3::DownstreamTlsContext message;
  message.mutable_common_tls_context()->add_tls_certificate_sds_secret_configs()->set_name("own");
  message.set_ocsp_staple_policy(v3::DownstreamTlsContext::MUST_STAPLE);
  EXPECT_EQ("", Fault(message));
  v3::Secret own;
  own.set_name("own");
  Fill(own_, *own.mutable_tls_certificate());
  EXPECT_EQ("", Fault(own));
  config::Faults faults;
  CheckContext(*downstream_, {secret_}, faults);
  EXPECT_EQ("common_tls_context.tls_certificates[0].ocsp_staple: is missing, and ocsp_staple_policy is MUST_STAPLE",
            faults.ToString());
}

class SocketCompilerTest : public CompilerFixture {
 protected:
  std::string SocketFault(const google::protobuf::Message* config, const std::string& name = "tls") {
    envoy::config::core::v3::TransportSocket socket;
    socket.set_name(name);
    if (config != nullptr) socket.mutable_typed_config()->PackFrom(*config);
    config::Faults faults;
    downstream_ = nullptr;
    const bool compiled = CompileDownstreamSocket(socket, kRead, downstream_, faults);
    EXPECT_EQ(compiled, faults.empty());
    return faults.ToString();
  }
};

TEST_F(SocketCompilerTest, TlsAndPlain) {
  const auto message = Downstream();
  EXPECT_EQ("", SocketFault(&message));
  EXPECT_NE(nullptr, downstream_);
  const envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer raw;
  EXPECT_EQ("", SocketFault(&raw));
  EXPECT_EQ(nullptr, downstream_);
  EXPECT_EQ("", SocketFault(nullptr, "envoy.transport_sockets.raw_buffer"));
  EXPECT_EQ("typed_config: required: the configuration of \"tls\"", SocketFault(nullptr));
}

TEST_F(SocketCompilerTest, OtherTypesAreRefusedByName) {
  const v3::UpstreamTlsContext upstream;
  EXPECT_EQ(
      "typed_config: transport socket \"tls\" of type "
      "\"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\" is not part of this build "
      "here; known: envoy.transport_sockets.raw_buffer and envoy.transport_sockets.tls with "
      "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      SocketFault(&upstream));
}

TEST_F(SocketCompilerTest, RulesAndFaultsStandBelowTypedConfig) {
  v3::DownstreamTlsContext message = Downstream();
  message.mutable_common_tls_context()->mutable_key_log();
  EXPECT_TRUE(SocketFault(&message).starts_with("typed_config.common_tls_context.key_log.path: "))
      << SocketFault(&message);
  message = Downstream();
  message.mutable_common_tls_context()->mutable_tls_certificates(0)->clear_private_key();
  EXPECT_EQ("typed_config.common_tls_context.tls_certificates[0].private_key: must be set", SocketFault(&message));
}

}  // namespace
}  // namespace nuncio::tls
