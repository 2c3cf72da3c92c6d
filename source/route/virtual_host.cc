#include "source/route/virtual_host.h"

#include <utility>

namespace nuncio::route {
namespace {

// A number of its own for each route, so that the shares of two routes, and the draw among weighted clusters, do not go
// together. The finaliser of SplitMix64.
uint64_t Independent(uint64_t random, uint64_t route) {
  uint64_t z = random + (route + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

VirtualHost::VirtualHost(Fields fields) : fields_(std::move(fields)) {
  if (fields_.routes.size() <= kMaxUnindexed) return;
  for (uint32_t i = 0; i < fields_.routes.size(); ++i) index_.Add(i, fields_.routes[i].path);
  index_.Build();
}

bool VirtualHost::TlsSuffices(const http::RequestHead& request) const {
  if (fields_.require_tls == RequireTls::kNone || request.headers.Value(http::HeaderId::kXForwardedProto) == "https") {
    return true;
  }
  return fields_.require_tls == RequireTls::kExternalOnly &&
         request.headers.Value(http::HeaderId::kXEnvoyInternal) == "true";
}

const RouteEntry* VirtualHost::FindConnectRoute(const http::RequestHead& request, uint64_t random) const {
  for (size_t i = 0; i < fields_.routes.size(); ++i) {
    const RouteEntry& route = fields_.routes[i];
    if (route.path.kind == PathPattern::Kind::kConnect && route.MatchesRest(request, Independent(random, i))) {
      return &route;
    }
  }
  return nullptr;
}

const RouteEntry* VirtualHost::FindRoute(std::string_view path, const http::RequestHead& request,
                                         uint64_t random) const {
  if (request.method == http::Method::kConnect) [[unlikely]] return FindConnectRoute(request, random);
  const std::vector<RouteEntry>& routes = fields_.routes;
  if (routes.size() <= kMaxUnindexed) {
    for (size_t i = 0; i < routes.size(); ++i) {
      if (routes[i].path.Matches(path) && routes[i].MatchesRest(request, Independent(random, i))) return &routes[i];
    }
    return nullptr;
  }
  const RouteEntry* found = nullptr;
  index_.VisitCandidates(path, request.headers.arena(), [&](uint32_t i) {
    const RouteEntry& route = routes[i];
    if (route.path.kind == PathPattern::Kind::kRegex && !route.path.Matches(path)) return false;
    if (!route.MatchesRest(request, Independent(random, i))) return false;
    found = &route;
    return true;
  });
  return found;
}

}  // namespace nuncio::route
