#include "source/http/h1/head_writer.h"

#include "source/http/field_syntax.h"

namespace nuncio::http::h1 {
namespace {

#ifdef __SSE2__

__m128i Unclean(__m128i bytes) {
  return _mm_or_si128(
      _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
      _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
}

template <typename Word>
Word CopyWord(char* to, const char* from) {
  Word word;
  memcpy(&word, from, sizeof(word));
  memcpy(to, &word, sizeof(word));
  return word;
}

__m128i CopyVector(char* to, const char* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  return bytes;
}

// Copies and checks at once; pieces overlap rather than leaving a tail of odd size.
inline bool CopyClean(char* to, const char* from, size_t n) {
  __m128i unclean;
  if (n >= 16) {
    unclean = _mm_setzero_si128();
    for (size_t i = 0; i + 16 < n; i += 16) {
      unclean = _mm_or_si128(unclean, Unclean(CopyVector(to + i, from + i)));
    }
    unclean = _mm_or_si128(unclean, Unclean(CopyVector(to + n - 16, from + n - 16)));
  } else if (n >= 8) {
    const auto first = CopyWord<int64_t>(to, from);
    unclean = Unclean(_mm_set_epi64x(CopyWord<int64_t>(to + n - 8, from + n - 8), first));
  } else if (n >= 4) {
    const auto first = CopyWord<int32_t>(to, from);
    const auto last = CopyWord<int32_t>(to + n - 4, from + n - 4);
    unclean = Unclean(_mm_set_epi32(first, last, first, last));
  } else {
    bool clean = true;
    for (size_t i = 0; i < n; ++i) {
      to[i] = from[i];
      clean &= from[i] != '\r' && from[i] != '\n' && from[i] != '\0';
    }
    return clean;
  }
  return _mm_movemask_epi8(unclean) == 0;
}

#else

inline bool CopyClean(char* to, const char* from, size_t n) {
  bool clean = true;
  for (size_t i = 0; i < n; ++i) {
    to[i] = from[i];
    clean &= from[i] != '\r' && from[i] != '\n' && from[i] != '\0';
  }
  return clean;
}

#endif

bool IsCleanTarget(std::string_view target) {
  for (char c : target) {
    if (!IsTargetChar(c)) return false;
  }
  return true;
}

}  // namespace

bool HeadWriter::PutText(std::string_view text) {
  if (!CopyClean(to_, text.data(), text.size())) return false;
  to_ += text.size();
  return true;
}

void HeadWriter::PutField(std::string_view name, std::string_view value) {
  char* to = to_;
  bool clean = CopyClean(to, name.data(), name.size());
  to += name.size();
  memcpy(to, ": ", 2);
  to += 2;
  clean &= CopyClean(to, value.data(), value.size());
  to += value.size();
  memcpy(to, "\r\n", 2);
  if (clean) [[likely]] to_ = to + 2;
}

void HeadWriter::PutTarget(std::string_view target) {
  if (IsCleanTarget(target)) [[likely]] {
    if (!target.empty()) memcpy(to_, target.data(), target.size());
    to_ += target.size();
    return;
  }
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (char c : target) {
    if (IsTargetChar(c)) {
      *to_++ = c;
      continue;
    }
    *to_++ = '%';
    *to_++ = kHex[static_cast<uint8_t>(c) >> 4];
    *to_++ = kHex[static_cast<uint8_t>(c) & 15];
  }
}

void HeadWriter::PutFields(const HeaderMap& headers, const HeaderField* content_length) {
  for (const HeaderField& field : headers) {
    if (field.id == HeaderId::kConnection || field.id == HeaderId::kTransferEncoding ||
        (field.id == HeaderId::kContentLength && &field != content_length)) {
      continue;
    }
    PutField(field.name, field.value);
  }
}

size_t MaxTargetSize(std::string_view target) { return IsCleanTarget(target) ? target.size() : 3 * target.size(); }

}  // namespace nuncio::http::h1
