#include "source/route/decision.h"

#include "source/base/strings.h"

namespace nuncio::route {
namespace {

// The levels that have header changes, from the most specific; null where a level does not apply.
struct Levels {
  const HeaderMutations* levels[4];
  bool most_specific_last;

  void Apply(const FormatInput& input, http::HeaderMap& headers) const {
    for (size_t i = 0; i < 4; ++i) {
      const HeaderMutations* level = levels[most_specific_last ? 3 - i : i];
      if (level != nullptr && !level->empty()) level->Apply(input, headers);
    }
  }
};

void ChooseCluster(const http::RequestHead& request, uint64_t random, Decision& decision) {
  if (const auto* name = std::get_if<std::string>(&decision.forward->cluster)) {
    decision.cluster = *name;
  } else if (const auto* field = std::get_if<matcher::RequestField>(&decision.forward->cluster)) {
    field->First(request, &decision.cluster);
  } else {
    const auto& clusters = std::get<std::unique_ptr<const WeightedClusters>>(decision.forward->cluster);
    decision.weighted_cluster = &clusters->Choose(request, random);
    decision.cluster = decision.weighted_cluster->name;
    const std::optional<matcher::RequestField>& from = decision.weighted_cluster->name_field;
    if (from.has_value()) from->First(request, &decision.cluster);
  }
}

bool RewritePath(const Decision& decision, bool keep_original_path, http::RequestHead& request) {
  const PathRewrite* rewrite = decision.forward->path_rewrite.get();
  // CONNECT has no path.
  if (rewrite == nullptr || request.path.empty()) return true;
  const std::optional<std::string_view> path =
      rewrite->Apply(request.path, decision.matched_length, request.headers.arena());
  if (!path.has_value()) return false;
  if (keep_original_path) request.headers.SetReference(http::HeaderId::kXEnvoyOriginalPath, request.path);
  request.path = *path;
  return true;
}

// The new host, empty where it stays; nullopt where it would be too long.
std::optional<std::string_view> NewHost(const Decision& decision, const http::RequestHead& request) {
  if (decision.weighted_cluster != nullptr && !decision.weighted_cluster->host_rewrite.empty()) {
    return decision.weighted_cluster->host_rewrite;
  }
  std::string_view host;
  if (decision.forward->host_rewrite == nullptr) return host;
  const HostRewrite& rewrite = *decision.forward->host_rewrite;
  if (const auto* literal = std::get_if<std::string>(&rewrite)) {
    host = *literal;
  } else if (const auto* from = std::get_if<HostFromField>(&rewrite)) {
    from->field.First(request, &host);
  } else if (const auto* made = std::get_if<HostFromPath>(&rewrite)) {
    const std::string_view path = WithoutQuery(request.path);
    return made->substitution.Apply(path, path.size() + kMaxRewriteGrowth, request.headers.arena());
  }
  return host;
}

}  // namespace

std::string_view DecisionKindName(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::kNoVirtualHost:
      return "no_virtual_host";
    case Decision::Kind::kNoRoute:
      return "no_route";
    case Decision::Kind::kRequireTls:
      return "require_tls";
    case Decision::Kind::kForward:
      return "forward";
    case Decision::Kind::kRedirect:
      return "redirect";
    case Decision::Kind::kDirectResponse:
      return "direct_response";
  }
  return "";
}

Decision Decide(const RouteTable& table, const http::RequestHead& request, uint64_t random) {
  Decision decision;
  decision.table = &table;
  decision.virtual_host = table.FindVirtualHost(request);
  if (decision.virtual_host == nullptr) return decision;
  if (!decision.virtual_host->TlsSuffices(request)) {
    decision.kind = Decision::Kind::kRequireTls;
    return decision;
  }
  const std::string_view path = table.ComparedPath(request.path);
  decision.route = decision.virtual_host->FindRoute(path, request, random);
  if (decision.route == nullptr) {
    decision.kind = Decision::Kind::kNoRoute;
    return decision;
  }
  decision.matched_length = static_cast<uint32_t>(decision.route->path.MatchedLength(path));
  decision.forward = decision.route->forward();
  if (decision.forward != nullptr) {
    decision.kind = Decision::Kind::kForward;
    ChooseCluster(request, random, decision);
  } else {
    decision.kind = decision.route->redirect() != nullptr ? Decision::Kind::kRedirect : Decision::Kind::kDirectResponse;
  }
  return decision;
}

bool RewriteRequest(const Decision& decision, const FormatInput& input, bool keep_original_path,
                    http::RequestHead& request) {
  const WeightedCluster* weighted = decision.weighted_cluster;
  Levels{{weighted == nullptr ? nullptr : &weighted->request_mutations, &decision.route->request_mutations,
          &decision.virtual_host->request_mutations(), &decision.table->request_mutations()},
         decision.table->most_specific_header_mutations_wins()}
      .Apply(input, request.headers);
  // The host before the path, since it may be made of it.
  const std::optional<std::string_view> host = NewHost(decision, request);
  if (!host.has_value()) return false;
  if (!host->empty()) RewriteHost(decision, *host, request);
  return RewritePath(decision, keep_original_path, request);
}

void RewriteHost(const Decision& decision, std::string_view host, http::RequestHead& request) {
  if (decision.forward->append_x_forwarded_host && !request.authority.empty()) {
    http::HeaderMap& headers = request.headers;
    std::string_view hosts;
    headers.Joined(http::HeaderName(http::HeaderId::kXForwardedHost), &hosts);
    headers.SetReference(http::HeaderId::kXForwardedHost,
                         hosts.empty() ? request.authority : headers.arena().Concat(hosts, ",", request.authority));
  }
  request.authority = host;
}

void RewriteResponse(const Decision& decision, const FormatInput& input, http::HeaderMap& headers) {
  if (decision.route == nullptr) return;
  const WeightedCluster* weighted = decision.weighted_cluster;
  Levels{{weighted == nullptr ? nullptr : &weighted->response_mutations, &decision.route->response_mutations,
          &decision.virtual_host->response_mutations(), &decision.table->response_mutations()},
         decision.table->most_specific_header_mutations_wins()}
      .Apply(input, headers);
}

std::optional<std::string_view> RedirectLocation(const Decision& decision, const http::RequestHead& request) {
  if (decision.kind != Decision::Kind::kRequireTls) {
    return decision.route->redirect()->Location(request, decision.matched_length);
  }
  // CONNECT has no path, and that of `OPTIONS *` is none.
  const std::string_view path = request.path.starts_with('/') ? request.path : std::string_view();
  return request.headers.arena().Concat("https://", request.authority, path);
}

}  // namespace nuncio::route
