#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "source/net/security_info.h"
#include "source/tls/tls_context.h"

namespace nuncio::tls {

// What is known of a TLS connection, worked out of BoringSSL's state when somebody asks. Owns that state, so that it
// may outlive the connection. One thread's.
class SslSecurityInfo final : public net::SecurityInfo {
 public:
  // `local`: the certificate that was presented, in `context`; null for none.
  SslSecurityInfo(bssl::UniquePtr<SSL> ssl, std::shared_ptr<const TlsContext> context, const Certificate* local,
                  bool validated, std::string sni, std::string ja3, std::string ja4);
  ~SslSecurityInfo() override;

  SSL* ssl() const { return ssl_.get(); }

  std::string_view alpn() const override;
  std::string_view sni() const override;
  std::string_view version() const override;
  std::string_view cipher() const override;
  uint16_t cipher_id() const override;
  std::string_view session_id() const override;
  bool session_reused() const override;
  bool peer_certificate_presented() const override;
  bool peer_certificate_validated() const override { return validated_; }
  const net::CertificateFacts* peer_certificate() const override;
  const net::CertificateFacts* local_certificate() const override;
  std::string_view peer_certificate_pem() const override;
  std::string_view peer_chain_pem() const override;
  std::string_view ja3() const override;
  std::string_view ja4() const override;

 private:
  // What idle connections need not hold.
  struct Extra {
    std::string sni;
    std::string ja3;
    std::string ja4;
    std::optional<std::string> session_id;
    std::optional<net::CertificateFacts> peer;
    std::optional<std::string> peer_pem;
    std::optional<std::string> chain_pem;
  };

  Extra& extra() const;

  const bssl::UniquePtr<SSL> ssl_;
  const std::shared_ptr<const TlsContext> context_;
  const Certificate* const local_;
  const bool validated_;
  mutable std::unique_ptr<Extra> extra_;
};

}  // namespace nuncio::tls
