#pragma once

#include <optional>

#include "source/base/clock.h"
#include "source/http/header_map.h"
#include "source/proxy/connection_manager_config.h"
#include "source/route/forward_action.h"

namespace nuncio::proxy {

// How long a forwarded request may take, from its route and from the headers that internal clients may set. Zero: no
// limit.
struct RouteTimeouts {
  // From the end of the request to the end of the answer.
  Duration route{};
  // Unset: the connection manager's.
  std::optional<Duration> idle;
  std::optional<Duration> max_duration;
  // False: a header named in strict_check_headers is malformed.
  bool valid_headers = true;

  // Tells the upstream how long it has, and takes back what was meant for the proxy.
  void WriteHeaders(const ConnectionManagerConfig& config, http::HeaderMap& headers) const;
};

RouteTimeouts ComputeTimeouts(const ConnectionManagerConfig& config, const route::ForwardAction& route,
                              const http::HeaderMap& headers);

}  // namespace nuncio::proxy
