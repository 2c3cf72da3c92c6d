#include "source/tls/client_context.h"

#include <openssl/err.h>

#include <atomic>
#include <utility>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/tls/ssl_error.h"
#include "source/tls/tls_transport_socket.h"

namespace nuncio::tls {
namespace {

// Envoy's.
constexpr std::string_view kCiphers =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr std::string_view kCurves = "X25519:P-256";
constexpr size_t kMaxSni = 255;

uint64_t NextId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

int OnNewSession(SSL* ssl, SSL_SESSION* session) {
  TlsTransportSocket* const socket = TlsTransportSocket::Of(ssl);
  if (socket == nullptr) return 0;
  socket->OnNewSession(bssl::UniquePtr<SSL_SESSION>(session));
  return 1;
}

}  // namespace

ClientContext::ClientContext() : id_(NextId()) {}
ClientContext::~ClientContext() = default;

absl::StatusOr<std::shared_ptr<const ClientContext>> ClientContext::Create(const ClientContextConfig& config,
                                                                           SystemTime now) {
  std::shared_ptr<ClientContext> context(new ClientContext());
  const absl::Status status = context->Build(config, now);
  ERR_clear_error();
  if (!status.ok()) return status;
  return std::shared_ptr<const ClientContext>(std::move(context));
}

absl::Status ClientContext::Build(const ClientContextConfig& config, SystemTime now) {
  NUNCIO_RETURN_IF_ERROR(Init(config.common, now, kCiphers, kCurves));
  if (certificates_.size() > 1) return InvalidArgument("tls_certificates: a client presents one certificate only");
  if (config.sni.size() > kMaxSni) return InvalidArgument("sni: must have no more than 255 bytes");
  if (config.auto_sni_san_validation && (verifier_ == nullptr || !verifier_->verifies_chains())) {
    return InvalidArgument("auto_sni_san_validation: needs validation_context.trusted_ca to be given as well");
  }
  sni_ = config.sni;
  auto_sni_san_validation_ = config.auto_sni_san_validation;
  allow_renegotiation_ = config.allow_renegotiation;
  enforce_rsa_key_usage_ = config.enforce_rsa_key_usage;
  max_sessions_ = config.max_sessions;
  SSL_CTX* const ctx = ssl_ctx_.get();
  SetVerifyMode(SSL_VERIFY_PEER);
  if (!certificates_.empty()) {
    const Certificate& own = *certificates_.front();
    std::vector<CRYPTO_BUFFER*> chain;
    for (const auto& each : own.chain) chain.push_back(each.get());
    if (!SSL_CTX_set_chain_and_key(ctx, chain.data(), chain.size(), own.key.get(), nullptr)) {
      return InvalidArgument(StrCat("tls_certificates[0]: ", TakeErrorReason()));
    }
  }
  if (max_sessions_ > 0) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, &OnNewSession);
  }
  return absl::OkStatus();
}

std::unique_ptr<net::TransportSocket> ClientContext::NewSocket(SocketOptions options) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(ssl_ctx_.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_shed_handshake_config(ssl.get(), 1);
  SSL_set_enforce_rsa_key_usage(ssl.get(), enforce_rsa_key_usage_ ? 1 : 0);
  if (allow_renegotiation_) SSL_set_renegotiate_mode(ssl.get(), ssl_renegotiate_freely);
  auto handshaking = std::make_unique<TlsTransportSocket::Handshaking>();
  handshaking->sni = options.sni.empty() ? sni_ : std::move(options.sni);
  if (handshaking->sni.size() > kMaxSni) handshaking->sni.clear();
  if (!handshaking->sni.empty()) SSL_set_tlsext_host_name(ssl.get(), handshaking->sni.c_str());
  handshaking->names = std::move(options.subject_alt_names);
  if (handshaking->names.empty() && auto_sni_san_validation_ && !handshaking->sni.empty()) {
    handshaking->names = {handshaking->sni};
  }
  // Protocols and names that were agreed on belong to a session too.
  handshaking->host = StrCat(options.host, "\n", handshaking->sni);
  if (!certificates_.empty()) handshaking->local = certificates_.front().get();
  std::string alpn = alpn_;
  if (options.alpn.has_value()) {
    absl::StatusOr<std::string> wire = AlpnWireForm(*options.alpn);
    if (wire.ok()) alpn = *std::move(wire);
  }
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const uint8_t*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  if (max_sessions_ > 0 && options.sessions != nullptr) {
    if (const auto session = options.sessions->Take(*this, handshaking->host)) {
      SSL_set_session(ssl.get(), session.get());
    }
  }
  handshaking->remote = options.remote;
  return std::make_unique<TlsTransportSocket>(shared_from_this(), std::move(ssl), options.stats,
                                              std::move(options.sessions), std::move(handshaking));
}

}  // namespace nuncio::tls
