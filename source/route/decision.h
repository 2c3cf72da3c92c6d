#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/message.h"
#include "source/route/route_table.h"
#include "source/route/value_formatter.h"

namespace nuncio::route {

// What becomes of a request, and why. Points into the table, which must be held as long as this is used, and, for a
// cluster named by a header, into the request.
struct Decision {
  enum class Kind : uint8_t {
    kNoVirtualHost,  // No virtual host takes the request's host: 404, flag NR.
    kNoRoute,        // No route of the virtual host matches: 404, flag NR.
    kRequireTls,     // The virtual host wants TLS: 301 to the same over https.
    kForward,
    kRedirect,
    kDirectResponse,
  };

  Kind kind = Kind::kNoVirtualHost;
  const RouteTable* table = nullptr;
  // Null for kNoVirtualHost.
  const VirtualHost* virtual_host = nullptr;
  // Null for kNoVirtualHost, kNoRoute and kRequireTls.
  const RouteEntry* route = nullptr;
  // For kForward, and null otherwise.
  const ForwardAction* forward = nullptr;
  // The cluster drawn, where the route has several.
  const WeightedCluster* weighted_cluster = nullptr;
  // For kForward. Empty where the header that should name it is missing: answered like an unknown cluster, with
  // `forward->cluster_not_found_status` and flag NC.
  std::string_view cluster;
  // How much of the path the route matched.
  uint32_t matched_length = 0;
};

// "no_virtual_host", "no_route", "require_tls", "forward", "redirect", "direct_response".
std::string_view DecisionKindName(Decision::Kind kind);

// A pure function: the same table, request and random number give the same decision. Allocates nothing from the heap.
Decision Decide(const RouteTable& table, const http::RequestHead& request, uint64_t random);

// Makes of the request as received the one to be sent, for kForward: header changes of all levels in the order the
// table says, then path, then host (but for auto_host_rewrite, which is the router's once it knows the host).
// `keep_original_path` says whether a rewritten path is told in `x-envoy-original-path`. Call once per request. False
// where a rewrite would make the path or host too long: answer 500; the request may be half changed then.
bool RewriteRequest(const Decision& decision, const FormatInput& input, bool keep_original_path,
                    http::RequestHead& request);

// Sets the host as a rewrite does: to `host`, which must outlive the request; where the route says so the old one is
// appended to `x-forwarded-host`. For the router's auto_host_rewrite.
void RewriteHost(const Decision& decision, std::string_view host, http::RequestHead& request);

// The header changes of all levels for the answer. For every kind that has a route, redirects and direct responses too.
void RewriteResponse(const Decision& decision, const FormatInput& input, http::HeaderMap& headers);

// The location for kRedirect and kRequireTls, in the request's arena; nullopt where it would be too long: answer 500.
// For kRequireTls the request must name its host.
std::optional<std::string_view> RedirectLocation(const Decision& decision, const http::RequestHead& request);

}  // namespace nuncio::route
