#include "source/tls/server_context.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
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
// Of sessions kept here for clients without tickets; each about 2 KiB.
constexpr unsigned long kMaxCachedSessions = 4096;

struct CurveOfSignature {
  uint16_t algorithm;
  uint16_t curve;
};
constexpr CurveOfSignature kEcdsa[] = {
    {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_CURVE_SECP256R1},
    {SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_CURVE_SECP384R1},
    {SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_CURVE_SECP521R1},
};

ssl_select_cert_result_t OnClientHelloOf(const SSL_CLIENT_HELLO* hello) {
  TlsTransportSocket* const socket = TlsTransportSocket::Of(hello->ssl);
  return socket == nullptr ? ssl_select_cert_error : socket->context().OnClientHello(*hello, *socket);
}

int OnSelectAlpn(SSL*, const uint8_t** out, uint8_t* out_size, const uint8_t* in, unsigned in_size, void* context) {
  const std::string_view chosen = static_cast<const ServerContext*>(context)->SelectAlpn(
      {reinterpret_cast<const char*>(in), in_size});
  if (chosen.empty()) return SSL_TLSEXT_ERR_NOACK;
  *out = reinterpret_cast<const uint8_t*>(chosen.data());
  *out_size = static_cast<uint8_t>(chosen.size());
  return SSL_TLSEXT_ERR_OK;
}

int OnTicket(SSL* ssl, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac, int seal) {
  TlsTransportSocket* const socket = TlsTransportSocket::Of(ssl);
  if (socket == nullptr) return -1;
  const auto keys = static_cast<const ServerContext&>(socket->context()).ticket_keys().At(socket->Now());
  return SealOrOpenTicket(*keys, name, iv, cipher, hmac, seal != 0);
}

// The words of an extension that is a list of them with its length before it.
std::vector<uint16_t> WordsOf(const SSL_CLIENT_HELLO& hello, uint16_t extension) {
  std::vector<uint16_t> out;
  const uint8_t* data = nullptr;
  size_t size = 0;
  CBS in;
  CBS list;
  if (!SSL_early_callback_ctx_extension_get(&hello, extension, &data, &size)) return out;
  CBS_init(&in, data, size);
  if (!CBS_get_u16_length_prefixed(&in, &list)) return out;
  uint16_t word = 0;
  while (CBS_get_u16(&list, &word)) out.push_back(word);
  return out;
}

// Whether TLS 1.3 will be spoken.
bool AgreesOnTls13(const SSL_CLIENT_HELLO& hello) {
  if (SSL_get_max_proto_version(hello.ssl) < TLS1_3_VERSION) return false;
  const uint8_t* data = nullptr;
  size_t size = 0;
  CBS in;
  CBS list;
  if (!SSL_early_callback_ctx_extension_get(&hello, TLSEXT_TYPE_supported_versions, &data, &size)) return false;
  CBS_init(&in, data, size);
  if (!CBS_get_u8_length_prefixed(&in, &list)) return false;
  uint16_t version = 0;
  while (CBS_get_u16(&list, &version)) {
    if (version == TLS1_3_VERSION) return true;
  }
  return false;
}

bool OffersEcdsaCipher(const SSL_CLIENT_HELLO& hello) {
  CBS in;
  CBS_init(&in, hello.cipher_suites, hello.cipher_suites_len);
  uint16_t id = 0;
  while (CBS_get_u16(&in, &id)) {
    const SSL_CIPHER* const cipher = SSL_get_cipher_by_value(id);
    if (cipher != nullptr && SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa) return true;
  }
  return false;
}

