#include "source/http/h1/head_block.h"

#include <algorithm>
#include <cstring>

#include "source/http/field_syntax.h"

namespace nuncio::http::h1 {
namespace {

// The first LF in [p, end) that a CR or another LF follows; one of the last bytes, which are for the caller to look at
// one by one, where there is none.
const char* SkipText(const char* p, const char* end) {
#ifdef __SSE2__
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i lf = _mm_set1_epi8('\n');
  while (end - p > 16) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 1));
    const __m128i hit = _mm_and_si128(_mm_cmpeq_epi8(here, lf),
                                      _mm_or_si128(_mm_cmpeq_epi8(next, cr), _mm_cmpeq_epi8(next, lf)));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(hit));
    if (mask != 0) return p + std::countr_zero(mask);
    p += 16;
  }
#endif
  return p;
}

}  // namespace

const char* BlockEndFinder::FindIn(const char* p, const char* end) {
  while (p < end) {
    if (state_ == State::kText) {
      p = SkipText(p, end);
      if (*p++ == '\n') state_ = State::kLineStart;
      continue;
    }
    const char c = *p++;
    if (c == '\n') return p;
    state_ = c == '\r' && state_ == State::kLineStart ? State::kLineStartCr : State::kText;
  }
  return nullptr;
}

size_t BlockEndFinder::Find(const buffer::Buffer& data, size_t limit) {
  const size_t end = std::min(limit, data.length());
  size_t run_begin = 0;
  size_t found = 0;
  data.ForEachRun([&](std::string_view run) {
    const size_t run_end = std::min(run_begin + run.size(), end);
    if (found == 0 && run_end > scanned_) {
      const char* hit = FindIn(run.data() + (scanned_ - run_begin), run.data() + (run_end - run_begin));
      if (hit != nullptr) found = run_begin + static_cast<size_t>(hit - run.data());
      scanned_ = run_end;
    }
    run_begin += run.size();
  });
  return found;
}

std::string_view TakeBlock(buffer::Buffer& data, size_t size, Arena& arena) {
  char* const block = static_cast<char*>(arena.Allocate(size + kScanPadding, 1));
  const std::string_view front = data.Front();
  if (front.size() >= size) {
    memcpy(block, front.data(), size);
  } else {
    size_t copied = 0;
    data.ForEachRun([&](std::string_view run) {
      const size_t n = std::min(run.size(), size - copied);
      memcpy(block + copied, run.data(), n);
      copied += n;
    });
  }
  data.Drain(size);
  memset(block + size, 0, kScanPadding);
  return {block, size};
}

}  // namespace nuncio::http::h1
