#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/http/message.h"
#include "source/route/path_rewrite.h"

namespace nuncio::route {

// Answer with a new location. What is empty or unset stays as in the request. Immutable; any thread.
struct RedirectAction {
  std::string scheme{};
  std::string host{};
  // ":443"; empty: the port of the request, left out where only the scheme changes and it was the old one's default.
  std::string port{};
  // May have a query, which then takes the place of the request's and is not stripped.
  std::string path{};
  std::optional<PathRewrite> path_rewrite{};
  bool strip_query = false;
  // 301, 302, 303, 307 or 308.
  uint32_t status = 301;

  // The value of `location`, in the request's arena; nullopt where the rewritten path would be too long. `matched` as
  // in PathRewrite::Apply.
  std::optional<std::string_view> Location(const http::RequestHead& request, size_t matched) const;
};

}  // namespace nuncio::route
