#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/local_ref.h"

namespace nuncio::net {

// What a certificate says, in the forms that logs and headers use: printable ASCII, other bytes escaped.
struct CertificateFacts {
  std::string subject;  // RFC 2253: "CN=client,O=Example".
  std::string issuer;
  std::string serial;   // Lower-case hex.
  std::string sha256;   // Of the DER form; lower-case hex.
  std::string sha1;
  std::vector<std::string> uri_sans;
  std::vector<std::string> dns_sans;
  std::vector<std::string> ip_sans;
  std::vector<std::string> email_sans;
  SystemTime not_before{};
  SystemTime not_after{};
};

// What is known of a secured connection once its handshake is done. Nothing is worked out before it is asked for. One
// worker's; what it returns stays as long as the object does.
class SecurityInfo {
 public:
  virtual ~SecurityInfo() = default;

  // Empty where none was agreed on.
  virtual std::string_view alpn() const = 0;
  // As the client sent it, in lower case; empty where it sent none.
  virtual std::string_view sni() const = 0;
  // "TLSv1.3".
  virtual std::string_view version() const = 0;
  // As OpenSSL names it: "TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256".
  virtual std::string_view cipher() const = 0;
  // IANA's number of it; 0xffff where there is none.
  virtual uint16_t cipher_id() const = 0;
  // Hex; empty where the session has none.
  virtual std::string_view session_id() const = 0;
  virtual bool session_reused() const = 0;

  virtual bool peer_certificate_presented() const = 0;
  // It was presented and passed the configured verification.
  virtual bool peer_certificate_validated() const = 0;
  // Null where none was presented / this side has none.
  virtual const CertificateFacts* peer_certificate() const = 0;
  virtual const CertificateFacts* local_certificate() const = 0;
  // The peer's certificate, and it with the chain that it sent, as PEM in URL encoding. Empty where there is none.
  virtual std::string_view peer_certificate_pem() const = 0;
  virtual std::string_view peer_chain_pem() const = 0;

  // Fingerprints of the ClientHello, where the listener computes them; else empty. JA3 as MD5 in hex.
  virtual std::string_view ja3() const = 0;
  virtual std::string_view ja4() const = 0;
};

// For those of its worker that may outlive the connection.
using SecurityRef = LocalRef<SecurityInfo>;
inline SecurityRef MakeSecurityRef(std::shared_ptr<const SecurityInfo> info) {
  // The last one frees it where it stands.
  struct Nowhere final : ObjectHome {
    void TakeBack(std::shared_ptr<const void> /*object*/) override {}
  };
  static Nowhere nowhere;
  return SecurityRef(std::move(info), nowhere);
}

}  // namespace nuncio::net
