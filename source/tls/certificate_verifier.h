#pragma once

#include <openssl/pool.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/clock.h"
#include "source/tls/context_config.h"

namespace nuncio::tls {

// Judges the chains of certificates that peers present. Immutable; any thread.
class CertificateVerifier {
 public:
  // `now` tells a bundle of which every certificate has expired. The message of a fault begins with the field within
  // CertificateValidationContext.
  static absl::StatusOr<std::unique_ptr<const CertificateVerifier>> Create(const ValidationConfig& config,
                                                                           SystemTime now);
  ~CertificateVerifier();

  enum class Failure : uint8_t { kNone, kChain, kName, kPin };
  struct Verdict {
    // The handshake may go on; may be so with a failure too, where untrusted peers are accepted.
    bool accepted = true;
    // Something was verified, all of it with success.
    bool validated = false;
    Failure failure = Failure::kNone;
    uint8_t alert = 0;   // TLS's, for what is not accepted.
    std::string detail;  // Why, as for a log.
  };
  // `chain`: the leaf first; not empty. `peer_is_server` decides which uses the leaf must allow. Where `names` are
  // given, the leaf must be for one of them, and the configured matchers do not count.
  Verdict Verify(const STACK_OF(CRYPTO_BUFFER) * chain, bool peer_is_server, SystemTime now,
                 std::span<const std::string> names) const;

  bool verifies_chains() const { return store_ != nullptr; }
  // There are names or pins to be met: a peer without a certificate cannot.
  bool demands_certificate() const {
    return !accept_untrusted_ && (!sans_.empty() || !spki_pins_.empty() || !hash_pins_.empty());
  }
  bool accepts_untrusted() const { return accept_untrusted_; }
  // DER-encoded subjects of the trusted certificates, for a server's request.
  const std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>& ca_names() const { return ca_names_; }

 private:
  using Digest = std::array<uint8_t, 32>;

  CertificateVerifier() = default;
  absl::Status LoadTrust(const ValidationConfig& config, SystemTime now);
  absl::Status LoadCrl(const std::string& crl);
  absl::Status LoadPins(const ValidationConfig& config);
  bool VerifyChain(const STACK_OF(CRYPTO_BUFFER) * chain, X509* leaf, bool peer_is_server, SystemTime now,
                   Verdict& verdict) const;
  bool MeetsPin(X509* leaf, const CRYPTO_BUFFER& der) const;

  bssl::UniquePtr<X509_STORE> store_;  // Null: chains are not verified.
  unsigned long flags_ = 0;            // X509_V_FLAG_*
  int depth_ = -1;                     // As max_verify_depth; negative: BoringSSL's default.
  bool accept_untrusted_ = false;
  std::vector<SanMatcher> sans_;
  std::vector<Digest> spki_pins_;
  std::vector<Digest> hash_pins_;
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> ca_names_;
};

}  // namespace nuncio::tls
