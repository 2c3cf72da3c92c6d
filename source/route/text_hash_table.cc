#include "source/route/text_hash_table.h"

#include <algorithm>

namespace nuncio::route {

uint64_t TextHashTable::Hash(std::string_view text) const {
  RollingHash hash;
  if (direction_ == Direction::kForward) {
    for (const char c : text) hash.Add(c);
  } else {
    for (auto c = text.rbegin(); c != text.rend(); ++c) hash.Add(*c);
  }
  return hash.value();
}

uint32_t TextHashTable::Insert(std::string_view text, uint32_t value) {
  const uint64_t hash = Hash(text);
  if (!empty()) {
    const uint32_t found = Find(hash, [text](std::string_view other) { return other == text; });
    if (found != kNone) return found;
  }
  entries_.push_back({std::string(text), hash, value});
  if (has_length_.size() <= text.size()) has_length_.resize(text.size() + 1);
  has_length_[text.size()] = true;
  if (entries_.size() * 2 > slots_.size()) {
    Grow();
  } else {
    Place(static_cast<uint32_t>(entries_.size() - 1));
  }
  return value;
}

void TextHashTable::Grow() {
  slots_.assign(std::max<size_t>(8, slots_.size() * 2), kNone);
  mask_ = slots_.size() - 1;
  for (uint32_t entry = 0; entry < entries_.size(); ++entry) Place(entry);
}

void TextHashTable::Place(uint32_t entry) {
  size_t slot = entries_[entry].hash & mask_;
  while (slots_[slot] != kNone) slot = (slot + 1) & mask_;
  slots_[slot] = entry;
}

}  // namespace nuncio::route
