#include "source/http/grpc/timeout.h"

#include <cstdint>

#include "source/base/longest_duration.h"
#include "source/base/strings.h"

namespace nuncio::http::grpc {
namespace {

constexpr size_t kMaxDigits = 8;
constexpr int64_t kMaxNumber = 99999999;

struct Unit {
  char letter;
  int64_t nanoseconds;
};
// From fine to coarse.
constexpr Unit kUnits[] = {
    {'n', 1},
    {'u', 1000},
    {'m', 1000 * 1000},
    {'S', int64_t{1000} * 1000 * 1000},
    {'M', int64_t{60} * 1000 * 1000 * 1000},
    {'H', int64_t{3600} * 1000 * 1000 * 1000},
};

}  // namespace

std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view value) {
  if (value.size() < 2 || value.size() > kMaxDigits + 1) return std::nullopt;
  const auto number = ParseDecimal<int64_t>(value.substr(0, value.size() - 1));
  if (!number.has_value()) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.letter != value.back()) continue;
    if (*number > kLongestDuration.count() / unit.nanoseconds) return kLongestDuration;
    return std::chrono::nanoseconds(*number * unit.nanoseconds);
  }
  return std::nullopt;
}

std::string FormatTimeout(std::chrono::nanoseconds timeout) {
  const int64_t nanoseconds = timeout.count();
  if (nanoseconds <= 0) return "0n";
  // Hours always fit: 2^63 nanoseconds are 2,562,048 of them.
  const Unit* unit = kUnits;
  int64_t number = nanoseconds;
  while (number > kMaxNumber) {
    ++unit;
    number = nanoseconds / unit->nanoseconds + (nanoseconds % unit->nanoseconds != 0);
  }
  return StrCat(number, unit->letter);
}

}  // namespace nuncio::http::grpc
