#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <span>

// Single records, in memory of ours: BoringSSL's public interface copies every byte once more in each direction,
// through buffers that it takes from the heap for each record. This is the only place that looks inside BoringSSL; its
// version is pinned. All of it is for connections whose handshake is done.
namespace nuncio::tls {

inline constexpr size_t kRecordHeaderSize = 5;
// Of plaintext (RFC 8446 5.1).
inline constexpr size_t kMaxPlaintext = 16384;

enum class OpenedRecord : uint8_t {
  kData,      // Bytes for the owner.
  kNothing,   // Of no concern to the owner.
  kMessages,  // Part of a handshake message: call SSL_peek with nothing to read, which handles what is whole.
  kEnd,       // close_notify.
  kFailed,    // An alert was sent where one is due; the error queue says why.
};

// Decrypts one whole record in place. `data` is the plaintext within it, for kData.
OpenedRecord OpenRecord(SSL* ssl, std::span<uint8_t> record, std::span<uint8_t>* data);

// Whether records can be sealed here: no handshake, no end, nothing that BoringSSL wants to send before.
bool CanSealRecords(const SSL* ssl);
// Whether a handshake message waits to be handled: SSL_peek, as for kMessages.
bool HasMessages(const SSL* ssl);
// Whether records are to be read through SSL_read, because a handshake is under way.
bool InHandshake(const SSL* ssl);

// Bytes that a record takes beyond its plaintext, at most.
size_t SealOverhead(const SSL* ssl);
// Encrypts `plain` (not empty, at most kMaxPlaintext) as one record, where ciphers of TLS 1.0 need it as two. `out` has
// room for plain.size() + SealOverhead() and does not overlap `plain`. Returns the bytes written, 0 on failure.
size_t SealRecord(SSL* ssl, std::span<const uint8_t> plain, uint8_t* out);

}  // namespace nuncio::tls
