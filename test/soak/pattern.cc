#include "test/soak/pattern.h"

#include <algorithm>
#include <random>
#include <string>

namespace nuncio::soak {
namespace {

const std::string& Period() {
  static const std::string* const period = [] {
    auto* bytes = new std::string(kPatternPeriod, '\0');
    std::mt19937_64 random(1);
    for (char& byte : *bytes) byte = static_cast<char>('!' + random() % 90);
    return bytes;
  }();
  return *period;
}

}  // namespace

std::string_view PatternAt(uint64_t offset, size_t limit) {
  return std::string_view(Period()).substr(offset % kPatternPeriod, limit);
}

bool MatchesPattern(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view expected = PatternAt(offset, bytes.size());
    if (bytes.substr(0, expected.size()) != expected) return false;
    offset += expected.size();
    bytes.remove_prefix(expected.size());
  }
  return true;
}

}  // namespace nuncio::soak
