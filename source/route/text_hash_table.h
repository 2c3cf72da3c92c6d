#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/strings.h"

namespace nuncio::route {

// A hash that is extended byte by byte, so that all prefixes (or, fed from the end, all suffixes) of a text are hashed
// in one pass. Its inputs that stay are configuration, so it needs no secret.
class RollingHash {
 public:
  void Add(char c) { state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001b3u; }
  uint64_t value() const { return state_ ^ (state_ >> 32); }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;
};

// From texts to small numbers, looked up with a hash that the caller rolled. Immutable once filled; any thread.
class TextHashTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  enum class Direction : uint8_t { kForward, kBackward };

  explicit TextHashTable(Direction direction = Direction::kForward) : direction_(direction) {}

  // The value of `text`, which is `value` if it was not there. The text is copied.
  uint32_t Insert(std::string_view text, uint32_t value);
  // Calls `visit(text, value)` for each text.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Entry& entry : entries_) visit(std::string_view(entry.text), entry.value);
  }

  bool empty() const { return entries_.empty(); }
  // Length of the longest text.
  size_t max_length() const { return has_length_.empty() ? 0 : has_length_.size() - 1; }
  // Whether there is a text of this length; `length` is at most max_length().
  bool HasLength(size_t length) const { return has_length_[length]; }

  // The value of the text with this hash for which `equals(text)`; kNone where there is none. Not on an empty table.
  template <typename Equals>
  uint32_t Find(uint64_t hash, Equals&& equals) const {
    for (size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const uint32_t entry = slots_[slot];
      if (entry == kNone) return kNone;
      if (entries_[entry].hash == hash && equals(std::string_view(entries_[entry].text))) return entries_[entry].value;
    }
  }

 private:
  struct Entry {
    std::string text;
    uint64_t hash;
    uint32_t value;
  };
  uint64_t Hash(std::string_view text) const;
  void Grow();
  void Place(uint32_t entry);

  Direction direction_;
  std::vector<Entry> entries_;
  // Indexes of entries; a power of two of them, at most half used.
  std::vector<uint32_t> slots_;
  size_t mask_ = 0;
  std::vector<bool> has_length_;
};

}  // namespace nuncio::route
