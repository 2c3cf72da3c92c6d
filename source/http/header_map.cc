#include "source/http/header_map.h"

#include <cstring>
#include <span>

#include "source/base/strings.h"

namespace nuncio::http {

void HeaderMap::Grow() {
  const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
  auto* fields = arena_->NewArray<HeaderField>(capacity);
  if (size_ > 0) memcpy(static_cast<void*>(fields), fields_, size_ * sizeof(HeaderField));
  fields_ = fields;
  capacity_ = capacity;
}

void HeaderMap::RecountPresence() {
  present_[0] = present_[1] = 0;
  for (const HeaderField& field : *this) MarkPresent(field.id);
}

void HeaderMap::SetReference(HeaderId id, std::string_view value) {
  const HeaderField* first = Find(id);
  if (first == nullptr) {
    AddReference(id, HeaderName(id), value);
    return;
  }
  ReplaceValue(first, value);
  const HeaderField* after = first + 1;
  RemoveIf([&](const HeaderField& field) { return &field >= after && field.id == id; });
}

void HeaderMap::SetReference(std::string_view name, std::string_view value) {
  const HeaderId id = FindHeaderId(name);
  if (id != HeaderId::kOther) {
    SetReference(id, value);
    return;
  }
  const HeaderField* first = Find(name);
  if (first == nullptr) {
    const std::string_view own_name = arena_->Copy(name);
    for (char& c : std::span<char>(const_cast<char*>(own_name.data()), own_name.size())) c = ToLower(c);
    AddReference(id, own_name, value);
    return;
  }
  ReplaceValue(first, value);
  const HeaderField* after = first + 1;
  RemoveIf([&](const HeaderField& field) { return &field >= after && EqualsIgnoreCase(field.name, name); });
}

const HeaderField* HeaderMap::Find(HeaderId id) const {
  if (id == HeaderId::kOther || !Has(id)) return nullptr;
  for (const HeaderField& field : *this) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const HeaderField* HeaderMap::Find(std::string_view name) const {
  const HeaderId id = FindHeaderId(name);
  if (id != HeaderId::kOther) return Find(id);
  for (const HeaderField& field : *this) {
    if (field.id == HeaderId::kOther && EqualsIgnoreCase(field.name, name)) return &field;
  }
  return nullptr;
}

bool HeaderMap::Joined(std::string_view name, std::string_view* value) const {
  const HeaderField* first = Find(name);
  if (first == nullptr) return false;
  const HeaderId id = first->id;
  const auto matches = [&](const HeaderField& field) {
    return field.id == id && (id != HeaderId::kOther || EqualsIgnoreCase(field.name, name));
  };
  size_t total = first->value.size();
  bool several = false;
  for (const HeaderField* field = first + 1; field != end(); ++field) {
    if (!matches(*field)) continue;
    several = true;
    total += 1 + field->value.size();
  }
  if (!several) {
    *value = first->value;
    return true;
  }
  char* const joined = static_cast<char*>(arena_->Allocate(total, 1));
  char* to = joined;
  for (const HeaderField* field = first; field != end(); ++field) {
    if (!matches(*field)) continue;
    if (field != first) *to++ = ',';
    if (!field->value.empty()) memcpy(to, field->value.data(), field->value.size());
    to += field->value.size();
  }
  *value = std::string_view(joined, total);
  return true;
}

size_t HeaderMap::Remove(HeaderId id) {
  if (id == HeaderId::kOther || !Has(id)) return 0;
  return RemoveIf([id](const HeaderField& field) { return field.id == id; });
}

size_t HeaderMap::Remove(std::string_view name) {
  const HeaderId id = FindHeaderId(name);
  if (id != HeaderId::kOther) return Remove(id);
  return RemoveIf([name](const HeaderField& field) {
    return field.id == HeaderId::kOther && EqualsIgnoreCase(field.name, name);
  });
}

}  // namespace nuncio::http
