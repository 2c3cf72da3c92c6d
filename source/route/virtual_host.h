#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/message.h"
#include "source/route/path_index.h"
#include "source/route/per_filter_config.h"
#include "source/route/route_entry.h"

namespace nuncio::route {

// The routes of some hosts: one immutable object, published and shared on its own. Any thread.
class VirtualHost {
 public:
  using Digest = std::array<uint64_t, 2>;
  // Which requests must come over TLS.
  enum class RequireTls : uint8_t { kNone, kExternalOnly, kAll };

  struct Fields {
    std::string name;
    // As configured.
    std::vector<std::string> domains;
    std::vector<RouteEntry> routes;
    RequireTls require_tls = RequireTls::kNone;
    HeaderMutations request_mutations;
    HeaderMutations response_mutations;
    bool include_request_attempt_count = false;
    bool include_attempt_count_in_response = false;
    // Null: none.
    std::unique_ptr<const matcher::Metadata> metadata;
    // What it says to HTTP filters. Null: nothing.
    std::unique_ptr<const PerFilterConfigs> per_filter;
    // Of all that it was compiled from, so that the next table can take it over unchanged. Zero: never take it over.
    Digest digest{};
  };

  explicit VirtualHost(Fields fields);

  const std::string& name() const { return fields_.name; }
  const std::vector<std::string>& domains() const { return fields_.domains; }
  const std::vector<RouteEntry>& routes() const { return fields_.routes; }
  // Whether the request may go on as it came. By `x-forwarded-proto` and `x-envoy-internal`, which are settled by then.
  bool TlsSuffices(const http::RequestHead& request) const;
  const HeaderMutations& request_mutations() const { return fields_.request_mutations; }
  const HeaderMutations& response_mutations() const { return fields_.response_mutations; }
  // Tell the upstream the number of the attempt in `x-envoy-attempt-count`.
  bool include_request_attempt_count() const { return fields_.include_request_attempt_count; }
  // Tell the client the number of attempts in `x-envoy-attempt-count`.
  bool include_attempt_count_in_response() const { return fields_.include_attempt_count_in_response; }
  const matcher::Metadata* metadata() const { return fields_.metadata.get(); }
  const PerFilterConfigs* per_filter() const { return fields_.per_filter.get(); }
  const Digest& digest() const { return fields_.digest; }

  // The first route that matches, or null. `path` is the part of the request's path that is compared. Time does not
  // grow with the number of routes by path, prefix or separated prefix whose path does not match.
  const RouteEntry* FindRoute(std::string_view path, const http::RequestHead& request, uint64_t random) const;

 private:
  // CONNECT names no path, and only routes made for it take it.
  const RouteEntry* FindConnectRoute(const http::RequestHead& request, uint64_t random) const;

  // Up to this many routes are tried one by one; an index costs more than it saves.
  static constexpr size_t kMaxUnindexed = 6;

  Fields fields_;
  PathIndex index_;
};

}  // namespace nuncio::route
