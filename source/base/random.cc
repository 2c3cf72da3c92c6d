#include "source/base/random.h"

#include <sys/random.h>

#include <chrono>

namespace nuncio {
namespace {

uint64_t KernelSeed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
    seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  return seed;
}

}  // namespace

Random::Random() : Random(KernelSeed()) {}

Random::Random(uint64_t seed) {
  // splitmix64 spreads the seed over the state, which must not be all zero.
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

void WriteUuid(Random& random, char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t high = random.Next();
  uint64_t low = random.Next();
  high = (high & 0xffffffffffff0fff) | 0x4000;
  low = (low & 0x3fffffffffffffff) | 0x8000000000000000;
  int at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) out[at++] = '-';
    const uint64_t word = nibble < 16 ? high : low;
    out[at++] = kHex[(word >> (60 - 4 * (nibble & 15))) & 15];
  }
}

}  // namespace nuncio
