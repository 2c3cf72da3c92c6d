#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/net/address.h"

namespace nuncio::listener {

// Which connections a filter chain is for. What is empty or unset matches all.
struct FilterChainMatch {
  enum class SourceType : uint8_t { kAny, kSameIpOrLoopback, kExternal };

  uint16_t destination_port = 0;
  std::vector<net::CidrRange> destinations;
  std::vector<net::CidrRange> direct_sources;
  SourceType source_type = SourceType::kAny;
  std::vector<net::CidrRange> sources;
  std::vector<uint16_t> source_ports;

  bool matches_all() const {
    return destination_port == 0 && destinations.empty() && direct_sources.empty() &&
           source_type == SourceType::kAny && sources.empty() && source_ports.empty();
  }
  // Canonical text; equal for matches that take the same connections with the same precedence.
  std::string Key() const;
};

// How well a match fits a connection; compared criterion by criterion in the order in which the API ranks them:
// destination port, destination, direct source, source type, source, source port. Longer prefixes rank higher.
struct MatchRank {
  bool matches = false;
  int ranks[6] = {0, 0, 0, 0, 0, 0};
  bool BetterThan(const MatchRank& other) const;
};

MatchRank Rank(const FilterChainMatch& match, const net::Address& local, const net::Address& peer);

}  // namespace nuncio::listener
