#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nuncio::tls {

// What a certificate made for a test is to say. Times in seconds from now.
struct Wanted {
  std::string name = "test";  // The subject's common name; empty: none.
  std::vector<std::string> dns = {};
  std::vector<std::string> uris = {};
  std::vector<std::string> ips = {};
  std::vector<std::string> emails = {};
  std::vector<std::string> others = {};  // "OID;UTF8:value", as X509V3's "otherName:".
  bool ca = false;
  bool ecdsa = true;
  int rsa_bits = 2048;
  int curve_nid = 0;  // 0: P-256.
  int64_t not_before = -3600;
  int64_t not_after = 365 * 86400;
  std::string extended_key_usage = {};  // "serverAuth"; empty: none.
  std::string key_usage = {};           // "keyEncipherment"; empty: as fits.
  bool must_staple = false;
};

// A certificate with its key.
struct Identity {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;

  std::string Pem() const;
  std::string KeyPem() const;
  std::string Der() const;
};

// Issued by `issuer`, or by itself where that is null. `epoch`: what "now" is, in seconds.
Identity Issue(const Wanted& wanted, const Identity* issuer, int64_t epoch);

// A list of revoked certificates, in PEM.
std::string IssueCrl(const Identity& issuer, const std::vector<const Identity*>& revoked, int64_t epoch);

// An OCSP response for `leaf`, signed by nobody. `next_update` in seconds from `epoch`.
std::string MakeOcspResponse(const Identity& leaf, int64_t epoch, int64_t next_update, int status = 0);

}  // namespace nuncio::tls
