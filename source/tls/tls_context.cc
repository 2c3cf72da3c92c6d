#include "source/tls/tls_context.h"

#include <openssl/err.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/tls/ssl_error.h"
#include "source/tls/tls_transport_socket.h"

namespace nuncio::tls {
namespace {

// Shared by all contexts: the same certificate, presented on many connections, is kept once.
CRYPTO_BUFFER_POOL* CertificatePool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  return pool;
}

uint16_t WireVersion(ProtocolVersion version, uint16_t otherwise) {
  switch (version) {
    case ProtocolVersion::kAuto: return otherwise;
    case ProtocolVersion::kTls10: return TLS1_VERSION;
    case ProtocolVersion::kTls11: return TLS1_1_VERSION;
    case ProtocolVersion::kTls12: return TLS1_2_VERSION;
    case ProtocolVersion::kTls13: return TLS1_3_VERSION;
  }
  return otherwise;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ':';
    out += part;
  }
  return out;
}

void OnKeyLogLine(const SSL* ssl, const char* line) {
  const TlsTransportSocket* const socket = TlsTransportSocket::Of(ssl);
  if (socket != nullptr && socket->key_log() != nullptr) socket->key_log()->Write(line);
}

// BoringSSL does not say for whom it asks.
void OnTimeAsked(const SSL*, timeval* out) {
  const TlsTransportSocket* const socket = TlsTransportSocket::Current();
  const SystemTime now = socket == nullptr ? Clock::Real().System() : socket->SystemNow();
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  out->tv_sec = since / 1'000'000;
  out->tv_usec = since % 1'000'000;
}

ssl_verify_result_t OnVerify(SSL* ssl, uint8_t* alert) {
  TlsTransportSocket* const socket = TlsTransportSocket::Of(ssl);
  *alert = SSL_AD_INTERNAL_ERROR;
  return socket == nullptr ? ssl_verify_invalid : socket->VerifyPeer(alert);
}

bool Contains(const std::vector<net::CidrRange>& ranges, const net::Address& address) {
  return ranges.empty() ||
         std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.Contains(address); });
}

}  // namespace

TlsContext::TlsContext() = default;
TlsContext::~TlsContext() = default;

ssl_select_cert_result_t TlsContext::OnClientHello(const SSL_CLIENT_HELLO&, TlsTransportSocket&) const {
  return ssl_select_cert_success;
}

KeyLogSink* TlsContext::KeyLogFor(const net::Address& local, const net::Address& remote) const {
  if (!key_log_.has_value() || key_log_->sink == nullptr) return nullptr;
  return Contains(key_log_->local, local) && Contains(key_log_->remote, remote) ? key_log_->sink.get() : nullptr;
}

absl::Status TlsContext::Init(const CommonConfig& config, SystemTime now, std::string_view default_ciphers,
                              std::string_view default_curves) {
  // Buffers, not parsed certificates: those would stay with every connection.
  ssl_ctx_.reset(SSL_CTX_new(TLS_with_buffers_method()));
  if (ssl_ctx_ == nullptr) return Internal(TakeErrorText());
  SSL_CTX_set0_buffer_pool(ssl_ctx_.get(), CertificatePool());
  SSL_CTX_set_current_time_cb(ssl_ctx_.get(), &OnTimeAsked);
  NUNCIO_RETURN_IF_ERROR(SetProtocol(config.protocol, default_ciphers, default_curves));
  for (size_t i = 0; i < config.certificates.size(); ++i) {
    absl::StatusOr<std::shared_ptr<const Certificate>> certificate = Certificate::Load(config.certificates[i], now);
    if (!certificate.ok()) {
      return InvalidArgument(StrCat("tls_certificates[", i, "].", certificate.status().message()));
    }
    certificates_.push_back(*std::move(certificate));
  }
  if (config.validation.has_value()) {
    auto verifier = CertificateVerifier::Create(*config.validation, now);
    if (!verifier.ok()) return InvalidArgument(StrCat("validation_context.", verifier.status().message()));
    verifier_ = *std::move(verifier);
  }
  // Whether an untrusted peer passed is not part of the session, and its certificate may have expired since.
  if (verifier_ != nullptr) SSL_CTX_set_reverify_on_resume(ssl_ctx_.get(), 1);
  NUNCIO_ASSIGN_OR_RETURN(alpn_, AlpnWireForm(config.alpn));
  key_log_ = config.key_log;
  if (key_log_.has_value()) SSL_CTX_set_keylog_callback(ssl_ctx_.get(), &OnKeyLogLine);
  return absl::OkStatus();
}

