#include "source/listener/filter_chain_match.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::listener {
namespace {

// 0 where the list is empty, 1 + length of the longest prefix that holds the address, -1 where none does.
int RankRanges(const std::vector<net::CidrRange>& ranges, const net::Address& address) {
  if (ranges.empty()) return 0;
  int best = -1;
  for (const net::CidrRange& range : ranges) {
    if (range.Contains(address)) best = std::max(best, 1 + static_cast<int>(range.prefix_length()));
  }
  return best;
}

void AppendRanges(std::string& out, const std::vector<net::CidrRange>& ranges) {
  std::vector<std::string> texts;
  for (const net::CidrRange& range : ranges) texts.push_back(range.ToString());
  std::sort(texts.begin(), texts.end());
  for (const std::string& text : texts) StrAppend(out, text, ",");
  out.push_back(';');
}

}  // namespace

std::string FilterChainMatch::Key() const {
  std::string out = StrCat(destination_port, ";");
  AppendRanges(out, destinations);
  AppendRanges(out, direct_sources);
  StrAppend(out, static_cast<int>(source_type), ";");
  AppendRanges(out, sources);
  std::vector<uint16_t> ports = source_ports;
  std::sort(ports.begin(), ports.end());
  for (uint16_t port : ports) StrAppend(out, port, ",");
  return out;
}

bool MatchRank::BetterThan(const MatchRank& other) const {
  if (matches != other.matches) return matches;
  return std::lexicographical_compare(std::begin(other.ranks), std::end(other.ranks), std::begin(ranks),
                                      std::end(ranks));
}

MatchRank Rank(const FilterChainMatch& match, const net::Address& local, const net::Address& peer) {
  MatchRank rank;
  if (match.destination_port != 0) {
    if (match.destination_port != local.port()) return rank;
    rank.ranks[0] = 1;
  }
  rank.ranks[1] = RankRanges(match.destinations, local);
  rank.ranks[2] = RankRanges(match.direct_sources, peer);
  if (match.source_type != FilterChainMatch::SourceType::kAny) {
    const bool same = peer.is_loopback() || (peer.IpBytes() == local.IpBytes() && !peer.IpBytes().empty());
    if (same != (match.source_type == FilterChainMatch::SourceType::kSameIpOrLoopback)) return rank;
    rank.ranks[3] = 1;
  }
  rank.ranks[4] = RankRanges(match.sources, peer);
  if (!match.source_ports.empty()) {
    const bool listed =
        std::find(match.source_ports.begin(), match.source_ports.end(), peer.port()) != match.source_ports.end();
    rank.ranks[5] = listed ? 1 : -1;
  }
  for (int each : rank.ranks) {
    if (each < 0) return MatchRank();
  }
  rank.matches = true;
  return rank;
}

}  // namespace nuncio::listener