bool Has(const std::vector<uint16_t>& words, uint16_t word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

ServerContext::ServerContext() = default;
ServerContext::~ServerContext() = default;

absl::StatusOr<std::shared_ptr<const ServerContext>> ServerContext::Create(const ServerContextConfig& config,
                                                                           SystemTime now) {
  std::shared_ptr<ServerContext> context(new ServerContext());
  const absl::Status status = context->Build(config, now);
  ERR_clear_error();
  if (!status.ok()) return status;
  return std::shared_ptr<const ServerContext>(std::move(context));
}

absl::Status ServerContext::Build(const ServerContextConfig& config, SystemTime now) {
  NUNCIO_RETURN_IF_ERROR(Init(config.common, now, kCiphers, kCurves));
  if (certificates_.empty()) return InvalidArgument("tls_certificates: a server needs at least one");
  ocsp_policy_ = config.ocsp_policy;
  full_scan_ = config.full_scan_on_sni_mismatch;
  NUNCIO_RETURN_IF_ERROR(CheckOcsp());
  IndexNames();
  SSL_CTX* const ctx = ssl_ctx_.get();
  SSL_CTX_set_select_certificate_cb(ctx, &OnClientHelloOf);
  SSL_CTX_set_alpn_select_cb(ctx, &OnSelectAlpn, this);
  if (!config.prefer_client_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  int mode = SSL_VERIFY_NONE;
  if (verifier_ != nullptr) {
    if (verifier_->verifies_chains() || verifier_->accepts_untrusted()) mode |= SSL_VERIFY_PEER;
    if (verifier_->demands_certificate()) mode |= SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  if (config.require_client_certificate) mode |= SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SetVerifyMode(mode);
  if (verifier_ != nullptr && !verifier_->ca_names().empty()) {
    bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> names(sk_CRYPTO_BUFFER_new_null());
    for (const auto& name : verifier_->ca_names()) {
      if (!bssl::PushToStack(names.get(), bssl::UpRef(name))) return Internal(TakeErrorText());
    }
    SSL_CTX_set0_client_CAs(ctx, names.release());
  }
  return SetSessions(config);
}

absl::Status ServerContext::SetSessions(const ServerContextConfig& config) {
  SSL_CTX* const ctx = ssl_ctx_.get();
  if (config.ticket_keys.empty()) {
    ticket_keys_ = TicketKeys::OfProcess();
  } else {
    NUNCIO_ASSIGN_OR_RETURN(ticket_keys_, TicketKeys::Given(config.ticket_keys));
  }
  SSL_CTX_set_tlsext_ticket_key_cb(ctx, &OnTicket);
  if (config.disable_tickets) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ctx, config.disable_session_cache ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(ctx, kMaxCachedSessions);
  if (config.session_timeout.has_value()) {
    const auto seconds = static_cast<uint32_t>(std::clamp<int64_t>(config.session_timeout->count(), 0, UINT32_MAX));
    SSL_CTX_set_timeout(ctx, seconds);
    SSL_CTX_set_session_psk_dhe_timeout(ctx, seconds);
  }
  return SetSessionIdContext(config);
}

// What a session vouches for must be what this context would ask for: who the server is, and how clients are judged.
absl::Status ServerContext::SetSessionIdContext(const ServerContextConfig& config) {
  SHA256_CTX hash;
  SHA256_Init(&hash);
  const auto add = [&hash](std::string_view bytes) {
    const uint64_t size = bytes.size();
    SHA256_Update(&hash, &size, sizeof(size));
    SHA256_Update(&hash, bytes.data(), bytes.size());
  };
  for (const auto& certificate : certificates_) add(Bytes(*certificate->chain.front()));
  add(config.require_client_certificate ? "require" : "");
  if (config.common.validation.has_value()) {
    const ValidationConfig& judge = *config.common.validation;
    add(judge.trusted_ca);
    add(judge.crl);
    add(StrCat(judge.only_verify_leaf_crl, judge.allow_expired, judge.accept_untrusted,
               judge.max_verify_depth.value_or(0), judge.max_verify_depth.has_value()));
    for (const SanMatcher& san : judge.sans) {
      add(StrCat(static_cast<int>(san.type), static_cast<int>(san.matcher.kind()), san.matcher.ignore_case(), san.oid));
      add(san.matcher.pattern());
    }
    for (const std::string& pin : judge.spki_pins) add(pin);
    for (const std::string& pin : judge.hash_pins) add(pin);
  }
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &hash);
  static_assert(sizeof(digest) <= SSL_MAX_SID_CTX_LENGTH);
  if (!SSL_CTX_set_session_id_context(ssl_ctx_.get(), digest, sizeof(digest))) return Internal(TakeErrorText());
  return absl::OkStatus();
}

absl::Status ServerContext::CheckOcsp() const {
  for (size_t i = 0; i < certificates_.size(); ++i) {
    if (certificates_[i]->ocsp.has_value()) continue;
    if (certificates_[i]->must_staple) {
      return InvalidArgument(
          StrCat("tls_certificates[", i, "].ocsp_staple: is missing, and the certificate says must-staple"));
    }
    if (ocsp_policy_ == ServerContextConfig::OcspPolicy::kMustStaple) {
      return InvalidArgument(
          StrCat("tls_certificates[", i, "].ocsp_staple: is missing, and ocsp_staple_policy is MUST_STAPLE"));
    }
  }
  return absl::OkStatus();
}

void ServerContext::IndexNames() {
  for (const auto& certificate : certificates_) {
    for (const std::string& name : certificate->names) {
      by_name_[name.size() > 2 && name[0] == '*' && name[1] == '.' ? name.substr(1) : name].push_back(
          certificate.get());
    }
  }
}

ServerContext::Abilities ServerContext::AbilitiesOf(const SSL_CLIENT_HELLO& hello) {
  Abilities out;
  const uint8_t* data = nullptr;
  size_t size = 0;
  out.ocsp = SSL_early_callback_ctx_extension_get(&hello, TLSEXT_TYPE_status_request, &data, &size) != 0;
  const std::vector<uint16_t> algorithms = WordsOf(hello, TLSEXT_TYPE_signature_algorithms);
  const bool tls13 = AgreesOnTls13(hello);
  // Before TLS 1.3 the cipher and the curve have to be offered as well (RFC 8422 5.1).
  if (!tls13 && !OffersEcdsaCipher(hello)) return out;
  const std::vector<uint16_t> groups = tls13 ? std::vector<uint16_t>() : WordsOf(hello, TLSEXT_TYPE_supported_groups);
  for (const CurveOfSignature& each : kEcdsa) {
    if (Has(algorithms, each.algorithm) && (tls13 || Has(groups, each.curve))) out.ecdsa_curves.push_back(each.curve);
  }
  return out;
}

const Certificate& ServerContext::Select(std::string_view sni, const Abilities& client) const {
  const auto fits = [&](const Certificate& each) { return !each.ecdsa() || Has(client.ecdsa_curves, each.curve()); };
  // An ECDSA key that the client can verify is cheaper than an RSA one.
  const auto best = [&](const auto& candidates) -> const Certificate* {
    const Certificate* rsa = nullptr;
    for (const auto& candidate : candidates) {
      const Certificate& each = *candidate;
      if (!fits(each)) continue;
      if (each.ecdsa()) return &each;
      if (rsa == nullptr) rsa = &each;
    }
    return rsa;
  };
  const Certificate* named = nullptr;
  if (!sni.empty()) {
    for (const std::string_view name : {sni, sni.substr(std::min(sni.find('.'), sni.size()))}) {
      const auto found = by_name_.find(name);
      if (found == by_name_.end()) continue;
      if (const Certificate* const certificate = best(found->second)) return *certificate;
      if (named == nullptr) named = found->second.front();
    }
    // None that the client can verify; its own error is better than another's certificate.
    if (named != nullptr) return *named;
  }
  if (sni.empty() || full_scan_) {
    if (const Certificate* const certificate = best(certificates_)) return *certificate;
  }
  return *certificates_.front();
}

bool ServerContext::Staple(const Certificate& certificate, const Abilities& client, TlsTransportSocket& socket) const {
  using Policy = ServerContextConfig::OcspPolicy;
  telemetry::SslCounters* const counters = socket.counters();
  if (client.ocsp && counters != nullptr) counters->ocsp_staple_requests.Inc();
  if (!client.ocsp) return true;
  const Policy policy = certificate.must_staple ? Policy::kMustStaple : ocsp_policy_;
  const bool fresh = certificate.ocsp.has_value() && certificate.ocsp->FreshAt(socket.SystemNow());
  if (fresh) {
    const std::string& der = certificate.ocsp->der();
    SSL_set_ocsp_response(socket.ssl(), reinterpret_cast<const uint8_t*>(der.data()), der.size());
    if (counters != nullptr) counters->ocsp_staple_responses.Inc();
    return true;
  }
  const bool fails = policy == Policy::kMustStaple || (policy == Policy::kStrict && certificate.ocsp.has_value());
  if (counters != nullptr) (fails ? counters->ocsp_staple_failed : counters->ocsp_staple_omitted).Inc();
  return !fails;
}

ssl_select_cert_result_t ServerContext::OnClientHello(const SSL_CLIENT_HELLO& hello, TlsTransportSocket& socket) const {
  TlsTransportSocket::Handshaking& handshaking = *socket.handshaking();
  if (const char* const name = SSL_get_servername(hello.ssl, TLSEXT_NAMETYPE_host_name)) {
    handshaking.sni = name;
    for (char& c : handshaking.sni) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const Abilities client = AbilitiesOf(hello);
  const Certificate& certificate = Select(handshaking.sni, client);
  if (!Staple(certificate, client, socket)) {
    handshaking.detail = "no fresh OCSP response to staple";
    return ssl_select_cert_error;
  }
  handshaking.local = &certificate;
  std::vector<CRYPTO_BUFFER*> chain;
  for (const auto& each : certificate.chain) chain.push_back(each.get());
  if (!SSL_set_chain_and_key(hello.ssl, chain.data(), chain.size(), certificate.key.get(), nullptr)) {
    return ssl_select_cert_error;
  }
  return ssl_select_cert_success;
}

std::string_view ServerContext::SelectAlpn(std::string_view offered) const {
  if (alpn_.empty()) return {};
  uint8_t* chosen = nullptr;
  uint8_t size = 0;
  const int outcome = SSL_select_next_proto(&chosen, &size, reinterpret_cast<const uint8_t*>(alpn_.data()),
                                            static_cast<unsigned>(alpn_.size()),
                                            reinterpret_cast<const uint8_t*>(offered.data()),
                                            static_cast<unsigned>(offered.size()));
  if (outcome != OPENSSL_NPN_NEGOTIATED) return {};
  return {reinterpret_cast<const char*>(chosen), size};
}

std::unique_ptr<net::TransportSocket> ServerContext::NewSocket(SocketOptions options) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(ssl_ctx_.get()));
  SSL_set_accept_state(ssl.get());
  SSL_set_shed_handshake_config(ssl.get(), 1);
  auto handshaking = std::make_unique<TlsTransportSocket::Handshaking>();
  handshaking->ja3 = std::move(options.ja3);
  handshaking->ja4 = std::move(options.ja4);
  handshaking->remote = options.remote;
  return std::make_unique<TlsTransportSocket>(shared_from_this(), std::move(ssl), options.stats, nullptr,
                                              std::move(handshaking));
}

}  // namespace nuncio::tls
