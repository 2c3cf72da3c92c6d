#include "source/control/model/resource.h"

#include <gtest/gtest.h>

#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "source/control/model/resource_types.h"
#include "test/control/support/resources.h"

namespace nuncio::control {
namespace {

using ::envoy::extensions::transport_sockets::tls::v3::Secret;
using ::google::protobuf::Any;

Resource ResourceOf(const Any& any) { return Resource(any.type_url(), "name", any.value()); }

TEST(ResourceTest, KeysAreServedAndNotShown) {
  Secret secret;
  secret.set_name("pair");
  secret.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string("CHAIN");
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string("PRIVATE");
  Any any;
  any.PackFrom(secret);
  const Resource resource = ResourceOf(any);
  EXPECT_EQ(resource.ToAny().value(), any.value());
  const Any shown = resource.ToShownAny();
  EXPECT_EQ(shown.type_url(), kSecretType);
  EXPECT_EQ(shown.value().find("PRIVATE"), std::string::npos);
  EXPECT_NE(shown.value().find("CHAIN"), std::string::npos);
}

TEST(ResourceTest, KeysWithinListenersAreNotShown) {
  const Any any = test::ListenerWithKey("l", "PRIVATE");
  const Resource resource = ResourceOf(any);
  EXPECT_NE(resource.ToAny().value().find("PRIVATE"), std::string::npos);
  EXPECT_EQ(resource.ToShownAny().value().find("PRIVATE"), std::string::npos);
}

TEST(ResourceTest, SecretsOfUnknownFormAreNotShown) {
  // Field 5 of length 7, which this build does not know (generic_secret upstream); then bytes that are no message.
  for (const std::string& body : {std::string("\x2a\x07PRIVATE"), std::string("\xffPRIVATE")}) {
    const Resource resource{std::string(kSecretType), "name", body};
    EXPECT_EQ(resource.ToAny().value(), body);
    EXPECT_EQ(resource.ToShownAny().value().find("PRIVATE"), std::string::npos);
  }
}

TEST(ResourceTest, WhatHoldsNoKeysIsShownByteForByte) {
  // With a field that this build does not know.
  Any any = test::StaticCluster("a");
  any.set_value(any.value() + "\xfa\x7f\x03new");
  EXPECT_EQ(ResourceOf(any).ToShownAny().value(), any.value());
}

}  // namespace
}  // namespace nuncio::control
