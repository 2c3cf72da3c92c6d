#include "source/listener/filter_chain_table.h"

#include <algorithm>

namespace nuncio::listener {
namespace {

using Rows = std::vector<uint32_t>;

// The bytes of `address` that a prefix of `length` bits fixes.
std::string PrefixBytes(std::string_view address, uint32_t length) {
  std::string out(address.substr(0, (length + 7) / 8));
  if (length % 8 != 0) out.back() = static_cast<char>(out.back() & (0xff << (8 - length % 8)));
  return out;
}

}  // namespace

class FilterChainTable::Builder {
 public:
  Builder(const std::vector<FilterChainMatch>& matches, FilterChainTable& out, Faults& faults)
      : matches_(matches), out_(out), faults_(faults) {}

  // The way on for the chains `rows` from `criterion` on. Chains that came here together share what follows, so that
  // values which lead to the same chains cost one entry each.
  Link Build(Criterion criterion, const Rows& rows) {
    if (faults_.too_large) return kNone;
    while (criterion != Criterion::kNone && !AnyNames(criterion, rows)) criterion = Next(criterion);
    if (criterion == Criterion::kNone) {
      for (size_t i = 1; i < rows.size(); ++i) AddConflict(rows[0], rows[i]);
      return ~static_cast<Link>(rows[0]);
    }
    const auto key = std::make_pair(criterion, rows);
    if (const auto made = made_.find(key); made != made_.end()) return made->second;
    Node node;
    node.criterion = criterion;
    if (criterion == Criterion::kDestinationPort || criterion == Criterion::kDestination ||
        criterion == Criterion::kSourceType) {
      out_.asks_local_ = true;
    }
    Fill(node, rows);
    if (++entries_ > kMaxEntries) faults_.too_large = true;
    const Link link = static_cast<Link>(out_.nodes_.size());
    out_.nodes_.push_back(std::move(node));
    made_.emplace(key, link);
    return link;
  }

 private:
  static constexpr size_t kMaxConflicts = 64;

  static Criterion Next(Criterion criterion) { return static_cast<Criterion>(static_cast<int>(criterion) + 1); }

  void AddConflict(uint32_t first, uint32_t second) {
    for (const Conflict& known : faults_.conflicts) {
      if (known.first == first && known.second == second) return;
    }
    if (faults_.conflicts.size() < kMaxConflicts) faults_.conflicts.push_back({first, second});
  }

  static bool Names(const FilterChainMatch& match, Criterion criterion) {
    switch (criterion) {
      case Criterion::kDestinationPort:
        return match.destination_port != 0;
      case Criterion::kDestination:
        return !match.destinations.empty();
      case Criterion::kServerName:
        return !match.server_names.empty();
      case Criterion::kTransportProtocol:
        return !match.transport_protocol.empty();
      case Criterion::kApplicationProtocols:
        return !match.application_protocols.empty();
      case Criterion::kDirectSource:
        return !match.direct_sources.empty();
      case Criterion::kSourceType:
        return match.source_type != FilterChainMatch::SourceType::kAny;
      case Criterion::kSource:
        return !match.sources.empty();
      case Criterion::kSourcePort:
        return !match.source_ports.empty();
      case Criterion::kNone:
        break;
    }
    return false;
  }
  bool AnyNames(Criterion criterion, const Rows& rows) const {
    return std::any_of(rows.begin(), rows.end(), [&](uint32_t row) { return Names(matches_[row], criterion); });
  }

