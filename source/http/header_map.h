#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/header_id.h"

namespace nuncio::http {

struct HeaderField {
  std::string_view name;   // As received or configured, case kept.
  std::string_view value;  // Without surrounding white space.
  HeaderId id;
};

// The fields of one message in their order. All text lives in the stream's arena, or in immutable objects that the
// stream pins, so that a map is never freed piecemeal. Not thread-safe.
class HeaderMap {
 public:
  explicit HeaderMap(Arena& arena) : arena_(&arena) {}
  HeaderMap(const HeaderMap&) = delete;
  HeaderMap& operator=(const HeaderMap&) = delete;

  Arena& arena() const { return *arena_; }

  // Appends a field; name and value are copied into the arena.
  void Add(std::string_view name, std::string_view value) {
    AddReference(FindHeaderId(name), arena_->Copy(name), arena_->Copy(value));
  }
  // Appends a field whose text outlives the map. `id` must be FindHeaderId(name).
  void AddReference(HeaderId id, std::string_view name, std::string_view value) {
    if (size_ == capacity_) Grow();
    fields_[size_++] = {name, value, id};
    byte_size_ += name.size() + value.size();
    MarkPresent(id);
  }
  // Replaces the value of the first such field in place and removes the others; appends one in lower case where there
  // is none. The text is not copied.
  void SetReference(HeaderId id, std::string_view value);
  void SetReference(std::string_view name, std::string_view value);

  bool Has(HeaderId id) const { return (present_[Word(id)] & Bit(id)) != 0; }
  // The first such field, or null.
  const HeaderField* Find(HeaderId id) const;
  // Name in any case.
  const HeaderField* Find(std::string_view name) const;
  // The first such field's value; empty where there is none.
  std::string_view Value(HeaderId id) const {
    const HeaderField* field = Find(id);
    return field == nullptr ? std::string_view() : field->value;
  }
  // All values of the field joined by ",", as RFC 9110 5.3 allows; made in the arena when there are several.
  // Returns false where there is none.
  bool Joined(std::string_view name, std::string_view* value) const;

  // Number of fields removed.
  size_t Remove(HeaderId id);
  size_t Remove(std::string_view name);
  template <typename Predicate>
  size_t RemoveIf(Predicate&& predicate);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Sum of the lengths of names and values now in the map.
  size_t byte_size() const { return byte_size_; }
  const HeaderField* begin() const { return fields_; }
  const HeaderField* end() const { return fields_ + size_; }
  // To change a value in place; its text must outlive the map.
  void ReplaceValue(const HeaderField* field, std::string_view value) {
    byte_size_ += value.size() - field->value.size();
    const_cast<HeaderField*>(field)->value = value;
  }
  void Clear() {
    size_ = 0;
    byte_size_ = 0;
    present_[0] = present_[1] = 0;
  }

 private:
  static constexpr size_t kFirstCapacity = 24;
  static size_t Word(HeaderId id) { return static_cast<size_t>(id) >> 6; }
  static uint64_t Bit(HeaderId id) { return uint64_t{1} << (static_cast<size_t>(id) & 63); }
  void MarkPresent(HeaderId id) {
    if (id != HeaderId::kOther) present_[Word(id)] |= Bit(id);
  }
  void Grow();
  void RecountPresence();

  Arena* arena_;
  HeaderField* fields_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  size_t byte_size_ = 0;
  uint64_t present_[2] = {0, 0};
};

template <typename Predicate>
size_t HeaderMap::RemoveIf(Predicate&& predicate) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < size_; ++i) {
    if (predicate(static_cast<const HeaderField&>(fields_[i]))) {
      byte_size_ -= fields_[i].name.size() + fields_[i].value.size();
    } else {
      if (kept != i) fields_[kept] = fields_[i];
      ++kept;
    }
  }
  const size_t removed = size_ - kept;
  size_ = kept;
  if (removed > 0) RecountPresence();
  return removed;
}

}  // namespace nuncio::http
