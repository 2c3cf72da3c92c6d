#include "source/http/header_id.h"

#include <array>
#include <cstring>

namespace nuncio::http {
namespace {

constexpr std::array<std::string_view, kHeaderIdCount> kNames = {
#define X(identifier, name) std::string_view(name),
    NUNCIO_HTTP_HEADERS(X)
#undef X
};

// Twice as many slots as a small table needs: a multiplier without collisions is then found in some hundred tries.
constexpr size_t kSlotBits = 9;
constexpr size_t kSlots = size_t{1} << kSlotBits;

// Length and four characters tell the listed names apart. `| 0x20` folds case; what else it folds, the comparison
// after the look-up tells apart.
constexpr uint64_t Key(std::string_view name) {
  const size_t n = name.size();
  const auto at = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(name[i]) | 0x20); };
  return n << 32 | at(0) << 24 | at(n / 2) << 16 | at(n * 3 / 4) << 8 | at(n - 1);
}

constexpr size_t Slot(uint64_t key, uint64_t multiplier) { return (key * multiplier) >> (64 - kSlotBits); }

constexpr size_t kShortest = 2;
constexpr size_t kLongest = [] {
  size_t longest = 0;
  for (std::string_view name : kNames) longest = name.size() > longest ? name.size() : longest;
  return longest;
}();

constexpr bool Separates(uint64_t multiplier) {
  std::array<bool, kSlots> used{};
  for (std::string_view name : kNames) {
    bool& slot = used[Slot(Key(name), multiplier)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr uint64_t kMultiplier = [] {
  uint64_t multiplier = 0x9e3779b97f4a7c15;
  for (int tries = 0; tries < 20000; ++tries) {
    if (Separates(multiplier)) return multiplier;
    multiplier = multiplier * 6364136223846793005 + 1442695040888963407;
    multiplier |= 1;
  }
  return uint64_t{0};
}();
static_assert(kMultiplier != 0, "two header names have the same key: let Key() look at another character");

constexpr std::array<HeaderId, kSlots> kTable = [] {
  std::array<HeaderId, kSlots> table{};
  table.fill(HeaderId::kOther);
  for (size_t i = 0; i < kNames.size(); ++i) table[Slot(Key(kNames[i]), kMultiplier)] = static_cast<HeaderId>(i);
  return table;
}();

template <typename Word>
Word Load(const char* from) {
  Word word;
  memcpy(&word, from, sizeof(word));
  return word;
}

// Whether the words are equal but for the case of letters. `lower` consists of lower-case letters, digits and "-", of
// which only letters have bit 0x40: there, and only there, bit 0x20 may differ.
template <typename Word>
bool SameWord(Word lower, Word any) {
  constexpr Word kLetterBits = static_cast<Word>(0x4040404040404040);
  return ((lower ^ any) & ~((lower & kLetterBits) >> 1)) == 0;
}

// Both of size `n`.
bool SameName(const char* lower, const char* any, size_t n) {
  if (n >= 8) {
    size_t i = 0;
    for (; i + 8 < n; i += 8) {
      if (!SameWord(Load<uint64_t>(lower + i), Load<uint64_t>(any + i))) return false;
    }
    return SameWord(Load<uint64_t>(lower + n - 8), Load<uint64_t>(any + n - 8));
  }
  if (n >= 4) {
    return SameWord(Load<uint32_t>(lower), Load<uint32_t>(any)) &&
           SameWord(Load<uint32_t>(lower + n - 4), Load<uint32_t>(any + n - 4));
  }
  for (size_t i = 0; i < n; ++i) {
    if (!SameWord<uint8_t>(static_cast<uint8_t>(lower[i]), static_cast<uint8_t>(any[i]))) return false;
  }
  return true;
}

}  // namespace

HeaderId FindHeaderId(std::string_view name) {
  if (name.size() < kShortest || name.size() > kLongest) return HeaderId::kOther;
  const HeaderId id = kTable[Slot(Key(name), kMultiplier)];
  if (id == HeaderId::kOther) return id;
  const std::string_view candidate = kNames[static_cast<size_t>(id)];
  if (candidate.size() != name.size() || !SameName(candidate.data(), name.data(), name.size())) {
    return HeaderId::kOther;
  }
  return id;
}

std::string_view HeaderName(HeaderId id) {
  return id == HeaderId::kOther ? std::string_view() : kNames[static_cast<size_t>(id)];
}

}  // namespace nuncio::http
