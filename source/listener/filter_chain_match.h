#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/net/address.h"

namespace nuncio::listener {

// Which connections a filter chain is for, as configured. What is empty or unset matches all.
struct FilterChainMatch {
  enum class SourceType : uint8_t { kAny, kSameIpOrLoopback, kExternal };

  uint16_t destination_port = 0;
  std::vector<net::CidrRange> destinations;
  // Lower case; "*.example.com" is for every name that ends with ".example.com".
  std::vector<std::string> server_names;
  std::string transport_protocol;
  std::vector<std::string> application_protocols;
  std::vector<net::CidrRange> direct_sources;
  SourceType source_type = SourceType::kAny;
  std::vector<net::CidrRange> sources;
  std::vector<uint16_t> source_ports;
};

}  // namespace nuncio::listener
