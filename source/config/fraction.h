#pragma once

#include <cstdint>

namespace nuncio::config {

// A share of events, numerator / denominator.
struct Fraction {
  uint32_t numerator = 0;
  uint32_t denominator = 100;  // 100, 10,000 or 1,000,000

  // Whether an event with this random number, evenly spread over all of uint64_t, is within the share.
  bool Includes(uint64_t random) const { return random % denominator < numerator; }
  bool always() const { return numerator >= denominator; }
  bool never() const { return numerator == 0; }

  friend bool operator==(const Fraction&, const Fraction&) = default;
};

}  // namespace nuncio::config
