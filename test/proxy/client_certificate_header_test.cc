#include "source/proxy/client_certificate_header.h"

#include "gtest/gtest.h"
#include "test/net/fake_security_info.h"

namespace nuncio::proxy {
namespace {

TEST(ClientCertificateHeaderTest, TheHashAndWhatIsAskedForInTheOrderOfEnvoy) {
  net::FakeSecurityInfo security;
  EXPECT_EQ(ClientCertificateElement(security, {}), "By=spiffe://test/server;By=spiffe://test/other;Hash=aa11");
  EXPECT_EQ(ClientCertificateElement(
                security, {.certificate = true, .chain = true, .subject = true, .uris = true, .dns_names = true}),
            "By=spiffe://test/server;By=spiffe://test/other;Hash=aa11;Cert=\"leaf%0A\";Chain=\"leaf%0Aissuer%0A\";"
            "Subject=\"CN=client,O=Test \\\"One\\\"\";URI=spiffe://test/client;DNS=client.test;DNS=www.client.test");
}

TEST(ClientCertificateHeaderTest, SubjectAndUriAreThereEvenWhenEmpty) {
  net::FakeSecurityInfo security;
  security.local = {};
  security.peer = {};
  security.peer.sha256 = "ab";
  EXPECT_EQ(ClientCertificateElement(security, {.subject = true, .uris = true, .dns_names = true}),
            "Hash=ab;Subject=\"\";URI=");
}

TEST(ClientCertificateHeaderTest, ANameCannotPassForAFieldOrAnElement) {
  net::FakeSecurityInfo security;
  security.local = {};
  security.peer.uri_sans = {"urn:x;By=forged", "urn:y,Hash=forged", "urn:\"z\\\""};
  security.peer.dns_sans = {"a=b"};
  EXPECT_EQ(ClientCertificateElement(security, {.uris = true, .dns_names = true}),
            "Hash=aa11;URI=\"urn:x;By=forged\";URI=\"urn:y,Hash=forged\";URI=urn:%22z%5C%22;DNS=a=b");
}

TEST(ClientCertificateHeaderTest, NoneWithoutACertificate) {
  net::FakeSecurityInfo security;
  security.presented = false;
  EXPECT_EQ(ClientCertificateElement(security, {.subject = true}), "");
}

}  // namespace
}  // namespace nuncio::proxy
