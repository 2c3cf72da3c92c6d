#include "source/http/h2/field_rules.h"

#include <array>

#include "source/base/strings.h"
#include "source/http/field_syntax.h"

namespace nuncio::http::h2 {
namespace {

// RFC 9113 8.2.1: tchar without capitals.
constexpr std::array<bool, 256> kNameChars = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0; c < table.size(); ++c) {
    table[c] = IsTokenChar(static_cast<char>(c)) && !(c >= 'A' && c <= 'Z');
  }
  return table;
}();

bool IsLowerName(HeaderId id, std::string_view name) {
  if (id != HeaderId::kOther) return name == HeaderName(id);
  if (name.empty()) return false;
  for (const char c : name) {
    if (!kNameChars[static_cast<uint8_t>(c)]) return false;
  }
  return true;
}

// As http::IsFieldValue, sixteen bytes at a time without reading past the end.
bool IsValue(std::string_view value) {
  const char* const end = value.data() + value.size();
  const size_t whole = value.size() & ~size_t{15};
  const char* const tail = value.data() + whole;
  if (whole > 0 && SkipFieldValue(value.data(), tail) != tail) return false;
  for (const char* p = tail; p < end; ++p) {
    if (!IsFieldValueChar(*p)) return false;
  }
  return true;
}

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::string_view CheckField(HeaderId id, std::string_view name, std::string_view value) {
  if (!IsLowerName(id, name) || !IsValue(value)) return kInvalidField;
  if (!value.empty() && (IsBlank(value.front()) || IsBlank(value.back()))) return kInvalidField;
  if (id == HeaderId::kOther || !BelongsToConnection(id)) return {};
  return id == HeaderId::kTe && value == "trailers" ? std::string_view() : kMessagingRule;
}

bool IsTargetText(std::string_view value) {
  for (const char c : value) {
    if (!IsTargetChar(c)) return false;
  }
  return true;
}

bool BelongsToConnection(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kTe:
      return true;
    default:
      return false;
  }
}

std::optional<uint64_t> ParseContentLength(std::string_view value) {
  // Beyond any real body, and far from overflow when lengths are added.
  constexpr uint64_t kMax = uint64_t{1} << 62;
  const std::optional<uint64_t> length = ParseDecimal<uint64_t>(value);
  if (!length.has_value() || *length > kMax) return std::nullopt;
  return length;
}

}  // namespace nuncio::http::h2
