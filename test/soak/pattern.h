#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nuncio::soak {

// The bytes of every body: one endless series, so that either end knows what byte stands at an offset, and a byte that
// was lost, doubled or moved is seen. It repeats after a prime number of bytes, which no buffer size divides.
inline constexpr size_t kPatternPeriod = 1'048'573;

// The bytes from `offset` on, as many as lie there in one piece, at most `limit`. Never empty for limit > 0.
std::string_view PatternAt(uint64_t offset, size_t limit);

// True where `bytes` is what stands at `offset`.
bool MatchesPattern(uint64_t offset, std::string_view bytes);

}  // namespace nuncio::soak
