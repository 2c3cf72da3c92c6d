#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// The one crossing between std::string_view, which every interface here uses, and Abseil's own type, which Debian's
// build of Abseil keeps distinct; and the few string functions that Abseil therefore cannot serve.
namespace nuncio {

inline absl::string_view ToAbsl(std::string_view s) { return absl::string_view(s.data(), s.size()); }
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

namespace strings_internal {
inline void Append(std::string& out, std::string_view piece) { out.append(piece); }
inline void Append(std::string& out, const std::string& piece) { out.append(piece); }
inline void Append(std::string& out, const char* piece) { out.append(piece); }
inline void Append(std::string& out, absl::string_view piece) { out.append(piece.data(), piece.size()); }
inline void Append(std::string& out, char piece) { out.push_back(piece); }
inline void Append(std::string& out, bool piece) { out.append(piece ? "true" : "false"); }
template <typename T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
void Append(std::string& out, T piece) {
  char digits[32];
  const auto result = std::to_chars(digits, digits + sizeof(digits), piece);
  out.append(digits, static_cast<size_t>(result.ptr - digits));
}
}  // namespace strings_internal

// Concatenates string-like and arithmetic arguments.
template <typename... Args>
std::string StrCat(const Args&... args) {
  std::string out;
  (strings_internal::Append(out, args), ...);
  return out;
}

template <typename... Args>
void StrAppend(std::string& out, const Args&... args) {
  (strings_internal::Append(out, args), ...);
}

inline absl::Status InvalidArgument(std::string_view message) { return absl::InvalidArgumentError(ToAbsl(message)); }
inline absl::Status NotFound(std::string_view message) { return absl::NotFoundError(ToAbsl(message)); }
inline absl::Status Unavailable(std::string_view message) { return absl::UnavailableError(ToAbsl(message)); }
inline absl::Status Internal(std::string_view message) { return absl::InternalError(ToAbsl(message)); }
inline absl::Status ResourceExhausted(std::string_view message) {
  return absl::ResourceExhaustedError(ToAbsl(message));
}
inline absl::Status FailedPrecondition(std::string_view message) {
  return absl::FailedPreconditionError(ToAbsl(message));
}

// "what: <text of errno value>".
absl::Status ErrnoStatus(int error, std::string_view what);

constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view s, std::string_view prefix);
bool EndsWithIgnoreCase(std::string_view s, std::string_view suffix);
std::string AsciiToLower(std::string_view s);
// Without leading and trailing SP and HTAB (the OWS of RFC 9110 5.6.3).
std::string_view TrimOws(std::string_view s);

// All of `s` as a decimal number without sign; nullopt where a character is no digit or the value does not fit.
template <typename T>
std::optional<T> ParseDecimal(std::string_view s) {
  if (s.empty() || s.front() == '-' || s.front() == '+') return std::nullopt;
  T value{};
  const auto result = std::from_chars(s.data(), s.data() + s.size(), value);
  if (result.ec != std::errc() || result.ptr != s.data() + s.size()) return std::nullopt;
  return value;
}

// For flat_hash_map<std::string, V, TransparentHash, std::equal_to<>>: lookups by std::string_view without a copy.
struct TransparentHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

}  // namespace nuncio
