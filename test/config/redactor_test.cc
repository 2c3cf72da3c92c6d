#include "source/config/redactor.h"

#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/config/message_dump.h"

namespace nuncio::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace tls = envoy::extensions::transport_sockets::tls::v3;

void FillCertificate(tls::TlsCertificate& certificate) {
  certificate.mutable_certificate_chain()->set_inline_string("chain-text");
  certificate.mutable_private_key()->set_inline_string("key-text");
  certificate.mutable_password()->set_inline_bytes("password-bytes");
}

TEST(RedactorTest, TextsAndBytesBelowASensitiveField) {
  tls::Secret secret;
  secret.set_name("s");
  FillCertificate(*secret.mutable_tls_certificate());
  Redact(secret);
  EXPECT_EQ("s", secret.name());
  EXPECT_EQ("chain-text", secret.tls_certificate().certificate_chain().inline_string());
  EXPECT_EQ(kRedacted, secret.tls_certificate().private_key().inline_string());
  EXPECT_EQ(kRedacted, secret.tls_certificate().password().inline_bytes());
}

TEST(RedactorTest, RepeatedFields) {
  tls::TlsSessionTicketKeys keys;
  keys.add_keys()->set_inline_bytes("first");
  keys.add_keys()->set_filename("/keys/second");
  Redact(keys);
  ASSERT_EQ(2, keys.keys_size());
  EXPECT_EQ(kRedacted, keys.keys(0).inline_bytes());
  EXPECT_EQ(kRedacted, keys.keys(1).filename());
}

TEST(RedactorTest, MessagesWithinAny) {
  tls::UpstreamTlsContext context;
  context.set_sni("a.test");
  FillCertificate(*context.mutable_common_tls_context()->add_tls_certificates());
  envoy::config::cluster::v3::Cluster cluster;
  cluster.mutable_transport_socket()->mutable_typed_config()->PackFrom(context);
  google::protobuf::Any any;
  any.PackFrom(cluster);
  Redact(any);
  const std::string text = MessageToJson(any);
  EXPECT_THAT(text, HasSubstr("a.test"));
  EXPECT_THAT(text, HasSubstr("chain-text"));
  EXPECT_THAT(text, Not(HasSubstr("key-text")));
  EXPECT_THAT(any.SerializeAsString(), Not(HasSubstr("password-bytes")));
}

TEST(RedactorTest, UnknownFieldsAreDroppedAndOtherTypesStay) {
  tls::Secret secret;
  secret.mutable_validation_context()->mutable_trusted_ca()->set_inline_string("ca-text");
  // generic_secret = 5
  secret.GetReflection()->MutableUnknownFields(&secret)->AddLengthDelimited(5, "generic-text");
  Redact(secret);
  EXPECT_THAT(secret.SerializeAsString(), HasSubstr("ca-text"));
  EXPECT_THAT(secret.SerializeAsString(), Not(HasSubstr("generic-text")));

  google::protobuf::Any unknown;
  unknown.set_type_url("type.googleapis.com/not.here.Message");
  unknown.set_value("bytes");
  Redact(unknown);
  EXPECT_EQ("bytes", unknown.value());
}

}  // namespace
}  // namespace nuncio::config
