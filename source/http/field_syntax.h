#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Which characters may stand where (RFC 9110 5.1, 5.5, 5.6.2; RFC 9112 3.2), by tables and, for the long runs, sixteen
// at a time. Everything that enters the proxy from a peer or from configuration is checked with these.
namespace nuncio::http {

namespace syntax_internal {

enum CharClass : uint8_t {
  kToken = 1,
  kFieldValue = 2,
  kTarget = 4,
};

constexpr std::array<uint8_t, 256> kCharClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    uint8_t& bits = classes[static_cast<size_t>(c)];
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric || (c != 0 && c < 128 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                                                 std::string_view::npos)) {
      bits |= kToken;
    }
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= kFieldValue;
    if (c > 0x20 && c < 0x7f && c != '"' && c != '#' && c != '<' && c != '>') bits |= kTarget;
  }
  return classes;
}();

constexpr bool Is(char c, CharClass char_class) {
  return (kCharClasses[static_cast<uint8_t>(c)] & char_class) != 0;
}

}  // namespace syntax_internal

// tchar, of methods and field names.
constexpr bool IsTokenChar(char c) { return syntax_internal::Is(c, syntax_internal::kToken); }
// HTAB, SP, VCHAR, obs-text.
constexpr bool IsFieldValueChar(char c) { return syntax_internal::Is(c, syntax_internal::kFieldValue); }
// What may stand in a request target: visible ASCII but for `"`, `#`, `<` and `>`. RFC 3986 forbids the rest of
// "delims" and "unwise" as well (`\`, `^`, backquote, `{`, `|`, `}`), but browsers send these unescaped in queries, and
// no recipient takes them for the end of anything.
constexpr bool IsTargetChar(char c) { return syntax_internal::Is(c, syntax_internal::kTarget); }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// The value of a hexadecimal digit; -1 for other characters.
constexpr int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A token (RFC 9110 5.6.2): not empty.
constexpr bool IsToken(std::string_view s) {
  if (s.empty()) return false;
  for (char c : s) {
    if (!IsTokenChar(c)) return false;
  }
  return true;
}

constexpr bool IsFieldValue(std::string_view s) {
  for (char c : s) {
    if (!IsFieldValueChar(c)) return false;
  }
  return true;
}

// The functions below read up to this many bytes past `end`, which must be readable; what stands there changes nothing.
inline constexpr size_t kScanPadding = 16;

// The first character that may not stand in a field value; `end` where there is none.
inline const char* SkipFieldValue(const char* p, const char* end) {
#ifdef __SSE2__
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  while (p < end) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i stop =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control), _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(stop));
    if (mask != 0) {
      p += std::countr_zero(mask);
      return p < end ? p : end;
    }
    p += 16;
  }
  return end;
#else
  while (p < end && IsFieldValueChar(*p)) ++p;
  return p;
#endif
}

// The first `wanted`; `end` where there is none.
inline const char* SkipTo(const char* p, const char* end, char wanted) {
#ifdef __SSE2__
  const __m128i pattern = _mm_set1_epi8(wanted);
  while (p < end) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, pattern)));
    if (mask != 0) {
      p += std::countr_zero(mask);
      return p < end ? p : end;
    }
    p += 16;
  }
  return end;
#else
  while (p < end && *p != wanted) ++p;
  return p;
#endif
}

}  // namespace nuncio::http
