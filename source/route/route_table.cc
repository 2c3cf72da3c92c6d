#include "source/route/route_table.h"

#include <utility>

#include "source/route/path_rewrite.h"

namespace nuncio::route {

RouteTable::RouteTable(Fields fields) : fields_(std::move(fields)) {
  for (uint32_t i = 0; i < fields_.virtual_hosts.size(); ++i) {
    for (const std::string& domain : fields_.virtual_hosts[i]->domains()) domains_.Insert(domain, i);
  }
}

const VirtualHost* RouteTable::FindVirtualHost(const http::RequestHead& request) const {
  std::string_view host = request.authority;
  if (fields_.virtual_host_field.has_value() && !fields_.virtual_host_field->First(request, &host)) return nullptr;
  if (fields_.ignore_port_in_host_matching) host = WithoutPort(host);
  const uint32_t found = domains_.Find(host);
  return found == DomainIndex::kNone ? nullptr : fields_.virtual_hosts[found].get();
}

std::string_view RouteTable::ComparedPath(std::string_view path) const {
  return path.substr(0, path.find_first_of(fields_.ignore_path_parameters ? ";?#" : "?#"));
}

}  // namespace nuncio::route
