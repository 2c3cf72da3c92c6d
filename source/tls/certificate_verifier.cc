#include "source/tls/certificate_verifier.h"

#include <openssl/base64.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cctype>
#include <climits>
#include <utility>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/tls/certificate.h"
#include "source/tls/certificate_facts.h"
#include "source/tls/peer_names.h"
#include "source/tls/ssl_error.h"

namespace nuncio::tls {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// 64 digits, or 32 pairs with colons between them.
bool ReadHexDigest(std::string_view text, std::array<uint8_t, 32>& out) {
  if (text.size() != 64 && text.size() != 95) return false;
  const size_t step = text.size() == 95 ? 3 : 2;
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = HexValue(text[i * step]);
    const int low = HexValue(text[i * step + 1]);
    if (high < 0 || low < 0 || (step == 3 && i > 0 && text[i * step - 1] != ':')) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

bool ReadBase64Digest(std::string_view text, std::array<uint8_t, 32>& out) {
  // 44 characters of base64 may decode to 33 bytes.
  uint8_t decoded[33];
  size_t size = 0;
  if (text.size() != 44 || !EVP_DecodeBase64(decoded, &size, sizeof(decoded),
                                             reinterpret_cast<const uint8_t*>(text.data()), text.size()) ||
      size != out.size()) {
    return false;
  }
  std::copy_n(decoded, out.size(), out.begin());
  return true;
}

}  // namespace

CertificateVerifier::~CertificateVerifier() = default;

absl::StatusOr<std::unique_ptr<const CertificateVerifier>> CertificateVerifier::Create(const ValidationConfig& config,
                                                                                       SystemTime now) {
  std::unique_ptr<CertificateVerifier> out(new CertificateVerifier());
  out->accept_untrusted_ = config.accept_untrusted;
  out->sans_ = config.sans;
  if (!config.trusted_ca.empty()) {
    NUNCIO_RETURN_IF_ERROR(out->LoadTrust(config, now));
  } else if (!config.crl.empty()) {
    return InvalidArgument("crl: needs trusted_ca to be given as well");
  } else if (!config.sans.empty() && config.spki_pins.empty() && config.hash_pins.empty() && !config.accept_untrusted) {
    // Anybody can make a certificate with any name.
    return InvalidArgument("match_typed_subject_alt_names: needs trusted_ca to be given as well");
  }
  NUNCIO_RETURN_IF_ERROR(out->LoadPins(config));
  return std::unique_ptr<const CertificateVerifier>(std::move(out));
}

absl::Status CertificateVerifier::LoadTrust(const ValidationConfig& config, SystemTime now) {
  const auto bundle = ReadPemCertificates(config.trusted_ca);
  if (!bundle.ok()) return InvalidArgument(StrCat("trusted_ca: ", bundle.status().message()));
  store_.reset(X509_STORE_new());
  bool fresh = false;
  for (const auto& der : *bundle) {
    const bssl::UniquePtr<X509> certificate(X509_parse_from_buffer(der.get()));
    if (certificate == nullptr || !X509_STORE_add_cert(store_.get(), certificate.get())) {
      return InvalidArgument(StrCat("trusted_ca: holds a certificate that cannot be used: ", TakeErrorReason()));
    }
    fresh |= now < ToSystemTime(X509_get0_notAfter(certificate.get()));
    uint8_t* name = nullptr;
    const int size = i2d_X509_NAME(X509_get_subject_name(certificate.get()), &name);
    if (size < 0) return InvalidArgument("trusted_ca: holds a certificate without a subject");
    bssl::UniquePtr<CRYPTO_BUFFER> buffer(CRYPTO_BUFFER_new(name, static_cast<size_t>(size), nullptr));
    OPENSSL_free(name);
    const bool known = std::any_of(ca_names_.begin(), ca_names_.end(),
                                   [&](const auto& other) { return Bytes(*other) == Bytes(*buffer); });
    if (!known) ca_names_.push_back(std::move(buffer));
  }
  if (!fresh && !config.allow_expired) return InvalidArgument("trusted_ca: every certificate in it has expired");
  // An intermediate may be all that is trusted.
  flags_ |= X509_V_FLAG_PARTIAL_CHAIN;
  if (config.allow_expired) flags_ |= X509_V_FLAG_NO_CHECK_TIME;
  if (config.max_verify_depth.has_value()) {
    depth_ = static_cast<int>(std::min<uint32_t>(*config.max_verify_depth, INT_MAX));
  }
  if (!config.crl.empty()) {
    NUNCIO_RETURN_IF_ERROR(LoadCrl(config.crl));
    flags_ |= X509_V_FLAG_CRL_CHECK;
    if (!config.only_verify_leaf_crl) flags_ |= X509_V_FLAG_CRL_CHECK_ALL;
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status CertificateVerifier::LoadCrl(const std::string& crl) {
  const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(crl.data(), static_cast<ossl_ssize_t>(crl.size())));
  size_t count = 0;
  ERR_clear_error();
  while (bssl::UniquePtr<X509_CRL> list{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
    if (!X509_STORE_add_crl(store_.get(), list.get())) return InvalidArgument("crl: holds a list that cannot be used");
    ++count;
  }
  const uint32_t error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string reason = TakeErrorReason();
  if (!at_end) return InvalidArgument(StrCat("crl: cannot be read: ", reason));
  if (count > 0) return absl::OkStatus();
  const auto* at = reinterpret_cast<const uint8_t*>(crl.data());
  const bssl::UniquePtr<X509_CRL> list(d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.size())));
  ERR_clear_error();
  if (list == nullptr) return InvalidArgument("crl: holds no certificate revocation list");
  if (!X509_STORE_add_crl(store_.get(), list.get())) return InvalidArgument("crl: holds a list that cannot be used");
  return absl::OkStatus();
}

absl::Status CertificateVerifier::LoadPins(const ValidationConfig& config) {
  for (size_t i = 0; i < config.spki_pins.size(); ++i) {
    if (!ReadBase64Digest(config.spki_pins[i], spki_pins_.emplace_back())) {
      return InvalidArgument(StrCat("verify_certificate_spki[", i, "]: is no SHA-256 digest in base64: '",
                                    config.spki_pins[i], "'"));
    }
  }
  for (size_t i = 0; i < config.hash_pins.size(); ++i) {
    if (!ReadHexDigest(config.hash_pins[i], hash_pins_.emplace_back())) {
      return InvalidArgument(StrCat("verify_certificate_hash[", i, "]: is no SHA-256 digest in hex: '",
                                    config.hash_pins[i], "'"));
    }
  }
  ERR_clear_error();
  return absl::OkStatus();
}

bool CertificateVerifier::VerifyChain(const STACK_OF(CRYPTO_BUFFER) * chain, X509* leaf, bool peer_is_server,
                                      SystemTime now, Verdict& verdict) const {
  const bssl::UniquePtr<STACK_OF(X509)> intermediates(sk_X509_new_null());
  for (size_t i = 1; i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    bssl::UniquePtr<X509> each(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, i)));
    if (each == nullptr || !bssl::PushToStack(intermediates.get(), std::move(each))) {
      verdict.alert = SSL_AD_BAD_CERTIFICATE;
      verdict.detail = "verify cert failed: a certificate of the chain cannot be read";
      return false;
    }
  }
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (context == nullptr || !X509_STORE_CTX_init(context.get(), store_.get(), leaf, intermediates.get()) ||
      !X509_STORE_CTX_set_default(context.get(), peer_is_server ? "ssl_server" : "ssl_client")) {
    verdict.alert = SSL_AD_INTERNAL_ERROR;
    verdict.detail = "verify cert failed: out of memory";
    return false;
  }
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, flags_);
  if (depth_ >= 0) X509_VERIFY_PARAM_set_depth(param, depth_);
  X509_VERIFY_PARAM_set_time_posix(
      param, std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  if (X509_verify_cert(context.get()) == 1) return true;
  const int error = X509_STORE_CTX_get_error(context.get());
  verdict.alert = static_cast<uint8_t>(SSL_alert_from_verify_result(error));
  verdict.detail = StrCat("verify cert failed: X509_verify_cert: certificate verification error at depth ",
                          X509_STORE_CTX_get_error_depth(context.get()), ": ", X509_verify_cert_error_string(error));
  return false;
}

