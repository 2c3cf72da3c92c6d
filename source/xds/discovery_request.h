#pragma once

#include <set>
#include <string>
#include <string_view>

namespace nuncio::xds {

// One request of the state-of-the-world protocol.
struct DiscoveryRequest {
  std::string_view type_url;
  // Accepted last; empty: none yet.
  std::string_view version;
  // Of the answer that this one is about; empty on a new stream.
  std::string_view nonce;
  // As ChangeNames gives them. Empty for all there are.
  std::string_view names;
  // A serialized envoy.config.core.v3.Node; empty: left out.
  std::string_view node;
  // Not empty: the answer was refused, and why.
  std::string_view error;
};

// As an envoy.service.discovery.v3.DiscoveryRequest. An error longer than kMaxErrorLength is cut between lines.
std::string Encode(const DiscoveryRequest& request);

// Names in the wire form that they have in a request, in order: `names`, and those of `came`, without those of `went`.
std::string ChangeNames(std::string_view names, const std::set<std::string, std::less<>>& came,
                        const std::set<std::string, std::less<>>& went);

inline constexpr size_t kMaxErrorLength = 16 << 10;

// Cuts `lines` to `limit` bytes, with a line at the end that says how many are missing.
std::string CutLines(std::string_view lines, size_t limit);

}  // namespace nuncio::xds
