#pragma once

#include <string>
#include <string_view>

#include "source/net/security_info.h"

namespace nuncio::net {

// A connection over TLS of a client that presented a certificate; what it says is for the test to change.
class FakeSecurityInfo final : public SecurityInfo {
 public:
  FakeSecurityInfo() {
    peer.subject = "CN=client,O=Test \\\"One\\\"";
    peer.issuer = "CN=Root";
    peer.serial = "1f";
    peer.sha256 = "aa11";
    peer.sha1 = "bb22";
    peer.uri_sans = {"spiffe://test/client"};
    peer.dns_sans = {"client.test", "www.client.test"};
    peer.ip_sans = {"10.1.1.1"};
    peer.email_sans = {"me@client.test"};
    peer.not_before = SystemTime(std::chrono::seconds(1767323045));
    peer.not_after = SystemTime(std::chrono::seconds(1798859045));
    local.subject = "CN=server";
    local.uri_sans = {"spiffe://test/server", "spiffe://test/other"};
    local.dns_sans = {"server.test"};
    local.ip_sans = {"10.2.2.2"};
    local.email_sans = {"me@server.test"};
  }

  std::string_view alpn() const override { return "h2"; }
  std::string_view sni() const override { return server_name; }
  std::string_view version() const override { return "TLSv1.3"; }
  std::string_view cipher() const override { return "TLS_AES_128_GCM_SHA256"; }
  uint16_t cipher_id() const override { return 0x1301; }
  std::string_view session_id() const override { return "5e55"; }
  bool session_reused() const override { return false; }
  bool peer_certificate_presented() const override { return presented; }
  bool peer_certificate_validated() const override { return presented; }
  const CertificateFacts* peer_certificate() const override { return presented ? &peer : nullptr; }
  const CertificateFacts* local_certificate() const override { return &local; }
  std::string_view peer_certificate_pem() const override { return presented ? "leaf%0A" : ""; }
  std::string_view peer_chain_pem() const override { return presented ? "leaf%0Aissuer%0A" : ""; }
  std::string_view ja3() const override { return {}; }
  std::string_view ja4() const override { return {}; }

  CertificateFacts peer;
  CertificateFacts local;
  std::string server_name = "server.test";
  bool presented = true;
};

}  // namespace nuncio::net
