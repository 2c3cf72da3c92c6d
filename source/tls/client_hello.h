#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nuncio::tls {

// What a ClientHello says (RFC 8446 4.1.2, RFC 5246 7.4.1.2). All of it is the client's word.
struct ClientHello {
  uint16_t legacy_version = 0;
  std::vector<uint16_t> cipher_suites;
  // In the client's order, values of GREASE (RFC 8701) among them.
  std::vector<uint16_t> extensions;
  // Extension supported_versions; empty where the client did not send it.
  std::vector<uint16_t> supported_versions;
  std::vector<uint16_t> groups;
  std::vector<uint8_t> point_formats;
  std::vector<uint16_t> signature_algorithms;
  // In lower case; empty where none was sent, or none that is a host name.
  std::string sni;
  bool has_sni = false;
  // In the client's order of preference.
  std::vector<std::string> alpn;

  // The highest version offered, GREASE apart: 0x0304 for TLS 1.3.
  uint16_t max_version() const;
  // MD5 of JA3's text, in hex.
  std::string Ja3() const;
  std::string Ja3Text() const;
  // FoxIO's JA4 for TLS over TCP: "t13d1516h2_8daaf6152771_e5627efa2ab1".
  std::string Ja4() const;
};

enum class HelloState : uint8_t {
  kIncomplete,  // So far this can become a ClientHello.
  kComplete,
  kNotTls,      // The first bytes are no TLS handshake record.
  kMalformed,   // TLS, but no ClientHello that could be understood.
  kTooLarge,    // The message, or what came before it is whole, is larger than allowed.
};

// Upper bound that makes sense for `max_size`: what a handshake message of 16 KiB with its records' headers may take.
inline constexpr size_t kMaxClientHello = 64 * 1024;

// Reads a ClientHello out of `bytes`, everything that a connection has brought so far, from its first byte. Where more
// is needed, call again with all there is then; the cost of a call that ends in kIncomplete grows with the number of
// records, not with their bytes. `out` is written in kComplete only. Pure.
HelloState ParseClientHello(std::string_view bytes, size_t max_size, ClientHello* out);

// The same of the message alone, without its handshake header: kComplete or kMalformed.
HelloState ParseClientHelloBody(std::string_view body, ClientHello* out);

}  // namespace nuncio::tls