  void Fill(Node& node, const Rows& rows) {
    Rows any;
    for (uint32_t row : rows) {
      if (!Names(matches_[row], node.criterion)) any.push_back(row);
    }
    if (!any.empty()) node.any = Build(Next(node.criterion), any);
    switch (node.criterion) {
      case Criterion::kDestinationPort:
        return FillPorts(node, rows,
                         [](const FilterChainMatch& m) { return std::vector<uint16_t>{m.destination_port}; });
      case Criterion::kSourcePort:
        return FillPorts(node, rows, [](const FilterChainMatch& m) { return m.source_ports; });
      case Criterion::kDestination:
        return FillPrefixes(node, rows, &FilterChainMatch::destinations);
      case Criterion::kDirectSource:
        return FillPrefixes(node, rows, &FilterChainMatch::direct_sources);
      case Criterion::kSource:
        return FillPrefixes(node, rows, &FilterChainMatch::sources);
      case Criterion::kServerName:
        return FillTexts(node, rows, [](const FilterChainMatch& m) { return m.server_names; });
      case Criterion::kTransportProtocol:
        return FillTexts(node, rows,
                         [](const FilterChainMatch& m) { return std::vector<std::string>{m.transport_protocol}; });
      case Criterion::kApplicationProtocols:
        return FillTexts(node, rows, [](const FilterChainMatch& m) { return m.application_protocols; });
      case Criterion::kSourceType:
        return FillSourceTypes(node, rows);
      case Criterion::kNone:
        return;
    }
  }

  // The chains by what they name; a chain that names a value twice stands there once.
  template <typename Value, typename ValuesOf>
  std::map<Value, Rows> Group(const Rows& rows, Criterion criterion, ValuesOf&& values_of) {
    std::map<Value, Rows> out;
    for (uint32_t row : rows) {
      if (!Names(matches_[row], criterion)) continue;
      for (auto& value : values_of(matches_[row])) {
        Rows& named = out[value];
        if (!named.empty() && named.back() == row) continue;
        named.push_back(row);
        ++entries_;
      }
    }
    if (entries_ > kMaxEntries) faults_.too_large = true;
    return out;
  }

  template <typename ValuesOf>
  void FillPorts(Node& node, const Rows& rows, ValuesOf&& values_of) {
    for (const auto& [port, named] : Group<uint16_t>(rows, node.criterion, values_of)) {
      node.ports.emplace(port, Build(Next(node.criterion), named));
    }
  }

  template <typename ValuesOf>
  void FillTexts(Node& node, const Rows& rows, ValuesOf&& values_of) {
    for (const auto& [text, named] : Group<std::string>(rows, node.criterion, values_of)) {
      const Link link = Build(Next(node.criterion), named);
      if (node.criterion == Criterion::kServerName && text.starts_with("*.")) {
        node.wildcards.emplace(text.substr(1), link);
      } else {
        node.texts.emplace(text, link);
      }
    }
  }

  void FillPrefixes(Node& node, const Rows& rows, std::vector<net::CidrRange> FilterChainMatch::*ranges) {
    using Prefix = std::tuple<int, uint32_t, std::string>;
    const auto values_of = [&](const FilterChainMatch& match) {
      std::vector<Prefix> out;
      for (const net::CidrRange& range : match.*ranges) {
        out.emplace_back(range.base().family(), range.prefix_length(),
                         PrefixBytes(range.base().IpBytes(), range.prefix_length()));
      }
      return out;
    };
    for (const auto& [prefix, named] : Group<Prefix>(rows, node.criterion, values_of)) {
      const auto& [family, length, bytes] = prefix;
      if (node.prefixes.empty() || node.prefixes.back().family != family || node.prefixes.back().length != length) {
        node.prefixes.push_back({family, length, {}});
      }
      node.prefixes.back().by_prefix.emplace(bytes, Build(Next(node.criterion), named));
    }
    std::reverse(node.prefixes.begin(), node.prefixes.end());
  }

  void FillSourceTypes(Node& node, const Rows& rows) {
    using Type = FilterChainMatch::SourceType;
    for (const auto& [type, named] : Group<Type>(
             rows, node.criterion, [](const FilterChainMatch& m) { return std::vector<Type>{m.source_type}; })) {
      (type == Type::kExternal ? node.external : node.same_ip_or_loopback) = Build(Next(node.criterion), named);
    }
  }

