#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/base/strings.h"
#include "source/filter/accepted_connection.h"
#include "source/listener/filter_chain_match.h"

namespace nuncio::listener {

// Which filter chain takes a connection. The criteria are asked in the API's order: destination port, destination,
// server name, transport protocol, application protocols, direct source, source type, source, source port. At each the
// most specific value that fits the connection is taken, and only chains that name it go on to the next; what was
// chosen is not revised when a later criterion finds nothing. Immutable; any thread. The number of chains does not
// matter to Find.
class FilterChainTable {
 public:
  // Nodes and their entries, together.
  static constexpr size_t kMaxEntries = size_t{1} << 20;

  // Chains [first] and [second] take the same connections with equal precedence.
  struct Conflict {
    uint32_t first;
    uint32_t second;
  };
  struct Faults {
    std::vector<Conflict> conflicts;
    // The combinations of values are more than kMaxEntries.
    bool too_large = false;
  };

  FilterChainTable() = default;
  // The table of chains with these matches, known by their index. With faults it is of no use.
  static FilterChainTable Build(const std::vector<FilterChainMatch>& matches, Faults& faults);

  // The chain, or nullopt. Where asks_local_address() the connection must have it.
  std::optional<uint32_t> Find(const filter::AcceptedConnection& connection) const;
  // Whether Find looks at `local`.
  bool asks_local_address() const { return asks_local_; }

 private:
  // A chain where negative (~index), else a node.
  using Link = int32_t;
  static constexpr Link kNone = INT32_MAX;
  using TextMap = std::unordered_map<std::string, Link, TransparentHash, std::equal_to<>>;

  enum class Criterion : uint8_t {
    kDestinationPort,
    kDestination,
    kServerName,
    kTransportProtocol,
    kApplicationProtocols,
    kDirectSource,
    kSourceType,
    kSource,
    kSourcePort,
    kNone,
  };
  // An address family's prefixes of one length, by their bytes.
  struct PrefixLevel {
    int family;
    uint32_t length;
    TextMap by_prefix;
  };
  struct Node {
    Criterion criterion;
    // Of chains that do not name the criterion.
    Link any = kNone;
    // Server names and protocols; wildcards by what follows the asterisk.
    TextMap texts;
    TextMap wildcards;
    std::unordered_map<uint16_t, Link> ports;
    // Longest first.
    std::vector<PrefixLevel> prefixes;
    Link same_ip_or_loopback = kNone;
    Link external = kNone;
  };
  class Builder;

  Link Step(const Node& node, const filter::AcceptedConnection& connection) const;
  static Link FindServerName(const Node& node, std::string_view name);
  static Link FindPrefix(const Node& node, const net::Address& address);
  static Link FindText(const TextMap& map, std::string_view text);
  static Link FindPort(const Node& node, uint16_t port);
  static Link FindSourceType(const Node& node, const filter::AcceptedConnection& connection);

  std::vector<Node> nodes_;
  Link root_ = kNone;
  bool asks_local_ = false;
};

}  // namespace nuncio::listener
