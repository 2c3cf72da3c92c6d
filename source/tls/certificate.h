#pragma once

#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/clock.h"
#include "source/net/security_info.h"
#include "source/tls/context_config.h"
#include "source/tls/ocsp_response.h"

namespace nuncio::tls {

// A certificate chain with its key, ready to be presented. Immutable; any thread.
struct Certificate {
  // `now` judges whether it has expired; that of one that is loaded already was. The message of a fault begins with the
  // field within TlsCertificate.
  static absl::StatusOr<std::shared_ptr<const Certificate>> Load(const CertificateConfig& config, SystemTime now);

  bool ecdsa() const { return EVP_PKEY_id(key.get()) == EVP_PKEY_EC; }
  // RFC 8422's number of the key's curve: 23, 24 or 25; 0 for RSA.
  uint16_t curve() const;

  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;
  bssl::UniquePtr<EVP_PKEY> key;
  // Of the leaf. Never null.
  std::shared_ptr<const net::CertificateFacts> facts;
  // In lower case: the DNS names or, where there are none, the subject's common name.
  std::vector<std::string> names;
  // It says that a handshake without a stapled OCSP response is not to be trusted (RFC 7633).
  bool must_staple = false;
  std::optional<OcspResponse> ocsp;
};

// The certificates in PEM text, in order, in DER form. An error where there is none, or one that cannot be read.
absl::StatusOr<std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>> ReadPemCertificates(std::string_view pem);

std::string_view Bytes(const CRYPTO_BUFFER& buffer);

}  // namespace nuncio::tls
