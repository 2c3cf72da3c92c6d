#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/message.h"
#include "source/matcher/request_field.h"
#include "source/route/domain_index.h"
#include "source/route/header_mutation.h"
#include "source/route/per_filter_config.h"
#include "source/route/virtual_host.h"

namespace nuncio::route {

// A compiled RouteConfiguration. Immutable; any thread. Tables may share virtual hosts.
class RouteTable {
 public:
  struct Fields {
    std::string name;
    std::vector<std::shared_ptr<const VirtualHost>> virtual_hosts;
    // Removed from requests of untrusted clients.
    std::vector<HeaderName> internal_only_headers;
    HeaderMutations request_mutations;
    HeaderMutations response_mutations;
    // What it says to HTTP filters. Null: nothing.
    std::unique_ptr<const PerFilterConfigs> per_filter;
    // The table's header changes come first and the route's last. Otherwise the other way round.
    bool most_specific_header_mutations_wins = false;
    // Whether a table that names an unknown cluster is refused. Unset: true in a static listener, false from discovery.
    std::optional<bool> validate_clusters;
    bool ignore_port_in_host_matching = false;
    bool ignore_path_parameters = false;
    // The field that chooses the virtual host instead of the authority.
    std::optional<matcher::RequestField> virtual_host_field;
  };

  // Where two virtual hosts claim one domain the first keeps it; :config refuses that before.
  explicit RouteTable(Fields fields);

  const std::string& name() const { return fields_.name; }
  const std::vector<std::shared_ptr<const VirtualHost>>& virtual_hosts() const { return fields_.virtual_hosts; }
  const std::vector<HeaderName>& internal_only_headers() const { return fields_.internal_only_headers; }
  const HeaderMutations& request_mutations() const { return fields_.request_mutations; }
  const HeaderMutations& response_mutations() const { return fields_.response_mutations; }
  const PerFilterConfigs* per_filter() const { return fields_.per_filter.get(); }
  bool most_specific_header_mutations_wins() const { return fields_.most_specific_header_mutations_wins; }
  std::optional<bool> validate_clusters() const { return fields_.validate_clusters; }

  // Null where no domain matches.
  const VirtualHost* FindVirtualHost(const http::RequestHead& request) const;
  // The part of a request's path that routes compare: without query, and without parameters where they are ignored.
  std::string_view ComparedPath(std::string_view path) const;

 private:
  Fields fields_;
  DomainIndex domains_;
};

}  // namespace nuncio::route
