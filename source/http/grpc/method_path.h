#pragma once

#include <optional>
#include <string_view>

namespace nuncio::http::grpc {

// "SERVICE/METHOD" of the path "/SERVICE/METHOD", whose query does not count; nullopt for any other path.
std::optional<std::string_view> MethodOfPath(std::string_view path);

}  // namespace nuncio::http::grpc
