#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nuncio::http::grpc {

// A `grpc-timeout` value: one to eight digits and a unit of H, M, S, m, u, n. nullopt where it is malformed. What is
// longer than kLongestDuration becomes that.
std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view value);

// The finest `grpc-timeout` value of eight digits that is not shorter than `timeout`. What is not positive becomes
// "0n".
std::string FormatTimeout(std::chrono::nanoseconds timeout);

}  // namespace nuncio::http::grpc
