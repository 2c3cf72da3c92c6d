#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "source/access_log/response_flags.h"
#include "source/http/grpc/status.h"

namespace nuncio::filter {

// An answer of the proxy's own. To a gRPC request it becomes an answer of trailers only, with the body as its message.
struct LocalReply {
  uint32_t status = 500;
  // Stable snake_case, for %RESPONSE_CODE_DETAILS%. Must outlive the stream.
  std::string_view details{};
  // Plain text; copied.
  std::string_view body{};
  std::optional<access_log::ResponseFlag> flag{};
  // Unset: what gRPC makes of `status`.
  std::optional<http::grpc::StatusCode> grpc_status{};
  // Added to the head, names in lower case. Copied.
  std::span<const std::pair<std::string_view, std::string_view>> headers{};
};

}  // namespace nuncio::filter
