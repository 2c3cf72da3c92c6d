#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/base/clock.h"
#include "source/net/address.h"
#include "source/tls/certificate.h"
#include "source/tls/certificate_verifier.h"
#include "source/tls/context_config.h"

namespace nuncio::tls {

class TlsTransportSocket;

// What contexts of both roles have in common. Immutable once created; any thread.
class TlsContext {
 public:
  virtual ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* ssl_ctx() const { return ssl_ctx_.get(); }
  // Null: the peer's certificate is not looked at.
  const CertificateVerifier* verifier() const { return verifier_.get(); }
  // Where the secrets of a connection between these addresses go; null for nowhere.
  bool has_key_log() const { return key_log_.has_value(); }
  KeyLogSink* KeyLogFor(const net::Address& local, const net::Address& remote) const;

  // What a role does at the moments of a handshake. On the socket's thread.
  virtual ssl_select_cert_result_t OnClientHello(const SSL_CLIENT_HELLO& hello, TlsTransportSocket& socket) const;
  virtual bool ServerRole() const = 0;

 protected:
  TlsContext();
  // What of CommonConfig is the same for both roles. The message of a fault begins with its field in CommonTlsContext.
  absl::Status Init(const CommonConfig& config, SystemTime now, std::string_view default_ciphers,
                    std::string_view default_curves);
  // SSL_VERIFY_*: whether a certificate is asked for. Judged it is in any case.
  void SetVerifyMode(int mode);
  // ALPN's form of a list: each name with its length before it. A fault for names that are empty or too long.
  static absl::StatusOr<std::string> AlpnWireForm(const std::vector<std::string>& protocols);

  bssl::UniquePtr<SSL_CTX> ssl_ctx_;
  std::unique_ptr<const CertificateVerifier> verifier_;
  std::vector<std::shared_ptr<const Certificate>> certificates_;
  std::string alpn_;  // In wire form.

 private:
  absl::Status SetProtocol(const ProtocolConfig& config, std::string_view default_ciphers,
                           std::string_view default_curves);
  absl::Status SetVersions(const ProtocolConfig& config);

  std::optional<KeyLogConfig> key_log_;
};

}  // namespace nuncio::tls
