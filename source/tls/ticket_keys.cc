#include "source/tls/ticket_keys.h"

#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::tls {
namespace {

TicketKey FromBytes(const uint8_t* bytes) {
  TicketKey key;
  std::copy_n(bytes, key.name.size(), key.name.begin());
  std::copy_n(bytes + key.name.size(), key.hmac_key.size(), key.hmac_key.begin());
  std::copy_n(bytes + key.name.size() + key.hmac_key.size(), key.aes_key.size(), key.aes_key.begin());
  return key;
}

TicketKey RandomKey() {
  uint8_t bytes[TicketKey::kSize];
  RAND_bytes(bytes, sizeof(bytes));
  const TicketKey key = FromBytes(bytes);
  OPENSSL_cleanse(bytes, sizeof(bytes));
  return key;
}

// Wipes the keys before their memory is given back.
std::shared_ptr<const TicketKeyList> Wiped(TicketKeyList list) {
  return std::shared_ptr<const TicketKeyList>(new TicketKeyList(std::move(list)), [](const TicketKeyList* keys) {
    auto* const bytes = const_cast<TicketKeyList*>(keys);
    OPENSSL_cleanse(bytes->data(), bytes->size() * sizeof(TicketKey));
    delete keys;
  });
}

}  // namespace

absl::StatusOr<std::shared_ptr<TicketKeys>> TicketKeys::Given(const std::vector<std::string>& keys) {
  TicketKeyList list;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() != TicketKey::kSize) {
      return InvalidArgument(StrCat("session_ticket_keys.keys[", i, "]: is ", keys[i].size(), " bytes long, not ",
                                    TicketKey::kSize));
    }
    list.push_back(FromBytes(reinterpret_cast<const uint8_t*>(keys[i].data())));
  }
  std::shared_ptr<TicketKeys> out(new TicketKeys());
  out->keys_ = Wiped(std::move(list));
  return out;
}

std::shared_ptr<TicketKeys> TicketKeys::Rotating() {
  std::shared_ptr<TicketKeys> out(new TicketKeys());
  out->rotates_ = true;
  return out;
}

const std::shared_ptr<TicketKeys>& TicketKeys::OfProcess() {
  static const auto* const keys = new std::shared_ptr<TicketKeys>(Rotating());
  return *keys;
}

std::shared_ptr<const TicketKeyList> TicketKeys::At(MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  if (!rotates_ || (keys_ != nullptr && now < next_)) return keys_;
  TicketKeyList list = {RandomKey()};
  // After a pause of several rotations the old key is too old as well.
  if (keys_ != nullptr && now < next_ + kRotation) list.push_back(keys_->front());
  keys_ = Wiped(std::move(list));
  next_ = now + kRotation;
  return keys_;
}

int SealOrOpenTicket(const TicketKeyList& keys, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
                     bool seal) {
  const EVP_CIPHER* const aes = EVP_aes_256_cbc();
  if (seal) {
    const TicketKey& key = keys.front();
    memcpy(name, key.name.data(), key.name.size());
    if (!RAND_bytes(iv, EVP_CIPHER_iv_length(aes)) ||
        !EVP_EncryptInit_ex(cipher, aes, nullptr, key.aes_key.data(), iv) ||
        !HMAC_Init_ex(hmac, key.hmac_key.data(), key.hmac_key.size(), EVP_sha256(), nullptr)) {
      return -1;
    }
    return 1;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const TicketKey& key = keys[i];
    if (memcmp(name, key.name.data(), key.name.size()) != 0) continue;
    if (!HMAC_Init_ex(hmac, key.hmac_key.data(), key.hmac_key.size(), EVP_sha256(), nullptr) ||
        !EVP_DecryptInit_ex(cipher, aes, nullptr, key.aes_key.data(), iv)) {
      return -1;
    }
    return i == 0 ? 1 : 2;
  }
  return 0;
}

}  // namespace nuncio::tls
