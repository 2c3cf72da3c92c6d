#include "source/tls/ssl_security_info.h"

#include <utility>

#include "source/tls/certificate_facts.h"

namespace nuncio::tls {

SslSecurityInfo::SslSecurityInfo(bssl::UniquePtr<SSL> ssl, std::shared_ptr<const TlsContext> context,
                                 const Certificate* local, bool validated, std::string sni, std::string ja3,
                                 std::string ja4)
    : ssl_(std::move(ssl)), context_(std::move(context)), local_(local), validated_(validated) {
  if (sni.empty() && ja3.empty() && ja4.empty()) return;
  extra().sni = std::move(sni);
  extra().ja3 = std::move(ja3);
  extra().ja4 = std::move(ja4);
}

SslSecurityInfo::~SslSecurityInfo() = default;

SslSecurityInfo::Extra& SslSecurityInfo::extra() const {
  if (extra_ == nullptr) extra_ = std::make_unique<Extra>();
  return *extra_;
}

std::string_view SslSecurityInfo::alpn() const {
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
  return {reinterpret_cast<const char*>(protocol), size};
}

std::string_view SslSecurityInfo::sni() const { return extra_ == nullptr ? std::string_view() : extra_->sni; }
std::string_view SslSecurityInfo::ja3() const { return extra_ == nullptr ? std::string_view() : extra_->ja3; }
std::string_view SslSecurityInfo::ja4() const { return extra_ == nullptr ? std::string_view() : extra_->ja4; }
std::string_view SslSecurityInfo::version() const { return SSL_get_version(ssl_.get()); }

std::string_view SslSecurityInfo::cipher() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  return cipher == nullptr ? std::string_view() : SSL_CIPHER_get_name(cipher);
}

uint16_t SslSecurityInfo::cipher_id() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  return cipher == nullptr ? 0xffff : SSL_CIPHER_get_protocol_id(cipher);
}

std::string_view SslSecurityInfo::session_id() const {
  std::optional<std::string>& text = extra().session_id;
  if (!text.has_value()) {
    unsigned size = 0;
    const SSL_SESSION* const session = SSL_get_session(ssl_.get());
    const uint8_t* const id = session == nullptr ? nullptr : SSL_SESSION_get_id(session, &size);
    text = ToHex({reinterpret_cast<const char*>(id), size});
  }
  return *text;
}

bool SslSecurityInfo::session_reused() const { return SSL_session_reused(ssl_.get()) != 0; }

bool SslSecurityInfo::peer_certificate_presented() const {
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl_.get());
  return chain != nullptr && sk_CRYPTO_BUFFER_num(chain) > 0;
}

const net::CertificateFacts* SslSecurityInfo::peer_certificate() const {
  if (!peer_certificate_presented()) return nullptr;
  std::optional<net::CertificateFacts>& facts = extra().peer;
  if (!facts.has_value()) facts = FactsOf(Bytes(*sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl_.get()), 0)));
  return &*facts;
}

const net::CertificateFacts* SslSecurityInfo::local_certificate() const {
  return local_ == nullptr ? nullptr : local_->facts.get();
}

std::string_view SslSecurityInfo::peer_certificate_pem() const {
  if (!peer_certificate_presented()) return {};
  std::optional<std::string>& text = extra().peer_pem;
  if (!text.has_value()) {
    text = UrlEncodedPem(Bytes(*sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl_.get()), 0)));
  }
  return *text;
}

std::string_view SslSecurityInfo::peer_chain_pem() const {
  if (!peer_certificate_presented()) return {};
  std::optional<std::string>& text = extra().chain_pem;
  if (!text.has_value()) {
    text.emplace();
    const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl_.get());
    for (size_t i = 0; i < sk_CRYPTO_BUFFER_num(chain); ++i) {
      *text += UrlEncodedPem(Bytes(*sk_CRYPTO_BUFFER_value(chain, i)));
    }
  }
  return *text;
}

}  // namespace nuncio::tls
