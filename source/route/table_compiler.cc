#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/route/compiler.h"
#include "source/route/config.h"

namespace nuncio::route {
namespace {

using config::Faults;
using EnvoyVirtualHost = envoy::config::route::v3::VirtualHost;
using EnvoyRouteConfiguration = envoy::config::route::v3::RouteConfiguration;

// What stands in files and variables may change while the message does not.
bool ReadsFromOutside(const EnvoyVirtualHost& message) {
  for (const auto& route : message.routes()) {
    const auto& body = route.direct_response().body();
    if (!body.filename().empty() || !body.environment_variable().empty()) return true;
  }
  return false;
}

// 128 bits of a hash that is seeded per process: equal only for equal messages, for all that anybody can bring about.
VirtualHost::Digest DigestOf(const EnvoyVirtualHost& message, const CompileEnvironment& environment) {
  if (ReadsFromOutside(message)) return {};
  const std::string bytes = config::SerializeDeterministically(message);
  VirtualHost::Digest digest;
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] = absl::HashOf(i, environment.max_direct_response_body_size, ToAbsl(bytes));
  }
  return digest;
}

class PreviousVirtualHosts {
 public:
  explicit PreviousVirtualHosts(const RouteTable* table) {
    if (table == nullptr) return;
    for (const auto& virtual_host : table->virtual_hosts()) {
      if (virtual_host->digest() != VirtualHost::Digest{}) by_digest_.emplace(virtual_host->digest(), virtual_host);
    }
  }
  std::shared_ptr<const VirtualHost> Find(const VirtualHost::Digest& digest) const {
    const auto found = by_digest_.find(digest);
    return found == by_digest_.end() ? nullptr : found->second;
  }

 private:
  absl::flat_hash_map<VirtualHost::Digest, std::shared_ptr<const VirtualHost>> by_digest_;
};

// Checks that no domain appears twice in the table, and no name without a word.
class NameCheck {
 public:
  void Check(const EnvoyVirtualHost& message, Faults& faults) {
    if (!names_.insert(message.name()).second) {
      Faults::Scope scope(faults, "name");
      faults.Warn(StrCat("another virtual host of this table is named ", config::Quote(message.name()),
                         " too; logs will not tell them apart"));
    }
    for (int i = 0; i < message.domains_size(); ++i) {
      Faults::Scope scope(faults, "domains", static_cast<size_t>(i));
      CheckDomain(message.domains(i), message.name(), faults);
    }
  }

 private:
  void CheckDomain(const std::string& domain, const std::string& virtual_host, Faults& faults) {
    const auto [entry, is_new] = owners_.emplace(AsciiToLower(domain), virtual_host);
    if (!is_new) {
      faults.Add(StrCat(config::Quote(domain), " is already a domain of virtual host ", config::Quote(entry->second),
                        "; a domain may appear only once in a table"));
    }
    const size_t inner_star = domain.find('*', 1);
    if (inner_star != std::string::npos && (inner_star + 1 < domain.size() || domain.front() == '*')) {
      faults.Warn(StrCat(config::Quote(domain), " has a star that is neither first nor last; it stands for itself"));
    }
  }

  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_map<std::string, std::string> owners_;
};

}  // namespace

std::shared_ptr<const VirtualHost> CompileVirtualHost(const EnvoyVirtualHost& message,
                                                      const CompileEnvironment& environment, Faults& faults) {
  VirtualHost::Fields fields;
  fields.name = message.name();
  fields.domains.assign(message.domains().begin(), message.domains().end());
  fields.routes.reserve(static_cast<size_t>(message.routes_size()));
  for (int i = 0; i < message.routes_size(); ++i) {
    Faults::Scope scope(faults, "routes", static_cast<size_t>(i));
    fields.routes.push_back(CompileRoute(message.routes(i), environment, faults));
  }
  fields.request_mutations =
      CompileHeaderMutations(message.request_headers_to_remove(), "request_headers_to_remove",
                             message.request_headers_to_add(), "request_headers_to_add", environment.options, faults);
  fields.response_mutations =
      CompileHeaderMutations(message.response_headers_to_remove(), "response_headers_to_remove",
                             message.response_headers_to_add(), "response_headers_to_add", environment.options, faults);
  fields.require_tls = static_cast<VirtualHost::RequireTls>(message.require_tls());
  fields.include_request_attempt_count = message.include_request_attempt_count();
  fields.include_attempt_count_in_response = message.include_attempt_count_in_response();
  fields.per_filter = CompilePerFilterConfigs(message.typed_per_filter_config(), environment.options, faults);
  fields.metadata = CompileOptionalMetadata(message.has_metadata(), message.metadata(), faults);
  fields.digest = DigestOf(message, environment);
  return std::make_shared<const VirtualHost>(std::move(fields));
}

std::shared_ptr<const RouteTable> CompileRouteTable(const EnvoyRouteConfiguration& message,
                                                    const CompileOptions& options, Faults& faults) {
  const size_t faults_before = faults.count();
  CompileEnvironment environment{options};
  if (message.has_max_direct_response_body_size_bytes()) {
    environment.max_direct_response_body_size = message.max_direct_response_body_size_bytes().value();
  }

  RouteTable::Fields fields;
  fields.name = message.name();
  fields.virtual_hosts.reserve(static_cast<size_t>(message.virtual_hosts_size()));
  const PreviousVirtualHosts previous(options.previous);
  NameCheck names;
  for (int i = 0; i < message.virtual_hosts_size(); ++i) {
    Faults::Scope scope(faults, "virtual_hosts", static_cast<size_t>(i));
    const EnvoyVirtualHost& virtual_host = message.virtual_hosts(i);
    names.Check(virtual_host, faults);
    std::shared_ptr<const VirtualHost> compiled;
    if (options.previous != nullptr) compiled = previous.Find(DigestOf(virtual_host, environment));
    if (compiled == nullptr) compiled = CompileVirtualHost(virtual_host, environment, faults);
    fields.virtual_hosts.push_back(std::move(compiled));
  }
  for (const std::string& name : message.internal_only_headers()) fields.internal_only_headers.emplace_back(name);
  fields.request_mutations =
      CompileHeaderMutations(message.request_headers_to_remove(), "request_headers_to_remove",
                             message.request_headers_to_add(), "request_headers_to_add", options, faults);
  fields.response_mutations =
      CompileHeaderMutations(message.response_headers_to_remove(), "response_headers_to_remove",
                             message.response_headers_to_add(), "response_headers_to_add", options, faults);
  fields.per_filter = CompilePerFilterConfigs(message.typed_per_filter_config(), options, faults);
  fields.most_specific_header_mutations_wins = message.most_specific_header_mutations_wins();
  if (message.has_validate_clusters()) fields.validate_clusters = message.validate_clusters().value();
  fields.ignore_port_in_host_matching = message.ignore_port_in_host_matching();
  fields.ignore_path_parameters = message.ignore_path_parameters_in_path_matching();
  if (!message.vhost_header().empty()) fields.virtual_host_field.emplace(message.vhost_header());
  if (faults.count() != faults_before) return nullptr;
  return std::make_shared<const RouteTable>(std::move(fields));
}

}  // namespace nuncio::route
