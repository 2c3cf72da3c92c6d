#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/matcher/string_matcher.h"
#include "source/net/address.h"

// What ServerContext::Create and ClientContext::Create take: bytes and choices, no files, no protobuf. Faults in them
// are statuses whose message begins with the place, in the names of CommonTlsContext and relative to it, then ": ":
// "tls_certificates[1].private_key: does not belong to the certificate". See ContextFault. No text ever holds key
// bytes.
namespace nuncio::tls {

enum class ProtocolVersion : uint8_t { kAuto, kTls10, kTls11, kTls12, kTls13 };

// Where the lines of a key log go. Write may be called on any thread and does not wait for a disk.
class KeyLogSink {
 public:
  virtual ~KeyLogSink() = default;
  // One line of NSS's key log format, without its end.
  virtual void Write(std::string_view line) = 0;
};

struct KeyLogConfig {
  // Connections whose addresses are in one of the ranges, each empty for all.
  std::vector<net::CidrRange> local;
  std::vector<net::CidrRange> remote;
  // Null: nothing is written, as where a configuration is only checked.
  std::shared_ptr<KeyLogSink> sink;
};

// What both roles may choose of the protocol. Empty lists and kAuto: this side's defaults, which are Envoy's.
struct ProtocolConfig {
  // kAuto: TLS 1.2 to 1.3 in both roles.
  ProtocolVersion min_version = ProtocolVersion::kAuto;
  ProtocolVersion max_version = ProtocolVersion::kAuto;
  // For TLS 1.2 and below, as OpenSSL names them; "[A|B]" for ciphers of equal preference; "-ALL" and the like.
  std::vector<std::string> cipher_suites = {};
  // "X25519", "P-256".
  std::vector<std::string> curves = {};
  // "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256".
  std::vector<std::string> signature_algorithms = {};
  // Restricts all of the above to what FIPS 140-3 allows (compliance policy FIPS_202205).
  bool fips_202205 = false;
};

struct Certificate;

// A certificate with its key.
struct CertificateConfig {
  std::string chain;         // PEM, the leaf first.
  std::string private_key;   // PEM.
  std::string password;      // Of an encrypted key or of the PKCS #12 store; empty: none.
  std::string pkcs12;        // DER; instead of chain and private_key.
  std::string ocsp_staple;   // A DER OCSP response; empty: none.
  // What was made of all that before, in place of it. Null: it is to be loaded.
  std::shared_ptr<const Certificate> loaded;
};

struct SanMatcher {
  enum class Type : uint8_t { kEmail, kDns, kUri, kIp, kOther };
  Type type;
  // For kDns, an exact matcher's text may be met by a wildcard of the certificate. For kIp, the text form. For kOther,
  // the value as a string.
  matcher::StringMatcher matcher;
  // For kOther, dotted: "1.3.6.1.4.1.311.20.2.3".
  std::string oid;
};

// How the peer's certificate is judged. Without trusted_ca no chain is verified, only pins; SAN matchers alone are a
// fault, because anybody can make a certificate with any name.
struct ValidationConfig {
  std::string trusted_ca;  // PEM.
  // PEM, or DER of one; every CA of a chain needs its list, unless only the leaf is looked up.
  std::string crl;
  bool only_verify_leaf_crl = false;
  bool allow_expired = false;
  // Failed verification does not end the handshake; SecurityInfo tells.
  bool accept_untrusted = false;
  // Certificates allowed above the leaf, the trusted one included.
  std::optional<uint32_t> max_verify_depth;
  // One of them must match one of the leaf's names. Empty: any.
  std::vector<SanMatcher> sans;
  // One of either list must match. SHA-256 of the SubjectPublicKeyInfo in base64; of the certificate in hex, colons or
  // not.
  std::vector<std::string> spki_pins;
  std::vector<std::string> hash_pins;
};

struct CommonConfig {
  ProtocolConfig protocol;
  std::vector<CertificateConfig> certificates;
  // Not set: the peer's certificate is not looked at.
  std::optional<ValidationConfig> validation;
  // In order of preference.
  std::vector<std::string> alpn;
  std::optional<KeyLogConfig> key_log;
};

struct ServerContextConfig {
  enum class OcspPolicy : uint8_t {
    kLenient,     // A response that is missing or expired is left out.
    kStrict,      // With an expired response no handshake; a missing one is left out.
    kMustStaple,  // Without a fresh response no handshake.
  };

  CommonConfig common;
  bool require_client_certificate = false;
  // 80 bytes each: the first encrypts, all decrypt. Empty: made and rotated in the process.
  std::vector<std::string> ticket_keys;
  bool disable_tickets = false;
  // Sessions of TLS 1.2 kept by this side, for clients that take no tickets.
  bool disable_session_cache = false;
  // How long a session may be resumed. Not set: 2 h for TLS 1.2, 2 days for TLS 1.3.
  std::optional<std::chrono::seconds> session_timeout;
  OcspPolicy ocsp_policy = OcspPolicy::kLenient;
  // Where no certificate is for the client's SNI, try all by their key's kind, not the first alone.
  bool full_scan_on_sni_mismatch = false;
  bool prefer_client_ciphers = false;
};

struct ClientContextConfig {
  CommonConfig common;
  // Sent, unless a connection has one of its own. Empty: none.
  std::string sni;
  // The server's certificate must be for the SNI that was sent.
  bool auto_sni_san_validation = false;
  bool allow_renegotiation = false;
  // Sessions kept per worker and host; 0: none are resumed.
  uint32_t max_sessions = 1;
  // An RSA certificate must allow digital signatures by its key usage.
  bool enforce_rsa_key_usage = true;
};

// A fault as Create words it, taken apart. Views into `message`.
struct ContextFault {
  static ContextFault Of(std::string_view message) {
    const size_t at = message.find(": ");
    if (at == std::string_view::npos) return {{}, message};
    return {message.substr(0, at), message.substr(at + 2)};
  }
  std::string_view field;
  std::string_view text;
};

}  // namespace nuncio::tls
