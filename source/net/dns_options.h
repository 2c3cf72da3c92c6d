#pragma once

#include <cstdint>
#include <chrono>
#include <vector>

#include "source/net/address.h"

namespace nuncio::net {

// Which addresses of a name are asked for.
enum class DnsLookupFamily : uint8_t {
  kAuto,         // IPv6, and when there is none IPv4.
  kV4Only,
  kV6Only,
  kV4Preferred,  // IPv4, and when there is none IPv6.
  kAll,
};

// How names are looked up.
struct DnsOptions {
  // Servers to ask, port 0 meaning 53. Empty: those of resolv.conf.
  std::vector<Address> servers;
  // Only over TCP; else over UDP, and TCP where an answer was truncated.
  bool use_tcp = false;
  // Names are taken as they are, without resolv.conf's search list.
  bool no_search_domain = false;
  // Of one try. At least 1 s.
  std::chrono::seconds query_timeout{5};
  // At least 1.
  uint32_t query_tries = 4;

  bool operator==(const DnsOptions&) const = default;
};

}  // namespace nuncio::net
