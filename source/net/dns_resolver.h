#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/net/address.h"
#include "source/net/dns_options.h"

namespace nuncio::net {

struct DnsRecord {
  // With port 0.
  Address address;
  std::chrono::seconds ttl{};
};

// The addresses of a name, without duplicates. Empty where the name is not there or has none of the family asked for.
// An error where that could not be found out.
using DnsAnswer = absl::StatusOr<std::vector<DnsRecord>>;

// A lookup under way; destroying it cancels it.
class DnsQuery {
 public:
  virtual ~DnsQuery() = default;
};

// Who asked. May destroy the query in the call.
class DnsReceiver {
 public:
  virtual void OnDnsAnswer(DnsAnswer answer) = 0;

 protected:
  ~DnsReceiver() = default;
};

// Looks names up. Belongs to the main loop. Outlives its queries.
class DnsResolver {
 public:
  virtual ~DnsResolver() = default;

  // Never null. OnDnsAnswer follows once, never from within this call.
  virtual std::unique_ptr<DnsQuery> Resolve(const std::string& name, DnsLookupFamily family, DnsReceiver& receiver) = 0;
};

using DnsResolverFactory = std::function<std::unique_ptr<DnsResolver>(const DnsOptions& options)>;

}  // namespace nuncio::net
