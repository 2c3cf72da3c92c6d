#include "source/http/grpc/method_path.h"

namespace nuncio::http::grpc {

std::optional<std::string_view> MethodOfPath(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  const bool two_parts = slash != std::string_view::npos && slash > 0 && slash + 1 < path.size() &&
                         path.find('/', slash + 1) == std::string_view::npos;
  return two_parts ? std::optional(path) : std::nullopt;
}

}  // namespace nuncio::http::grpc
