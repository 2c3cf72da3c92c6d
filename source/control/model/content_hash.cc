#include "source/control/model/content_hash.h"

#include <xxhash.h>

#include <new>

namespace nuncio::control {
namespace {

ContentHash FromXxh(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

XXH3_state_t* State(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::string ContentHash::ShortText() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 0; i < 16; ++i) text[i] = kDigits[(high >> (60 - 4 * i)) & 0xf];
  return text;
}

std::string ContentHash::Bytes() const {
  std::string bytes;
  bytes.reserve(16);
  for (uint64_t half : {high, low}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(half >> shift));
  }
  return bytes;
}

ContentHash HashContent(std::string_view bytes) { return FromXxh(XXH3_128bits(bytes.data(), bytes.size())); }

ContentHasher::ContentHasher() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(State(state_));
}

ContentHasher::~ContentHasher() { XXH3_freeState(State(state_)); }

void ContentHasher::Add(std::string_view piece) {
  const uint64_t size = piece.size();
  XXH3_128bits_update(State(state_), &size, sizeof(size));
  XXH3_128bits_update(State(state_), piece.data(), piece.size());
}

void ContentHasher::Add(const ContentHash& hash) {
  XXH3_128bits_update(State(state_), &hash.high, sizeof(hash.high));
  XXH3_128bits_update(State(state_), &hash.low, sizeof(hash.low));
}

ContentHash ContentHasher::Finish() const { return FromXxh(XXH3_128bits_digest(State(state_))); }

}  // namespace nuncio::control