void TlsContext::SetVerifyMode(int mode) { SSL_CTX_set_custom_verify(ssl_ctx_.get(), mode, &OnVerify); }

absl::Status TlsContext::SetVersions(const ProtocolConfig& config) {
  const uint16_t min = WireVersion(config.min_version, TLS1_2_VERSION);
  const uint16_t max = WireVersion(config.max_version, TLS1_3_VERSION);
  if (min > max) {
    return InvalidArgument(
        "tls_params.tls_minimum_protocol_version: is above tls_maximum_protocol_version (TLSv1_2 to TLSv1_3 where not "
        "given)");
  }
  if (!SSL_CTX_set_min_proto_version(ssl_ctx_.get(), min) || !SSL_CTX_set_max_proto_version(ssl_ctx_.get(), max)) {
    return InvalidArgument(StrCat("tls_params: ", TakeErrorReason()));
  }
  return absl::OkStatus();
}

absl::Status TlsContext::SetProtocol(const ProtocolConfig& config, std::string_view default_ciphers,
                                     std::string_view default_curves) {
  NUNCIO_RETURN_IF_ERROR(SetVersions(config));
  SSL_CTX* const ctx = ssl_ctx_.get();
  const std::string ciphers = config.cipher_suites.empty() ? std::string(default_ciphers) : Join(config.cipher_suites);
  if (!SSL_CTX_set_strict_cipher_list(ctx, ciphers.c_str())) {
    ERR_clear_error();
    // Each by itself, to tell which it is. A rule that takes away has to leave something.
    for (size_t i = 0; i < config.cipher_suites.size(); ++i) {
      const std::string& each = config.cipher_suites[i];
      const bool takes_away = !each.empty() && (each[0] == '-' || each[0] == '!');
      const std::string name =
          takes_away ? StrCat(each, ":ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256") : each;
      const bssl::UniquePtr<SSL_CTX> trial(SSL_CTX_new(TLS_with_buffers_method()));
      if (!SSL_CTX_set_strict_cipher_list(trial.get(), name.c_str())) {
        ERR_clear_error();
        return InvalidArgument(StrCat("tls_params.cipher_suites[", i, "]: no cipher suite is called '", each, "'"));
      }
    }
    return InvalidArgument(StrCat("tls_params.cipher_suites: leave no cipher suite: '", ciphers, "'"));
  }
  const std::string curves = config.curves.empty() ? std::string(default_curves) : Join(config.curves);
  if (!SSL_CTX_set1_curves_list(ctx, curves.c_str())) {
    ERR_clear_error();
    for (size_t i = 0; i < config.curves.size(); ++i) {
      if (SSL_CTX_set1_curves_list(ctx, config.curves[i].c_str())) continue;
      ERR_clear_error();
      return InvalidArgument(StrCat("tls_params.ecdh_curves[", i, "]: no curve is called '", config.curves[i], "'"));
    }
    return InvalidArgument("tls_params.ecdh_curves: name a curve twice");
  }
  if (!config.signature_algorithms.empty() &&
      !SSL_CTX_set1_sigalgs_list(ctx, Join(config.signature_algorithms).c_str())) {
    ERR_clear_error();
    for (size_t i = 0; i < config.signature_algorithms.size(); ++i) {
      if (SSL_CTX_set1_sigalgs_list(ctx, config.signature_algorithms[i].c_str())) continue;
      ERR_clear_error();
      return InvalidArgument(StrCat("tls_params.signature_algorithms[", i, "]: no signature algorithm is called '",
                                    config.signature_algorithms[i], "'"));
    }
    return InvalidArgument("tls_params.signature_algorithms: name an algorithm twice");
  }
  if (config.fips_202205 && !SSL_CTX_set_compliance_policy(ctx, ssl_compliance_policy_fips_202205)) {
    return InvalidArgument(StrCat("tls_params.compliance_policies: ", TakeErrorReason()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TlsContext::AlpnWireForm(const std::vector<std::string>& protocols) {
  std::string out;
  for (size_t i = 0; i < protocols.size(); ++i) {
    if (protocols[i].empty() || protocols[i].size() > 255) {
      return InvalidArgument(StrCat("alpn_protocols[", i, "]: must have 1 to 255 bytes, has ", protocols[i].size()));
    }
    out += static_cast<char>(protocols[i].size());
    out += protocols[i];
  }
  if (out.size() > 65535) return InvalidArgument("alpn_protocols: must have no more than 65535 bytes together");
  return out;
}

}  // namespace nuncio::tls