bool CertificateVerifier::MeetsPin(X509* leaf, const CRYPTO_BUFFER& der) const {
  Digest digest;
  SHA256(CRYPTO_BUFFER_data(&der), CRYPTO_BUFFER_len(&der), digest.data());
  if (std::find(hash_pins_.begin(), hash_pins_.end(), digest) != hash_pins_.end()) return true;
  uint8_t* spki = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
  if (size < 0) return false;
  SHA256(spki, static_cast<size_t>(size), digest.data());
  OPENSSL_free(spki);
  return std::find(spki_pins_.begin(), spki_pins_.end(), digest) != spki_pins_.end();
}

CertificateVerifier::Verdict CertificateVerifier::Verify(const STACK_OF(CRYPTO_BUFFER) * chain, bool peer_is_server,
                                                         SystemTime now, std::span<const std::string> names) const {
  Verdict verdict;
  const auto fail = [&](Failure failure, uint8_t alert, std::string_view detail) {
    verdict.failure = failure;
    verdict.accepted = accept_untrusted_;
    verdict.validated = false;
    if (alert != 0) verdict.alert = alert;
    if (!detail.empty()) verdict.detail = detail;
    return verdict;
  };
  CRYPTO_BUFFER* const leaf_der = sk_CRYPTO_BUFFER_value(chain, 0);
  const bssl::UniquePtr<X509> leaf(X509_parse_from_buffer(leaf_der));
  if (leaf == nullptr) {
    return fail(Failure::kChain, SSL_AD_BAD_CERTIFICATE, "verify cert failed: the certificate cannot be read");
  }
  if (store_ != nullptr) {
    if (!VerifyChain(chain, leaf.get(), peer_is_server, now, verdict)) return fail(Failure::kChain, 0, {});
    verdict.validated = true;
  }
  if (!names.empty()) {
    if (!IsForOneOf(*leaf, names)) {
      return fail(Failure::kName, SSL_AD_CERTIFICATE_UNKNOWN, "verify cert failed: verify SAN list");
    }
    verdict.validated = true;
  } else if (!sans_.empty()) {
    if (!AnyNameMatches(*leaf, sans_)) {
      return fail(Failure::kName, SSL_AD_CERTIFICATE_UNKNOWN, "verify cert failed: SAN matcher");
    }
    verdict.validated = true;
  }
  if (!hash_pins_.empty() || !spki_pins_.empty()) {
    if (!MeetsPin(leaf.get(), *leaf_der)) {
      return fail(Failure::kPin, SSL_AD_CERTIFICATE_UNKNOWN, "verify cert failed: cert hash and spki");
    }
    verdict.validated = true;
  }
  return verdict;
}

}  // namespace nuncio::tls
