#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Scalars as configurations write them.
namespace nuncio::config {

// As YAML 1.1 has it and Envoy reads it: true, yes, on, y and their contraries, lower case, upper case or capitalised.
std::optional<bool> ParseBool(std::string_view text);

// A decimal number with an optional sign, `0x` hexadecimal, octal with a leading zero where `plain` (as YAML 1.1 reads
// an unquoted one; a quoted one is ambiguous and refused), or a decimal fraction or power that is integral ("1.0",
// "1e3", up to 2^53). nullopt where it is none of these or does not fit.
std::optional<int64_t> ParseSigned(std::string_view text, bool plain, int64_t min, int64_t max);
std::optional<uint64_t> ParseUnsigned(std::string_view text, bool plain, uint64_t max);

// A decimal number, or an infinity or NaN as JSON ("Infinity", "-Infinity", "NaN") or YAML (".inf", ".nan") name them.
std::optional<double> ParseDouble(std::string_view text);

// A length of time, to the nanosecond.
struct SecondsAndNanos {
  int64_t seconds = 0;  // -315,576,000,000 to 315,576,000,000, as google.protobuf.Duration has it
  int32_t nanos = 0;    // -999,999,999 to 999,999,999, of the sign of `seconds`
};

// "1.5s", "250ms", "2m", "1h30m": numbers with the units h, m, s, ms, us, ns. On nullopt `reason` says what is wrong.
std::optional<SecondsAndNanos> ParseDuration(std::string_view text, std::string& reason);

// Base64 in the standard or the URL-safe alphabet, padded or not; white space (a YAML block) is skipped.
std::optional<std::string> ParseBase64(std::string_view text);
// Standard alphabet, padded.
std::string ToBase64(std::string_view bytes);

// The edits (insertion, deletion, substitution) from one text to the other, or `limit` + 1 if there are more.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

}  // namespace nuncio::config