  const std::vector<FilterChainMatch>& matches_;
  FilterChainTable& out_;
  Faults& faults_;
  std::map<std::pair<Criterion, Rows>, Link> made_;
  size_t entries_ = 0;
};

FilterChainTable FilterChainTable::Build(const std::vector<FilterChainMatch>& matches, Faults& faults) {
  FilterChainTable out;
  if (matches.empty()) return out;
  Rows rows;
  for (uint32_t i = 0; i < matches.size(); ++i) rows.push_back(i);
  out.root_ = Builder(matches, out, faults).Build(Criterion::kDestinationPort, rows);
  return out;
}

std::optional<uint32_t> FilterChainTable::Find(const filter::AcceptedConnection& connection) const {
  Link link = root_;
  while (link != kNone && link >= 0) link = Step(nodes_[static_cast<size_t>(link)], connection);
  if (link == kNone) return std::nullopt;
  return static_cast<uint32_t>(~link);
}

FilterChainTable::Link FilterChainTable::Step(const Node& node, const filter::AcceptedConnection& connection) const {
  Link found = kNone;
  switch (node.criterion) {
    case Criterion::kDestinationPort:
      found = FindPort(node, connection.local.port());
      break;
    case Criterion::kDestination:
      found = FindPrefix(node, connection.local);
      break;
    case Criterion::kServerName:
      found = FindServerName(node, connection.facts.server_name);
      break;
    case Criterion::kTransportProtocol: {
      const std::string_view protocol = connection.facts.transport_protocol;
      found = FindText(node.texts, protocol.empty() ? "raw_buffer" : protocol);
      break;
    }
    case Criterion::kApplicationProtocols:
      for (const std::string& protocol : connection.facts.application_protocols) {
        found = FindText(node.texts, protocol);
        if (found != kNone) break;
      }
      break;
    case Criterion::kDirectSource:
      found = FindPrefix(node, connection.direct_peer);
      break;
    case Criterion::kSourceType:
      found = FindSourceType(node, connection);
      break;
    case Criterion::kSource:
      found = FindPrefix(node, connection.peer);
      break;
    case Criterion::kSourcePort:
      found = FindPort(node, connection.peer.port());
      break;
    case Criterion::kNone:
      break;
  }
  return found != kNone ? found : node.any;
}

FilterChainTable::Link FilterChainTable::FindText(const TextMap& map, std::string_view text) {
  const auto found = map.find(text);
  return found == map.end() ? kNone : found->second;
}

FilterChainTable::Link FilterChainTable::FindPort(const Node& node, uint16_t port) {
  const auto found = node.ports.find(port);
  return found == node.ports.end() ? kNone : found->second;
}

FilterChainTable::Link FilterChainTable::FindServerName(const Node& node, std::string_view name) {
  if (name.empty()) return kNone;
  if (const Link exact = FindText(node.texts, name); exact != kNone) return exact;
  if (node.wildcards.empty()) return kNone;
  // ".b.c" before ".c" for "a.b.c": the longest suffix is the most specific.
  for (size_t dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (const Link found = FindText(node.wildcards, name.substr(dot)); found != kNone) return found;
  }
  return kNone;
}

FilterChainTable::Link FilterChainTable::FindPrefix(const Node& node, const net::Address& address) {
  const net::Address plain = address.Unmapped();
  if (!plain.is_ip()) return kNone;
  for (const PrefixLevel& level : node.prefixes) {
    if (level.family != plain.family()) continue;
    const auto found = level.by_prefix.find(PrefixBytes(plain.IpBytes(), level.length));
    if (found != level.by_prefix.end()) return found->second;
  }
  return kNone;
}

FilterChainTable::Link FilterChainTable::FindSourceType(const Node& node,
                                                        const filter::AcceptedConnection& connection) {
  const net::Address peer = connection.peer.Unmapped();
  const bool near = peer.is_loopback() ||
                    (!peer.IpBytes().empty() && peer.IpBytes() == connection.local.Unmapped().IpBytes());
  return near ? node.same_ip_or_loopback : node.external;
}

}  // namespace nuncio::listener
