#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/clock.h"

namespace nuncio::tls {

// What encrypts and opens session tickets (RFC 5077): a key of 80 bytes as in TlsSessionTicketKeys.
struct TicketKey {
  static constexpr size_t kSize = 80;
  std::array<uint8_t, 16> name;
  std::array<uint8_t, 32> hmac_key;
  std::array<uint8_t, 32> aes_key;
};

// Ordered: the first encrypts, all decrypt.
using TicketKeyList = std::vector<TicketKey>;

class TicketKeys {
 public:
  // Made keys encrypt this long, and decrypt once more as long.
  static constexpr Duration kRotation = std::chrono::hours(12);

  // Of given keys, which stay as they are. A fault where one is not 80 bytes.
  static absl::StatusOr<std::shared_ptr<TicketKeys>> Given(const std::vector<std::string>& keys);
  // Made at random and rotated.
  static std::shared_ptr<TicketKeys> Rotating();
  // The process's own rotating ones. One for all contexts, so that clients resume across updates of their listener;
  // what must not be resumed elsewhere is told apart by the session's context id.
  static const std::shared_ptr<TicketKeys>& OfProcess();

  // Any thread.
  std::shared_ptr<const TicketKeyList> At(MonotonicTime now);

 private:
  TicketKeys() = default;
  bool rotates_ = false;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const TicketKeyList> keys_;
  MonotonicTime next_{};
};

// BoringSSL's callback of tickets, with the keys in force: 1 for success, 0 to go on without a ticket, 2 for one to be
// renewed, negative for failure.
int SealOrOpenTicket(const TicketKeyList& keys, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
                     bool seal);

}  // namespace nuncio::tls
