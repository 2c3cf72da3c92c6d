#include "source/config/scalar_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "source/base/strings.h"

namespace nuncio::config {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Digits of an unsigned number in the base its prefix names.
std::optional<uint64_t> ParseDigits(std::string_view digits, bool plain) {
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && ToLower(digits[1]) == 'x') {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0' &&
             digits.find_first_not_of("0123456789") == std::string_view::npos) {
    if (!plain) return std::nullopt;
    base = 8;
  }
  uint64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// A number written as a decimal fraction or with an exponent that is integral all the same.
std::optional<double> ParseIntegralFraction(std::string_view text) {
  if (text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
  const std::optional<double> value = ParseDouble(text);
  if (!value || std::trunc(*value) != *value || std::fabs(*value) > kExactIntegers) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array<Unit, 6> kUnits = {{{"h", 3600 * kNanosPerSecond},
                                         {"m", 60 * kNanosPerSecond},
                                         {"s", kNanosPerSecond},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (IsDigit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

std::optional<bool> ParseBool(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  const bool lower_rest = std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool upper = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!lower_rest && !upper) return std::nullopt;
  for (std::string_view name : {"true", "yes", "on", "y"}) {
    if (EqualsIgnoreCase(text, name)) return true;
  }
  for (std::string_view name : {"false", "no", "off", "n"}) {
    if (EqualsIgnoreCase(text, name)) return false;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseSigned(std::string_view text, bool plain, int64_t min, int64_t max) {
  std::optional<int64_t> value;
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view digits = text.substr(!text.empty() && (negative || text[0] == '+') ? 1 : 0);
  if (const std::optional<uint64_t> magnitude = ParseDigits(digits, plain)) {
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    if (*magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
    value = negative ? static_cast<int64_t>(0 - *magnitude) : static_cast<int64_t>(*magnitude);
  } else if (const std::optional<double> integral = ParseIntegralFraction(text)) {
    value = static_cast<int64_t>(*integral);
  }
  if (!value || *value < min || *value > max) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseUnsigned(std::string_view text, bool plain, uint64_t max) {
  const std::string_view digits = text.substr(!text.empty() && text[0] == '+' ? 1 : 0);
  std::optional<uint64_t> value = ParseDigits(digits, plain);
  if (!value) {
    const std::optional<double> integral = ParseIntegralFraction(text);
    if (!integral || *integral < 0) return std::nullopt;
    value = static_cast<uint64_t>(*integral);
  }
  if (*value > max) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  if (text == "NaN" || EqualsIgnoreCase(text, ".nan")) return std::numeric_limits<double>::quiet_NaN();
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view magnitude = text.substr(!text.empty() && (negative || text[0] == '+') ? 1 : 0);
  if (magnitude == "Infinity" || EqualsIgnoreCase(magnitude, ".inf")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  // from_chars would take "inf" and "nan(...)" too.
  if (magnitude.empty() || (!IsDigit(magnitude[0]) && magnitude[0] != '.')) return std::nullopt;
  double value = 0;
  const auto result = std::from_chars(magnitude.data(), magnitude.data() + magnitude.size(), value);
  if (result.ec != std::errc() || result.ptr != magnitude.data() + magnitude.size()) return std::nullopt;
  return negative ? -value : value;
}

std::optional<SecondsAndNanos> ParseDuration(std::string_view text, std::string& reason) {
  const auto refuse = [&](std::string_view why) {
    reason = std::string(why);
    return std::nullopt;
  };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (negative) rest.remove_prefix(1);
  if (rest.empty()) return refuse("must be a duration such as \"1.5s\" (is empty)");
  __int128 total = 0;
  do {
    size_t digits = 0;
    while (digits < rest.size() && (IsDigit(rest[digits]) || rest[digits] == '.')) ++digits;
    const std::string_view number = rest.substr(0, digits);
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters]) && rest[letters] != '.') ++letters;
    const std::string_view unit_name = rest.substr(0, letters);
    rest.remove_prefix(letters);

    const size_t point = number.find('.');
    const std::string_view whole = number.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view() : number.substr(point + 1);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit_name; });
    if (whole.empty() || fraction.find('.') != std::string_view::npos) {
      return refuse("must be a duration such as \"1.5s\"");
    }
    if (unit_name.empty()) return refuse("is a duration without a unit; write \"5s\" for five seconds");
    if (unit == kUnits.end()) return refuse("has an unknown unit of time; units are h, m, s, ms, us, ns");
    const std::optional<uint64_t> count = ParseDecimal<uint64_t>(whole);
    if (!count || whole.size() > 18) return refuse("is a duration out of range");
    total += static_cast<__int128>(*count) * unit->nanos;
    int64_t place = unit->nanos;
    for (char digit : fraction) {
      if (place % 10 != 0) {
        if (digit != '0') return refuse("is a duration finer than a nanosecond");
        continue;
      }
      place /= 10;
      total += static_cast<__int128>(digit - '0') * place;
    }
    if (total > static_cast<__int128>(kMaxDurationSeconds) * kNanosPerSecond) {
      return refuse("is a duration out of range");
    }
  } while (!rest.empty());
  if (negative) total = -total;
  return SecondsAndNanos{static_cast<int64_t>(total / kNanosPerSecond), static_cast<int32_t>(total % kNanosPerSecond)};
}

std::optional<std::string> ParseBase64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  size_t symbols = 0;
  size_t padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = Base64Value(c);
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++symbols % 4 == 0) {
      for (int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift);
      bits = 0;
    }
  }
  const size_t left = symbols % 4;
  if (left == 1 || (padding != 0 && (left + padding != 4))) return std::nullopt;
  if (left >= 2) bytes += static_cast<char>(bits >> (left == 2 ? 4 : 10));
  if (left == 3) bytes += static_cast<char>(bits >> 2);
  return bytes;
}

std::string ToBase64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) text += j <= count ? kAlphabet[bits >> (18 - 6 * j) & 0x3f] : '=';
  }
  return text;
}

size_t EditDistance(std::string_view a, std::string_view b, size_t limit) {
  if ((a.size() > b.size() ? a.size() - b.size() : b.size() - a.size()) > limit) return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    size_t least = row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return std::min(row[b.size()], limit + 1);
}

}  // namespace nuncio::config
